/**
 * Run as a process of its own, where nothing but this is opened or closed: opens one of each kind that must not stay, looks, closes them and
 * looks again. Says what it saw, first what was open, then what was left.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { leftovers, more } from './leftovers.ts';
import { openTestStore } from './store.ts';

const before = leftovers();
const child = spawn('sleep', ['60']);
const server = createServer().listen(0, '127.0.0.1');
await once(server, 'listening');
const store = await openTestStore();
const open = more(before, leftovers());
child.kill();
await once(child, 'exit');
server.close();
await once(server, 'close');
await store[Symbol.asyncDispose]();
process.stdout.write(JSON.stringify({ open, left: more(before, leftovers()) }));
