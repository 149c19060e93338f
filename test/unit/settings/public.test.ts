import { describe, expect, test } from '@jest/globals';
import { NAMES, readConfig } from '../../../src/config.ts';
import { MADSCI } from '../../../src/settings/madsci.ts';
import { publicSettings } from '../../../src/wiring/public-settings.ts';

const MANAGER = { managerId: 'M', url: () => 'http://localhost:8001' };
const settings = (env: Record<string, string> = {}) =>
  publicSettings(
    readConfig(env, () => ''),
    MANAGER,
  );

/** A value other than the default for each of MADSci's settings, and what is shown of it. */
const GIVEN: Readonly<Record<string, readonly [string, unknown]>> = {
  SERVER_URL: ['http://127.0.0.1:9/', 'http://127.0.0.1:9/'],
  MANAGER_ID: ['x', 'M'],
  MANAGER_NAME: ['n', 'n'],
  MANAGER_DESCRIPTION: ['d', 'd'],
  MANAGER_TYPE: ['lab_manager', 'lab_manager'],
  ALERT_LEVEL: ['WARNING', 30],
  EMAIL_ALERTS: [
    '{"smtp_password":"hush"}',
    expect.objectContaining({ smtp_username: '***REDACTED***', smtp_password: '***REDACTED***', smtp_port: 587, email_addresses: [] }),
  ],
  EVENT_HANDLERS: ['["a.b"]', ['a.b']],
  BACKUP_SCHEDULE: ['0 2 * * *', '0 2 * * *'],
  BACKUP_DIR: ['/b', '/b'],
  RATE_LIMIT_SHORT_REQUESTS: ['null', null],
  RATE_LIMIT_SHORT_WINDOW: ['null', null],
  RATE_LIMIT_EXEMPT_IPS: ['1.2.3.4,::1', ['1.2.3.4', '::1']],
  LAB_URL: ['http://lab', 'http://lab'],
  REGISTRY_LOCK_TIMEOUT: ['1.5', 1.5],
  OTEL_SERVICE_NAME: ['o', 'o'],
  OTEL_EXPORTER: ['otlp', 'otlp'],
  OTEL_ENDPOINT: ['http://o', 'http://o'],
  OTEL_PROTOCOL: ['http', 'http'],
};
function given(name: string): readonly [string, unknown] {
  const own = GIVEN[name];
  if (own !== undefined) return own;
  const fallback = settings().all()[name.toLowerCase()];
  return typeof fallback === 'boolean' ? [String(!fallback), !fallback] : ['7', 7];
}

describe('M41 settings that are shown', () => {
  test.each(Object.keys(MADSCI))('%s from the environment', (name) => {
    const [text, shown] = given(name);
    const values = settings({ [NAMES.shown(name)]: text }).all();
    expect(values[name.toLowerCase()]).toEqual(shown);
  });

  test('defaults are those of the original', () => {
    expect(settings().all()).toMatchObject({
      server_url: 'http://localhost:8001/',
      manager_type: 'event_manager',
      database_name: 'madsci_events',
      collection_name: 'events',
      alert_level: 40,
      email_alerts: null,
      soft_delete_after_days: 90,
      hard_delete_after_days: 365,
      retention_check_interval_hours: 24,
      archive_batch_size: 1000,
      max_batches_per_run: 100,
      backup_dir: '.madsci/backups/events',
      backup_max_count: 10,
      rate_limit_requests: 300,
      rate_limit_short_requests: 50,
      rate_limit_exempt_ips: null,
      uvicorn_workers: null,
      registry_lock_timeout: 60,
      otel_exporter: 'console',
      otel_protocol: 'grpc',
    });
  });

  test('no secret is shown', () => {
    const secret = 'hush-hush-hush-hush';
    const env = {
      ADMIN_KEY: secret,
      SMTP_URL: `smtp://${secret}@h`,
      EVENT_DB_URL: `mongodb://${secret}@h`,
      EVENT_EMAIL_ALERTS__SMTP_USERNAME: secret,
    };
    expect(JSON.stringify(settings(env).all())).not.toContain('hush');
    expect(settings(env).all()).toMatchObject({ document_db_url: '***REDACTED***' });
  });
});

describe('M23 what include_defaults=false leaves', () => {
  test('the id that was made up, and what is blanked; not what was set', () => {
    const env = { EVENT_ALERT_LEVEL: '30', EVENT_DB_URL: 'mongodb://h', EVENT_EMAIL_ALERTS: '{}' };
    expect(Object.keys(settings(env).changed())).toEqual(['document_db_url', 'manager_id', 'email_alerts', 'event_db_url']);
    expect(Object.keys(settings({ EVENT_MANAGER_ID: 'x' }).changed())).toEqual([]);
  });
});

test('M23 the schema names every setting that is shown, with its title', () => {
  const { schema, schema_title } = settings().schema() as { schema: { properties: Record<string, object> }; schema_title: string };
  expect(schema_title).toBe('EventManagerSettings');
  expect(Object.keys(schema.properties).sort()).toEqual(Object.keys(settings().all()).sort());
  expect(schema.properties['soft_delete_after_days']).toMatchObject({ title: 'Soft Delete After Days', default: 90 });
});
