import { z } from 'zod';
import { SCOPES, type Scope } from './core/key.ts';

const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost']);
const LOOPBACK_SCOPES: readonly Scope[] = ['events:read', 'events:write'];
const YES = new Set(['1', 'true', 'yes', 'on']);
const NO = new Set(['0', 'false', 'no', 'off', '']);

const flag = z.string().transform((text, context) => {
  if (YES.has(text.toLowerCase())) return true;
  if (NO.has(text.toLowerCase())) return false;
  context.addIssue({ code: 'custom', message: 'takes true or false' });
  return z.NEVER;
});
const whole = (min: number, max: number) => {
  const error = `takes a whole number from ${min} to ${max}`;
  return z.string().regex(/^\d+$/, error).transform(Number).pipe(z.number().min(min, error).max(max, error));
};
const oneOf = <const Names extends readonly [string, ...string[]]>(names: Names) => z.enum(names, { error: `takes ${names.join(' or ')}` });
const list = z.string().transform((text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
);
const httpUrl = z.url({ protocol: /^https?$/, error: 'takes a URL such as https://events.example.org' });

/** Every setting: its name in the environment and in .env, what it takes, and its default. docs/settings.md is tested against this. */
export const SETTINGS = z.object({
  HOST: z.string().min(1).default('127.0.0.1').describe('Address to listen on. Anything but loopback needs a key for every request.'),
  PORT: whole(0, 65_535).default(8001).describe('Port to listen on; 0 takes a free one.'),
  DATA_DIR: z.string().min(1).default('./data').describe('Folder of the database, and of mails when there is no SMTP_URL.'),
  DURABILITY: oneOf(['full', 'normal'])
    .default('full')
    .describe('full: an answered event survives a power cut. normal: it survives a crash of the process.'),
  PUBLIC_URL: httpUrl.optional().describe('Where people reach the server; used in links. Default: the address it listens on.'),
  ADMIN_KEY: z
    .string()
    .min(16, 'takes at least 16 characters')
    .regex(/^\S+$/, 'takes no blanks')
    .optional()
    .describe('Sets the admin key. Default: the first start makes one and prints it once.'),
  ALLOW_ANONYMOUS: list
    .transform((names) => (names.length === 1 && names[0] === 'none' ? [] : names))
    .pipe(z.array(z.enum(SCOPES, { error: `takes none, or scopes separated by commas: ${SCOPES.join(', ')}` })))
    .optional()
    .describe(
      'Scopes of callers without a key, or none. Default: events:read,events:write on loopback without a public PUBLIC_URL, else none.',
    ),
  ALLOWED_HOSTS: list.optional().describe('Host names by which requests may address the server, besides its own; * takes any.'),
  SMTP_URL: z
    .string()
    .regex(/^smtps?:\/\//, 'takes a URL such as smtp://user:password@mail.example.org:587')
    .optional()
    .describe('Mail server. Default: mails become .eml files in DATA_DIR/mail.'),
  MAIL_FROM: z.string().min(3, 'takes an address').default('Hookwright <hookwright@localhost.localdomain>').describe('Sender of mails.'),
  ALERT_LEVEL: whole(0, 50).default(40).describe('Events at or above this log level fire event.on_alert.'),
  RUNNERS: whole(1, 64).optional().describe('The most processes that run handlers. Default: one per core, at least two.'),
  QUERY_DEADLINE_MS: whole(100, 600_000).default(10_000).describe('How long a query may take before it is stopped.'),
  MAX_BODY_BYTES: whole(1_024, 1_073_741_824)
    .default(16_777_216)
    .describe('The largest request body, apart from POST /events, which has no bound.'),
  MAX_EVENT_BYTES: whole(1_024, 268_435_456).default(16_777_216).describe('The largest single event.'),
  ALLOW_CUSTOM_EVENT_TYPES: flag.default(false).describe('Takes event types beyond the 63 of MADSci.'),
  ALLOW_ANY_SOURCE_IDS: flag.default(false).describe('Takes ids in source that are no ULIDs.'),
  LOG_LEVEL: oneOf(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('How much is logged, as JSON lines on standard error.'),
});

type Settings = z.infer<typeof SETTINGS>;
export interface Config extends Omit<Settings, 'ALLOW_ANONYMOUS'> {
  readonly anonymousScopes: readonly Scope[];
  readonly isLoopback: boolean;
}

/** Settings that may be given as the path of a file that holds them, as NAME_FILE. */
const SECRETS = ['ADMIN_KEY', 'SMTP_URL'] as const;

/** Reads the settings. Throws a text that names every setting at fault, what it takes, and never a secret's value. */
export function readConfig(env: Readonly<Record<string, string | undefined>>, readFile: (path: string) => string): Config {
  const given: Record<string, string> = {};
  for (const name of Object.keys(SETTINGS.shape)) {
    const value = env[name];
    if (value !== undefined && value !== '') given[name] = value;
  }
  for (const name of SECRETS) {
    const path = env[`${name}_FILE`];
    if (path !== undefined && path !== '' && given[name] === undefined) given[name] = readSecret(name, path, readFile);
  }
  const parsed = SETTINGS.safeParse(given);
  if (!parsed.success) throw new Error(explain(parsed.error));
  const { ALLOW_ANONYMOUS, ...settings } = parsed.data;
  const isLoopback = LOOPBACK.has(settings.HOST);
  // Behind a proxy everybody comes from loopback: a public address means that the world is outside.
  const isPrivate = isLoopback && (settings.PUBLIC_URL === undefined || LOOPBACK.has(new URL(settings.PUBLIC_URL).hostname));
  return Object.freeze({ ...settings, isLoopback, anonymousScopes: ALLOW_ANONYMOUS ?? (isPrivate ? LOOPBACK_SCOPES : []) });
}

function readSecret(name: string, path: string, readFile: (path: string) => string): string {
  try {
    return readFile(path).trim();
  } catch (cause) {
    throw new Error(`${name}_FILE: the file ${path} cannot be read.`, { cause });
  }
}

function explain(error: z.ZodError): string {
  const lines = error.issues.map(({ path, message }) => `  ${String(path[0])}: ${message}`);
  return `Some settings cannot be used:\n${lines.join('\n')}\nEach is explained in docs/settings.md.`;
}
