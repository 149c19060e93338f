import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from '@jest/globals';
import { leftovers, more } from '../support/leaks.ts';
import { openTestStore } from '../support/store.ts';

test('sees what is left open, and nothing once it is closed', async () => {
  const before = leftovers();
  const child = spawn('sleep', ['60']);
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const store = await openTestStore();
  const seen = more(before, leftovers()).join('\n');
  expect(seen).toMatch(/child process \d+ sleep 60/);
  expect(seen).toMatch(/TCPServerWrap/);
  expect(seen).toMatch(/MessagePort/);
  expect(seen).toMatch(/open file .*hookwright\.db/);
  child.kill();
  await once(child, 'exit');
  server.close();
  await once(server, 'close');
  await store[Symbol.asyncDispose]();
  expect(more(before, leftovers())).toEqual([]);
});
