import { z } from 'zod';
import { flag, httpUrl, list, logLevel, oneOf, optional, seconds, text, whole } from './takes.ts';

const IMPORTANCE = ['High', 'Normal', 'Low'] as const;
const MANAGERS = ['event', 'workcell', 'resource', 'auth', 'data', 'transfer', 'experiment', 'lab', 'location'] as const;
const [FIRST, ...OTHERS] = MANAGERS.map((name) => `${name}_manager`);

/** Mails about alerts, as MADSci's EmailAlertsConfig. Members that it does not know are reported, not refused, as the original does. */
export const EmailAlerts = z.object(
  {
    smtp_server: text.min(1).default('smtp.example.com'),
    smtp_port: whole(1, 65_535).default(587),
    smtp_username: optional(text),
    smtp_password: optional(text),
    use_tls: flag.default(true),
    sender: text.min(3, 'takes an address').default('no-reply@example.com'),
    default_importance: oneOf(IMPORTANCE).default('Normal'),
    email_addresses: list.default([]),
  },
  { error: 'takes an object such as {"smtp_server":"mail.example.org","email_addresses":["lab@example.org"]}' },
);

/** MADSci's settings, by their names in upper case. In the environment they begin with EVENT_; in files that may be left out. */
export const MADSCI = {
  SERVER_URL: optional(httpUrl).describe('URL whose host and port are listened on where HOST and PORT are not set.'),
  MANAGER_ID: optional(text.min(1)).describe(
    'Id of this server in the source of events that come without one. Default: made once and kept.',
  ),
  MANAGER_NAME: optional(text.min(1)).describe('Name of this server, for people.'),
  MANAGER_DESCRIPTION: optional(text).describe('What this server is for, for people.'),
  MANAGER_TYPE: oneOf([FIRST as string, ...OTHERS])
    .default('event_manager')
    .describe('What kind of manager this server says it is.'),
  ALERT_LEVEL: logLevel
    .default(40)
    .describe('Events at or above this log level fire event.on_alert, and are mailed when EMAIL_ALERTS is set.'),
  EMAIL_ALERTS: optional(EmailAlerts).describe('Mail server, sender and addresses of the mails about alerts.'),
  EVENT_HANDLERS: optional(list).describe('Import strings of MADSci handlers. Its NotificationHandler means the mails of EMAIL_ALERTS.'),
  RETENTION_ENABLED: flag.default(false).describe('Archives old events, and deletes archived ones, by itself.'),
  SOFT_DELETE_AFTER_DAYS: whole(1, 365_000).default(90).describe('Age at which events are archived.'),
  HARD_DELETE_AFTER_DAYS: whole(1, 365_000).default(365).describe('Days after archiving at which events are deleted.'),
  RETENTION_CHECK_INTERVAL_HOURS: whole(1, 8_760).default(24).describe('Hours between two looks for old events.'),
  ARCHIVE_BATCH_SIZE: whole(1, 100_000).default(1_000).describe('Most events that are archived at once.'),
  MAX_BATCHES_PER_RUN: whole(0, 1_000_000).default(100).describe('Most batches in one run; 0 for no bound.'),
  FAIL_ON_RETENTION_ERROR: flag.default(false).describe('Ends retention until the next start when a run fails, instead of trying again.'),
  BACKUP_ENABLED: flag.default(false).describe('Makes backups by BACKUP_SCHEDULE.'),
  BACKUP_SCHEDULE: optional(text.min(1)).describe('When backups are made, as a cron expression such as 0 2 * * *.'),
  BACKUP_DIR: text.min(1).default('.madsci/backups/events').describe('Folder of the backups.'),
  BACKUP_MAX_COUNT: whole(1, 10_000).default(10).describe('How many backups are kept.'),
  RATE_LIMIT_ENABLED: flag.default(true).describe('Bounds how many requests an address may send.'),
  RATE_LIMIT_REQUESTS: whole(1, 1_000_000_000).default(300).describe('Requests in a window.'),
  RATE_LIMIT_WINDOW: whole(1, 86_400).default(60).describe('Seconds of a window.'),
  RATE_LIMIT_SHORT_REQUESTS: whole(1, 1_000_000_000).nullable().default(50).describe('Requests in a short window; null for no bound.'),
  RATE_LIMIT_SHORT_WINDOW: whole(1, 86_400).nullable().default(1).describe('Seconds of a short window; null for no bound.'),
  RATE_LIMIT_CLEANUP_INTERVAL: whole(1, 86_400).default(300).describe('Seconds after which addresses that sent nothing are forgotten.'),
  RATE_LIMIT_EXEMPT_IPS: optional(list).describe('Addresses without a bound. Default: 127.0.0.1 and ::1.'),
  UVICORN_WORKERS: optional(whole(1, 1_024)).describe('Without meaning here: RUNNERS says how many processes there are.'),
  UVICORN_LIMIT_CONCURRENCY: optional(whole(1, 1_000_000)).describe('Without meaning here: requests wait in memory that is bounded.'),
  UVICORN_LIMIT_MAX_REQUESTS: optional(whole(1)).describe('Without meaning here: the server need not be restarted.'),
  ENABLE_REGISTRY_RESOLUTION: flag
    .default(true)
    .describe('Takes, at the first start, the id that the registry of MADSci has for this server.'),
  LAB_URL: optional(httpUrl).describe('Without meaning here: the id of this server is kept in its database.'),
  REGISTRY_LOCK_TIMEOUT: seconds(0, 86_400).default(60).describe('Without meaning here: there is no registry that could be locked.'),
  OTEL_ENABLED: flag.default(false).describe('Sends traces by OpenTelemetry.'),
  OTEL_SERVICE_NAME: optional(text.min(1)).describe('Name of this server in traces. Default: MANAGER_NAME.'),
  OTEL_EXPORTER: oneOf(['console', 'otlp', 'none']).default('console').describe('Where traces go; console: into the log.'),
  OTEL_ENDPOINT: optional(text.min(1)).describe('URL of the collector when OTEL_EXPORTER is otlp, such as http://127.0.0.1:4317.'),
  OTEL_PROTOCOL: oneOf(['grpc', 'http']).default('grpc').describe('Protocol of the collector.'),
};
