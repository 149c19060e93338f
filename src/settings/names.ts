/** Which setting is meant by a name, and how it ranks among the names of that setting: the lowest that is used anywhere wins (M41). */
export interface Meaning {
  setting: string;
  rank: number;
  /** Members of it, for EVENT_EMAIL_ALERTS__SMTP_SERVER. */
  path: readonly string[];
}
export interface Names {
  /** As the environment and .env files have it. */
  inEnvironment(name: string): Meaning | null;
  /** As the command line and the other files have it: in any case, with or without `event_`. */
  inDocument(name: string): Meaning | null;
  /** The name that pages and messages use. */
  shown(setting: string): string;
  all: readonly string[];
}

const PREFIX = 'event_';
/** Names besides those by the rule, which is what MADSci has grown; with their ranks. */
const MORE: Readonly<Record<string, { environment: Readonly<Record<string, number>>; document: Readonly<Record<string, number>> }>> = {
  EVENT_DB_URL: {
    environment: { DOCUMENT_DB_URL: 0, EVENT_DOCUMENT_DB_URL: 0, MONGO_DB_URL: 2, EVENT_MONGO_DB_URL: 2, EVENT_DB_URL: 3, DB_URL: 4 },
    // The original takes each of the first four in a file for the first: so they win over most of the environment.
    document: { document_db_url: 0, mongo_db_url: 0, event_db_url: 0, db_url: 0, event_document_db_url: 1, event_mongo_db_url: 5 },
  },
  EVENT_DATABASE_NAME: {
    environment: { DATABASE_NAME: 0, EVENT_DATABASE_NAME: 0 },
    document: { database_name: 0, event_database_name: 1 },
  },
  EVENT_COLLECTION_NAME: {
    environment: { COLLECTION_NAME: 0, EVENT_COLLECTION_NAME: 0 },
    document: { collection_name: 0, event_collection_name: 1 },
  },
  EVENT_HANDLERS: {
    environment: { EVENT_HANDLERS: 0, EVENT_EVENT_HANDLERS: 0 },
    document: { event_handlers: 0, event_event_handlers: 1 },
  },
  ALERT_LEVEL: { environment: { ALERT_LEVEL: 0, EVENT_ALERT_LEVEL: 0 }, document: { alert_level: 0, event_alert_level: 1 } },
};

/** `own` and `madsci`: the settings by whose names they are; MADSci's carry its prefix in the environment. */
export function settingNames(own: readonly string[], madsci: readonly string[]): Names {
  const environment = new Map<string, Meaning>();
  const document = new Map<string, Meaning>();
  const add = (names: Map<string, Meaning>, setting: string, ranks: Readonly<Record<string, number>>): void => {
    for (const [name, rank] of Object.entries(ranks)) names.set(name, { setting, rank, path: [] });
  };
  for (const setting of [...own, ...madsci]) {
    const isOwn = own.includes(setting);
    const key = setting.toLowerCase();
    const more = MORE[setting];
    add(environment, setting, more?.environment ?? { [isOwn ? setting : `EVENT_${setting}`]: 0 });
    add(document, setting, more?.document ?? (isOwn ? { [key]: 0 } : { [key]: 0, [PREFIX + key]: 1 }));
  }
  const isPrefixed = (name: string): boolean => name.toLowerCase().startsWith(PREFIX);
  return {
    inEnvironment: (name) => meaning(environment, isPrefixed(name) ? name.toUpperCase() : name),
    inDocument: (name) => meaning(document, name.toLowerCase().replaceAll('-', '_')),
    shown: (setting) => (own.includes(setting) || setting.startsWith('EVENT_') ? setting : `EVENT_${setting}`),
    all: [...new Set([...own, ...madsci.map((name) => (name.startsWith('EVENT_') ? name : `EVENT_${name}`)), ...environment.keys()])],
  };
}

function meaning(names: ReadonlyMap<string, Meaning>, name: string): Meaning | null {
  const [first = '', ...path] = name.split(/__|\./);
  const found = names.get(first);
  return found === undefined ? null : { ...found, path: path.map((part) => part.toLowerCase()) };
}
