/**
 * The program of a runner process: warm isolates of one registrant's handlers, and a main thread that runs none of their code and so
 * always answers. It has no environment, no files but its own and no network. It dies with the server that forked it.
 */
import type { FromRunner, RunnerSettings, ToRunner } from './protocol.ts';
import { compileSource } from './runner/compile.ts';
import { WarmIsolate } from './runner/warm-isolate.ts';
import { startWatchdog } from './runner/watchdog.ts';

const isolates = new Map<string, WarmIsolate>();
const watchdog = startWatchdog(isolates, send);
let settings: RunnerSettings | null = null;

function send(message: FromRunner, then?: () => void): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => then?.());
  else then?.();
}

/** process.exit would wait for isolates that spin. */
function die(): void {
  process.kill(process.pid, 'SIGKILL');
}

function load({ key, handler }: ToRunner & { type: 'load' }): void {
  if (settings === null) return;
  const isolate = new WarmIsolate(key, handler, settings, send);
  isolates.set(key, isolate);
  watchdog.wake();
  void isolate.load().then((isOfUse) => {
    if (!isOfUse) drop(key, isolate);
  });
}

function drop(key: string, isolate: WarmIsolate | undefined): void {
  if (isolates.get(key) === isolate) isolates.delete(key);
  isolate?.dispose();
}

function receive(message: ToRunner): void {
  switch (message.type) {
    case 'settings':
      settings = message.settings;
      break;
    case 'load':
      load(message);
      break;
    case 'drop':
      drop(message.key, isolates.get(message.key));
      break;
    case 'run':
      isolates.get(message.key)?.run(message.batch, message.count, message.header, message.inputs);
      watchdog.wake();
      break;
    case 'answer':
      isolates.get(message.key)?.answer(message.callId, message.kind, message.text);
      break;
    case 'compile':
      send({ type: 'compiled', id: message.id, result: compileSource(message.code, message.language) });
      break;
    default:
      message satisfies never;
  }
}

process.on('message', receive);
process.on('disconnect', die);
send({ type: 'ready', rssBytes: process.memoryUsage.rss() });
