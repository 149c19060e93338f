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

const Service = z.object({
  build: z.string().optional(),
  image: z.string(),
  init: z.boolean().optional(),
  profiles: z.array(z.string()).optional(),
  ports: z.array(z.string()),
  environment: z.record(z.string(), z.string()).default({}),
  volumes: z.array(z.string()).default([]),
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
  .object({ services: z.object({ hookwright: Service, mail: Service }), volumes: z.record(z.string(), z.null()) })
  .parse(parse(read('docker-compose.yml')));
const { hookwright, mail } = services;

/** What the server gets when nothing is set outside: `${NAME:-default}` becomes its default. */
const environment = Object.fromEntries(
  Object.entries(hookwright.environment).map(([name, value]) => [name, value.replace(/^\$\{\w+:-(.*)\}$/, '$1')]),
);
const isSetting = (name: string): boolean => NAMES.inEnvironment(name.replace(/_FILE$/, '')) !== null;

describe('docker-compose.yml', () => {
  test('sets nothing but settings and the time zone', () => {
    expect(Object.keys(environment).filter((name) => !isSetting(name))).toEqual(['TZ']);
  });

  test('starts as it stands, and asks for a key beyond loopback', () => {
    expect(readConfig(environment, () => '')).toMatchObject({ HOST: '0.0.0.0', DATA_DIR: '/data', isLoopback: false, anonymousScopes: [] });
  });

  test('publishes the port that the server listens on, to this machine only', () => {
    expect(hookwright.ports).toEqual([`127.0.0.1:8001:${environment['PORT']}`]);
    expect(new URL(environment['PUBLIC_URL'] ?? '').host).toBe('127.0.0.1:8001');
  });

  test('keeps the data folder in a volume', () => {
    expect(hookwright.volumes).toEqual([`data:${environment['DATA_DIR']}`]);
    expect(Object.keys(volumes)).toEqual(['data']);
  });

  test('has an init, and waits longer for a stop than the server takes', () => {
    expect(hookwright.init).toBe(true);
    expect(Number.parseInt(hookwright.stop_grace_period ?? '', 10)).toBeGreaterThan(10);
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
    expect(copied).toEqual(expect.arrayContaining(['src', 'hooks', 'package.json']));
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
