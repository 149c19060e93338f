#!/usr/bin/env node
// Starts the command with the Node that it needs: the one that runs this if it is new enough, else that of the package `node`.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const NEEDED = 26;
const isNew = Number.parseInt(process.versions.node, 10) >= NEEDED;

const isHelp = process.argv.includes('--help') || process.argv.includes('-h');
if (isNew && process.argv[2] === 'serve' && !isHelp) {
  process.argv.splice(2, 1); // straight to the server, which is smaller when nothing else was loaded before
  await import('../src/main.js');
} else if (isNew) {
  await import('../src/cli/main.ts');
} else {
  const node = ownNode();
  if (node === null) {
    process.stderr.write(
      `hookwright needs Node ${NEEDED} or newer; this is ${process.versions.node}. "npm ci" in its folder brings one.\n`,
    );
    process.exit(1);
  }
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  // A terminal sends Ctrl-C to both; a second one would end the server at once.
  process.on('SIGINT', () => {});
  for (const name of ['SIGTERM', 'SIGHUP']) process.on(name, () => child.kill(name));
  child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)));
}

function ownNode() {
  try {
    const path = createRequire(import.meta.url).resolve('node/bin/node');
    return existsSync(path) ? path : null;
  } catch {
    return null;
  }
}
