import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { z } from 'zod';
import { NAMES, readConfig } from '../../../src/config.ts';
import type { HttpDeps } from '../../../src/http/deps.ts';
import { operationRoutes } from '../../../src/http/routes/operation.ts';

const ROOT = join(import.meta.dirname, '../../..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

/** Strict: a member that is not named here may be a spelling mistake, and Compose is not there to say so. */
const Service = z.strictObject({
  build: z.literal('.').optional(),
  image: z.string().regex(/:v?\d[\w.]*$/, 'names a version'),
  init: z.boolean().optional(),
  user: z.string().optional(),
  command: z.array(z.string()).optional(),
  entrypoint: z.array(z.string()).optional(),
  profiles: z.array(z.string()).optional(),
  restart: z.enum(['unless-stopped', 'no']),
  ports: z.array(z.string()).default([]),
  environment: z.record(z.string(), z.string()).default({}),
  volumes: z.array(z.string()).default([]),
  depends_on: z
    .record(z.string(), z.strictObject({ condition: z.enum(['service_healthy', 'service_completed_successfully']) }))
    .default({}),
  healthcheck: z
    .strictObject({
      test: z.tuple([z.literal('CMD')], z.string()),
      interval: z.string().regex(/^\d+s$/),
      timeout: z.string().regex(/^\d+s$/),
      start_period: z
        .string()
        .regex(/^\d+s$/)
        .optional(),
      retries: z.int(),
    })
    .optional(),
  read_only: z.literal(true),
  tmpfs: z.array(z.string()),
  cap_drop: z.tuple([z.literal('ALL')]),
  security_opt: z.tuple([z.literal('no-new-privileges:true')]),
  stop_grace_period: z
    .string()
    .regex(/^\d+s$/)
    .optional(),
});
const { services, volumes } = z
  .object({
    services: z.strictObject({ hookwright: Service, sqlite: Service, mongo: Service, 'mongo-init': Service, mail: Service }),
    volumes: z.record(z.string(), z.null()),
  })
  .parse(parse(read('docker-compose.yml'), { merge: true }));
const { hookwright, sqlite, mongo, 'mongo-init': init, mail } = services;

/** What a server gets when nothing is set outside: `${NAME:-default}` becomes its default. */
const environmentOf = (service: z.infer<typeof Service>): Record<string, string> =>
  Object.fromEntries(Object.entries(service.environment).map(([name, value]) => [name, value.replace(/^\$\{\w+:-(.*)\}$/, '$1')]));
const isSetting = (name: string): boolean => NAMES.inEnvironment(name.replace(/_FILE$/, '')) !== null;
const SERVERS = [
  ['hookwright', hookwright],
  ['sqlite', sqlite],
] as const;

describe.each(SERVERS)('docker-compose.yml: %s', (name, service) => {
  const environment = environmentOf(service);

  test('sets nothing but settings and the time zone', () => {
    expect(Object.keys(environment).filter((each) => !isSetting(each))).toEqual(['TZ']);
  });

  test('starts as it stands, and asks for a key beyond loopback', () => {
    const config = readConfig(environment, () => '');
    expect(config).toMatchObject({ HOST: '0.0.0.0', DATA_DIR: '/data', isLoopback: false, anonymousScopes: [] });
    expect(config.EVENT_DB_URL).toBe(name === 'sqlite' ? undefined : 'mongodb://mongo:27017/?replicaSet=rs0');
  });

  test('publishes the port that the server listens on, to this machine only', () => {
    expect(service.ports).toEqual([`127.0.0.1:8001:${environment['PORT']}`]);
    expect(new URL(environment['PUBLIC_URL'] ?? '').host).toBe('127.0.0.1:8001');
  });

  test('keeps the data folder in a volume', () => {
    expect(service.volumes).toEqual([`data:${environment['DATA_DIR']}`]);
  });

  test('has an init, and waits longer for a stop than the server takes', () => {
    expect(service.init).toBe(true);
    expect(Number.parseInt(service.stop_grace_period ?? '', 10)).toBeGreaterThan(10);
  });

  test('asks a route for its health that needs no key', () => {
    const [, node, flag, code = ''] = service.healthcheck?.test ?? [];
    expect([node, flag]).toEqual(['node', '-e']);
    const path = new RegExp(`127\\.0\\.0\\.1:${environment['PORT']}(/\\w+)`).exec(code)?.[1];
    const route = operationRoutes({ settings: {} } as HttpDeps).find((each) => each.path === path); // the rest is looked at when they are called
    expect(route).toMatchObject({ method: 'get', path: '/readyz', scope: null });
  });
});

describe('docker-compose.yml', () => {
  test('starts the server on MongoDB when nothing else is said, and the one on SQLite only by its name', () => {
    const byDefault = Object.entries(services).filter(([, { profiles }]) => profiles === undefined);
    expect(byDefault.map(([name]) => name)).toEqual(['hookwright', 'mongo', 'mongo-init']);
    expect(sqlite.profiles).toEqual(['sqlite']);
  });

  test('makes a replica set of one member by the name and at the address that the server is given', () => {
    const url = new URL(environmentOf(hookwright)['EVENT_DB_URL'] ?? '');
    const set = url.searchParams.get('replicaSet');
    expect(mongo.command?.slice(0, 3)).toEqual(['mongod', '--replSet', set]);
    expect(init.entrypoint?.at(-1)).toContain(`_id: '${set}'`);
    expect(init.entrypoint?.at(-1)).toContain(`host: '${url.host}'`);
    expect(init.entrypoint?.slice(0, 4)).toEqual(['mongosh', '--quiet', '--host', url.hostname]);
    expect(url.hostname in services).toBe(true);
  });

  test('the server waits until the database is healthy and takes writes', () => {
    expect(hookwright.depends_on).toEqual({
      mongo: { condition: 'service_healthy' },
      'mongo-init': { condition: 'service_completed_successfully' },
    });
    expect(init.depends_on).toEqual({ mongo: { condition: 'service_healthy' } });
    expect([init.restart, init.image]).toEqual(['no', mongo.image]);
    expect(Object.entries(services).filter(([, { healthcheck, restart }]) => healthcheck === undefined && restart !== 'no')).toEqual([]);
  });

  test('the database is not published, runs as an ordinary user, and keeps all it writes in volumes', () => {
    expect(mongo.ports).toEqual([]);
    expect(mongo.user).toMatch(/^[1-9]\d*:/);
    expect(mongo.volumes).toEqual(['mongo:/data/db', 'mongo-config:/data/configdb']);
    expect(Object.keys(volumes)).toEqual(['data', 'mongo', 'mongo-config']);
  });

  test('what the database is told at its start is a program that can be read', () => {
    expect(() => new Function(init.entrypoint?.at(-1) ?? '(')).not.toThrow();
    expect(() => new Function(mongo.healthcheck?.test.at(-1) ?? '(')).not.toThrow();
    for (const text of [...(init.entrypoint ?? []), ...(hookwright.healthcheck?.test ?? [])]) expect(text).not.toContain('$'); // Compose would replace it
  });

  test('starts the mail catcher only when asked, and names an SMTP_URL that can be used', () => {
    expect(mail.profiles).toEqual(['mail']);
    const [, url = ''] = /SMTP_URL=(\S+)$/m.exec(read('docker-compose.yml')) ?? [];
    expect(readConfig({ SMTP_URL: url }, () => '').SMTP_URL).toBe('smtp://mail:1025');
  });
});

describe('Dockerfile', () => {
  const lines = read('Dockerfile').replaceAll('\\\n', ' ').split('\n');
  const all = (word: string): string[] =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1).trim());

  test('both stages are of the major version that package.json asks for', () => {
    const { engines } = JSON.parse(read('package.json')) as { engines: { node: string } };
    for (const from of all('FROM')) expect(from).toMatch(new RegExp(`^node:${engines.node.replace('>=', '')}-slim( AS packages)?$`));
  });

  test('sets nothing but settings and NODE_ENV', () => {
    const names = all('ENV').flatMap((line) => line.split(' ').map((pair) => pair.split('=')[0] ?? ''));
    expect(names.filter((name) => !isSetting(name))).toEqual(['NODE_ENV']);
  });

  test('copies files that exist, and all that the sources import', () => {
    const copied = all('COPY')
      .filter((line) => !line.startsWith('--from'))
      .flatMap((line) => line.split(' ').slice(0, -1));
    for (const file of copied) expect([file, existsSync(join(ROOT, file))]).toEqual([file, true]);
    expect(copied).toEqual(expect.arrayContaining(['src', 'bin', 'hooks', 'handlers', 'package.json']));
  });

  test('runs as an ordinary user, with commands in exec form', () => {
    expect(all('USER')).toEqual(['node']);
    const start = JSON.parse(all('CMD')[0] ?? '') as string[];
    const { scripts } = JSON.parse(read('package.json')) as { scripts: { start: string } };
    expect(start.join(' ')).toBe(scripts.start);
  });

  test('asks a route for its health that needs no key', () => {
    const check = JSON.parse(all('HEALTHCHECK')[0]?.split(' CMD ')[1] ?? '') as string[];
    expect(check.slice(0, 2)).toEqual(['node', '-e']);
    const path = /\$\{process\.env\.PORT\}(\/\w+)/.exec(check[2] ?? '')?.[1];
    const route = operationRoutes({ settings: {} } as HttpDeps).find((each) => each.path === path); // routes look at the rest when they are called
    expect(route).toMatchObject({ method: 'get', path: '/readyz', scope: null });
  });
});
