import type { RaisedAlert } from './alert.ts';
import type { NewDelivery } from './delivery.ts';
import { isEventType } from './event-types.ts';
import { type MailSite, messageIdOf } from './mail-id.ts';
import { prettyJson } from './mail-json.ts';
import { cutBytes, oneLine } from './mail-text.ts';

/** `names`: as MADSci's image on Python 3.12 writes its subjects; `values`: as Python before 3.11 does (M37). */
export type AlertSubjects = 'names' | 'values';

/** What the alert mails of an installation have in common. */
export interface AlertMailSettings {
  /** Its domain is that of whoever alerts come from. */
  site: Pick<MailSite, 'domain' | 'digest'>;
  /** email_addresses of EMAIL_ALERTS. */
  addresses: readonly string[];
  /** default_importance of EMAIL_ALERTS. */
  importance: string;
  subjects: AlertSubjects;
}

const MAX_BODY = 8_388_608;
const MAX_ID = 300;
const LEVELS: ReadonlyMap<number, string> = new Map([
  [0, 'NOTSET'],
  [10, 'DEBUG'],
  [20, 'INFO'],
  [30, 'WARNING'],
  [40, 'ERROR'],
  [50, 'CRITICAL'],
]);
/** Whatever else it is called, Normal among it, has the lowest priority in the original (M38). */
const PRIORITIES: ReadonlyMap<string, string> = new Map([
  ['high', '1'],
  ['low', '3'],
]);

/**
 * The mails of an alert as MADSci writes them (M36 to M38), one for each address. Their ids come from the event and the address alone:
 * however often the event is raised, by whomever, each address is written to once.
 */
export function alertMails(alert: RaisedAlert, settings: AlertMailSettings, from: { executionId: string; at: number }): NewDelivery[] {
  const { event } = alert;
  const { site } = settings;
  const importance = oneLine(alert.importance ?? settings.importance, MAX_ID);
  const shared = {
    executionId: from.executionId,
    kind: 'alert' as const,
    subject: alertSubject(event, settings.subjects),
    text: alertBody(event.json),
    html: null,
    headers: {
      Importance: importance,
      'X-Priority': PRIORITIES.get(importance.toLowerCase()) ?? '5',
      'X-MADSci-Event-ID': oneLine(event.id, MAX_ID),
    },
    createdAt: Math.ceil(from.at),
  };
  return [...new Set(alert.to ?? settings.addresses)].map((to) => {
    const id = `${site.digest(`alert\u0000${event.id}\u0000${to}`)}.alert`;
    return { id, to, ...shared, messageId: messageIdOf(site, id) };
  });
}

function alertSubject({ type, level }: RaisedAlert['event'], subjects: AlertSubjects): string {
  if (subjects === 'values') return oneLine(`ALERT (${level}): ${type}`, MAX_ID);
  // A type of one's own is no member of the original's list, so it has no such name.
  const typeName = isEventType(type) ? `EventType.${type.toUpperCase()}` : type;
  return oneLine(`ALERT (EventLogLevel.${LEVELS.get(level) ?? level}): ${typeName}`, MAX_ID);
}

const EXPONENT = /^(-?)(\d)(?:\.(\d+))?e([+-])0*(\d+)$/;

/** Answers spell floats as Python's json does, the original's mails as pydantic does: 1e-07 is 1e-7 there, and 1e-05 is 0.00001. */
function pydanticNumber(token: string): string {
  const parts = EXPONENT.exec(token);
  if (parts === null) return token;
  const [, minus, digit, rest, sign, exponent] = parts;
  if (sign === '-' && exponent === '5') return `${minus}0.0000${digit}${rest ?? ''}`;
  return `${minus}${digit}${rest === undefined ? '' : `.${rest}`}e${sign === '-' ? '-' : ''}${exponent}`;
}

/** The stored text begins with the id; the original's own name of it is another one in its mails. */
function alertBody(json: string): string {
  const body = prettyJson(json.replace(/^\{"_id":/, '{"event_id":'), MAX_BODY, Number.POSITIVE_INFINITY, pydanticNumber);
  const cut = cutBytes(body, MAX_BODY);
  return cut.length < body.length ? `${cut}\n… cut; GET /event answers all of it` : cut;
}
