import { z } from 'zod';
import { SCOPES } from '../core/key.ts';
import { checkAddress } from '../core/mail-address.ts';
import { isTimezone } from '../core/timezone.ts';
import { flag, httpUrl, list, oneOf, optional, text, whole } from './takes.ts';

const mongoName = (pattern: RegExp) => text.regex(pattern, 'takes a name that MongoDB takes');

const MAX_RECIPIENTS = 20;
const addresses = list.transform((given, context) => {
  for (const address of given) {
    const checked = checkAddress(address);
    if (!checked.ok) context.addIssue({ code: 'custom', message: `takes mail addresses: ${checked.detail}` });
  }
  if (given.length > MAX_RECIPIENTS) context.addIssue({ code: 'custom', message: `takes at most ${MAX_RECIPIENTS} addresses` });
  return given;
});
const timezone = text.refine(isTimezone, 'takes the name of a time zone, such as UTC, Europe/London or America/Chicago');

/** Settings of our own. In the environment they have these names, in files also the same in lower case. */
export const OWN = {
  HOST: text.min(1).default('127.0.0.1').describe('Address to listen on. Anything but loopback needs a key for every request.'),
  PORT: whole(0, 65_535).default(8001).describe('Port to listen on; 0 takes a free one.'),
  DATA_DIR: text.min(1).default('./data').describe('Folder of the database, and of mails when there is no SMTP_URL.'),
  EVENT_DB_URL: optional(text.regex(/^mongodb(\+srv)?:\/\/./, 'takes a URL such as mongodb://host1,host2/?replicaSet=rs0')).describe(
    'MongoDB, which several servers may share. Default: SQLite in DATA_DIR.',
  ),
  EVENT_DATABASE_NAME: mongoName(/^[^\0/\\. "$]{1,63}$/)
    .default('madsci_events')
    .describe('Database in MongoDB.'),
  EVENT_COLLECTION_NAME: mongoName(/^(?!system\.)[^\0$]{1,120}$/)
    .default('events')
    .describe('Collection of the events in MongoDB.'),
  ALLOW_STANDALONE_MONGODB: flag
    .default(false)
    .describe('Takes a MongoDB that is no replica set: it may forget what was answered, and changes are seen by polling only.'),
  DURABILITY: oneOf(['full', 'normal'])
    .default('full')
    .describe('full: an answered event survives a power cut. normal: it survives a crash of the process.'),
  PUBLIC_URL: optional(httpUrl).describe('Where people reach the server; used in links. Default: the address it listens on.'),
  ADMIN_KEY: optional(text.min(16, 'takes at least 16 characters').regex(/^\S+$/, 'takes no blanks')).describe(
    'Sets the admin key. Default: the first start makes one and prints it once.',
  ),
  ALLOW_ANONYMOUS: optional(
    list
      .transform((names) => (names.length === 1 && names[0] === 'none' ? [] : names))
      .pipe(z.array(z.enum(SCOPES, { error: `takes none, or scopes separated by commas: ${SCOPES.join(', ')}` }))),
  ).describe(
    'Scopes of callers without a key, or none. Default: events:read,events:write on loopback without a public PUBLIC_URL, else none.',
  ),
  ALLOWED_HOSTS: optional(list).describe('Host names by which requests may address the server, besides its own; * takes any.'),
  SMTP_URL: optional(text.regex(/^smtps?:\/\//, 'takes a URL such as smtp://user:password@mail.example.org:587')).describe(
    'Mail server. Default: mails become .eml files in DATA_DIR/mail.',
  ),
  MAIL_FROM: text.min(3, 'takes an address').default('Hookwright <hookwright@localhost.localdomain>').describe('Sender of mails.'),
  ALERT_SUBJECTS: oneOf(['names', 'values'])
    .default('names')
    .describe('names: ALERT (EventLogLevel.ERROR): EventType.LOG_ERROR, as MADSci on Python 3.12. values: ALERT (40): log_error.'),
  UTILIZATION_REPORT_TO: optional(addresses).describe(
    'Addresses that get the report of how the lab was used. Default: there is no report.',
  ),
  UTILIZATION_REPORT_PERIOD: oneOf(['daily', 'weekly', 'monthly'])
    .default('weekly')
    .describe('What it is about: the last whole day, week from Monday, or month.'),
  UTILIZATION_REPORT_TIMEZONE: timezone.default('UTC').describe('Whose days these are, and whose clock the schedule goes by.'),
  UTILIZATION_REPORT_SCHEDULE: optional(text.min(1)).describe(
    'When it is made, as a cron expression. Default: at 7 in the morning after the day, week or month.',
  ),
  EXPORT_DIR: optional(text.min(1)).describe('Folder below which reports may be saved by requests. Default: exports in DATA_DIR.'),
  KEEP_EXECUTIONS_DAYS: whole(0, 365_000)
    .default(90)
    .describe('Days after their end for which executions are kept that succeeded or were canceled; 0 for ever. Dead ones are kept.'),
  KEEP_MAILS_DAYS: whole(0, 365_000).default(90).describe('Days for which sent mails are kept; 0 for ever. Failed ones are kept.'),
  RUNNERS: optional(whole(1, 64)).describe('The most processes that run handlers. Default: one per core, at least two.'),
  QUERY_DEADLINE_MS: whole(100, 600_000).default(10_000).describe('How long a query may take before it is stopped.'),
  MAX_BODY_BYTES: whole(1_024, 1_073_741_824)
    .default(16_777_216)
    .describe('The largest request body, apart from POST /events, which has no bound.'),
  MAX_EVENT_BYTES: whole(1_024, 268_435_456).default(16_777_216).describe('The largest single event.'),
  ALLOW_CUSTOM_EVENT_TYPES: flag.default(false).describe('Takes event types beyond the 63 of MADSci.'),
  ALLOW_ANY_SOURCE_IDS: flag.default(false).describe('Takes ids in source that are no ULIDs.'),
  OTEL_EXPORTER_OTLP_ENDPOINT: optional(httpUrl).describe(
    "OpenTelemetry's own variable: traces go to this collector, by HTTP, also without EVENT_OTEL_ENABLED.",
  ),
  LOG_LEVEL: oneOf(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('How much is logged, as JSON lines on standard error.'),
};
