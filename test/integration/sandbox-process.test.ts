import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { forkRunner, runnerPermissions } from '../../src/adapters/isolate/fork-runner.ts';
import { eventually } from '../support/server.ts';

/** What code that broke out of an isolate could do: it runs with the permissions of a runner process. */
function runWith(code: string): string {
  const program = `(async () => { ${code} })().then(() => console.log('allowed'), (error) => console.log(error.code ?? String(error)));`;
  const { stdout, stderr } = spawnSync(process.execPath, [...runnerPermissions(), '--no-warnings', '-e', program], {
    env: {},
    encoding: 'utf8',
  });
  // Some refusals are thrown where no promise catches them.
  return stdout.trim() || (/ERR_\w+/.exec(stderr)?.[0] ?? stderr);
}

describe('a runner process', () => {
  test.each([
    { what: 'read a file', code: "require('fs').readFileSync('/etc/passwd');" },
    { what: 'read another process', code: "require('fs').readFileSync('/proc/self/environ');" },
    { what: 'write a file', code: "require('fs').writeFileSync('/tmp/hookwright-breakout', '');" },
    { what: 'start a process', code: "require('child_process').execFileSync('true');" },
    { what: 'start a thread', code: "new (require('worker_threads').Worker)('0', { eval: true });" },
    {
      what: 'open a connection',
      code: "await new Promise((yes, no) => require('net').connect(9, '127.0.0.1').on('connect', yes).on('error', no));",
    },
    {
      what: 'listen',
      code: "await new Promise((yes, no) => require('net').createServer().listen(0, '127.0.0.1').on('listening', yes).on('error', no));",
    },
  ])('may not $what', ({ code }) => {
    expect(runWith(code)).toBe('ERR_ACCESS_DENIED');
  });

  test('stands behind the server in the queue for the processor, with all its threads', async () => {
    const runner = forkRunner();
    try {
      // Nothing is sent to it: as soon as it runs its program, its threads are there.
      const threads = (): string[] => readdirSync(`/proc/${runner.pid}/task`);
      await eventually(async () => (threads().length > 4 ? true : null));
      const niceness = threads().map((id) => readFileSync(`/proc/${runner.pid}/task/${id}/stat`, 'utf8').split(') ')[1]?.split(' ')[16]);
      expect(new Set(niceness)).toEqual(new Set(['10']));
      const group = `/proc/${runner.pid}/autogroup`;
      // Not every kernel has these groups.
      if (existsSync(group)) expect(readFileSync(group, 'utf8')).toMatch(/ nice 10$/m);
    } finally {
      runner.kill('SIGKILL');
    }
  });

  test('has an empty environment', () => {
    expect(runWith("if (Object.keys(process.env).length > 0) throw new Error('env');")).toBe('allowed');
  });
});
