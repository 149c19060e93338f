/**
 * The guest: all of our code that runs inside an isolate. The host compiles these files as modules of the isolate, keeps references
 * to the functions exported here, and hands the user's module no way to import any of them.
 */
import type { LogLevelName } from '../../../core/execution.ts';
import { journalIn, ticketsIn } from '../lane-memory.ts';
import type { Answer } from './bridge.ts';
import { sharedOf } from './context.ts';
import { installStackTraces } from './errors.ts';
import { hardenRealm } from './harden.ts';
import { journalOf } from './journal.ts';
import { installBigIntJson, parseJson } from './json.ts';
import { type Handler, Lanes } from './lanes.ts';
import type { Exits, GuestSettings } from './settings.ts';
import { makeConsole, structuredClone } from './std.ts';

const storeAtomically = Atomics.store;
let lanes: Lanes | null = null;

/** Before the user's module is compiled. */
export function prepare(): void {
  installStackTraces();
  installBigIntJson();
  const write = (level: LogLevelName, args: unknown[]) => lanes?.console(level, args);
  Object.assign(globalThis, { console: makeConsole(write), structuredClone });
  hardenRealm();
}

/** After the user's module was evaluated. For `shared` see lane-memory.ts. */
export function start(
  handler: Handler,
  settingsJson: string,
  shared: ArrayBuffer,
  ...exits: [Exits['flush'], Exits['call'], Exits['sleep']]
): void {
  const settings = JSON.parse(settingsJson) as GuestSettings; // written by our own host side
  const tickets = ticketsIn(shared, settings.lanes);
  lanes = new Lanes({
    handler,
    settings,
    shared: sharedOf(settings, parseJson(settings.config)),
    exits: { flush: exits[0], call: exits[1], sleep: exits[2] },
    mark: (lane, ticket) => storeAtomically(tickets, lane, ticket),
    journals: Array.from({ length: settings.lanes }, (_, lane) => journalOf(journalIn(shared, settings.lanes, lane))),
  });
}

export function add(header: string, inputs: string): void {
  lanes?.add(header, inputs);
}

export function answer(callId: number, kind: Answer, text: string): void {
  lanes?.bridge.answer(callId, kind, text);
}

export function poke(): void {
  lanes?.flush(true);
}
