import { EngineError, type Fault } from '../core/errors.ts';
import { HANDLER_BOUNDS } from '../core/handler.ts';
import type { Hook } from '../core/hook.ts';
import { checkAddress } from '../core/mail-address.ts';
import { compileFilter } from '../core/match-filter.ts';
import { SCHEDULE_HOOK } from '../core/schedule.ts';
import type { Cron } from '../ports/cron.ts';
import type { CompileResult, Sandbox } from '../ports/sandbox.ts';
import type { HandlerRegistration } from './handlers.ts';

const FILTER_BYTES = 65_536;

/**
 * Refuses what could not run, before anything is stored: invalid_request with all faults at once, a selector error for the filter,
 * or handler_source_invalid with the place in the code. Answers the code as the sandbox will load it.
 */
export async function checkRegistration(
  registration: HandlerRegistration,
  { hooks, sandbox, cron, now }: { hooks: readonly Hook[]; sandbox: Pick<Sandbox, 'compile'>; cron: Cron; now(): number },
): Promise<string> {
  const faults = [
    ...hookFaults(registration.hook, hooks),
    ...scheduleFaults(registration, cron, now()),
    ...sizeFaults(registration),
    ...addressFaults(registration),
  ];
  if (faults.length > 0) throw new EngineError('invalid_request', faults.map(faultText).join('; '), { faults });
  compileFilter(registration.filter);
  return compiled(await sandbox.compile({ code: registration.code, language: registration.language }));
}

function hookFaults(name: string, hooks: readonly Hook[]): Fault[] {
  if (hooks.some((hook) => hook.name === name)) return [];
  return [{ pointer: '/hook', detail: `There is no such hook; there are ${hooks.map((hook) => hook.name).join(', ')}` }];
}

function scheduleFaults({ hook, schedule, filter }: HandlerRegistration, cron: Cron, now: number): Fault[] {
  if (hook !== SCHEDULE_HOOK)
    return schedule === undefined ? [] : [{ pointer: '/schedule', detail: `Only handlers on ${SCHEDULE_HOOK} have a schedule` }];
  if (schedule === undefined)
    return [{ pointer: '/schedule', detail: `Is needed on ${SCHEDULE_HOOK}, as {"cron": "30 7 * * *", "timezone": "Europe/Berlin"}` }];
  const reading = cron.read(schedule, now);
  const faults = reading.ok ? [] : [{ pointer: `/schedule/${reading.member}`, detail: reading.detail }];
  if (filter.replaceAll(/\s/g, '') !== '{}')
    faults.push({ pointer: '/filter', detail: 'A schedule fires for its handler alone: there is nothing to choose from' });
  return faults;
}

function sizeFaults({ code, filter, config }: HandlerRegistration): Fault[] {
  const bounds = [
    ['/code', code, HANDLER_BOUNDS.sourceCharacters],
    ['/filter', filter, FILTER_BYTES],
    ['/config', config, HANDLER_BOUNDS.configCharacters],
  ] as const;
  return bounds
    .filter(([, text, bytes]) => Buffer.byteLength(text) > bytes)
    .map(([pointer, , bytes]) => ({ pointer, detail: `Takes at most ${bytes} bytes` }));
}

function addressFaults({ notifyOnSuccess, notifyOnFailure }: HandlerRegistration): Fault[] {
  const addresses = [
    ['/notify_on_success', notifyOnSuccess],
    ['/notify_on_failure', notifyOnFailure],
  ] as const;
  return addresses.flatMap(([pointer, address]) => {
    const checked = address === null ? null : checkAddress(address);
    return checked === null || checked.ok ? [] : [{ pointer, detail: checked.detail }];
  });
}

function faultText({ pointer, detail }: Fault): string {
  return `${pointer}: ${detail}`;
}

function compiled(result: CompileResult): string {
  if (result.ok) return result.javascript;
  const { message, line, column } = result;
  const place = line === null ? '' : column === null ? `line ${line}: ` : `line ${line}, column ${column}: `;
  const fault: Fault = { pointer: '/code', detail: message, ...(line !== null && { line }), ...(column !== null && { column }) };
  throw new EngineError('handler_source_invalid', place + message, { faults: [fault] });
}
