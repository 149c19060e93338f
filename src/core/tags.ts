/** The tags that an event fires `event.on_ingest` with. */
import { type ExactValue, isObject, memberOf } from './json.ts';

const LEVEL_NAMES: ReadonlyMap<number, string> = new Map([
  [0, 'notset'],
  [10, 'debug'],
  [20, 'info'],
  [30, 'warning'],
  [40, 'error'],
  [50, 'critical'],
]);

/** Members of `source` that become tags, with the word that stands before the id. */
const SOURCE_TAGS = [
  ['node_id', 'node:'],
  ['workcell_id', 'workcell:'],
  ['workflow_id', 'workflow:'],
  ['experiment_id', 'experiment:'],
] as const;

/** A name longer than this is no name of a site, and would make a tag of any size. */
const MAX_SITE_LENGTH = 100;

/** What of an event its tags come from. */
export interface Taggable {
  tags: readonly string[];
  type: string;
  level: number;
  source: Readonly<Partial<Record<(typeof SOURCE_TAGS)[number][0], string>>>;
  data?: ExactValue;
}

/**
 * The event's own tags, then what it is (`log_error`), how grave (`level:error`), who took part (`node:<id>`, `workcell:<id>`,
 * `workflow:<id>`, `experiment:<id>`) and where (`site:<name>`, when event_data.site is a text of 1 to 100 characters).
 */
export function eventTags(event: Taggable): string[] {
  const tags = [...event.tags, event.type];
  const level = LEVEL_NAMES.get(event.level);
  if (level !== undefined) tags.push(`level:${level}`);
  for (const [member, prefix] of SOURCE_TAGS) {
    const id = event.source[member];
    if (id !== undefined) tags.push(prefix + id);
  }
  const site = siteOf(event.data);
  if (site !== null) tags.push(`site:${site}`);
  return [...new Set(tags)];
}

function siteOf(data: ExactValue | undefined): string | null {
  const site = isObject(data) ? memberOf(data, 'site') : undefined;
  return typeof site === 'string' && site !== '' && site.length <= MAX_SITE_LENGTH ? site : null;
}
