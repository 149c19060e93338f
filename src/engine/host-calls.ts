import { EngineError } from '../core/errors.ts';
import { type ExactValue, isObject, memberOf, parseExact } from '../core/json.ts';
import { hasScope, type Scope } from '../core/key.ts';
import type { EventStore } from '../ports/event-store.ts';
import type { Queue } from '../ports/queue.ts';
import { HostCallRefused, type HostCalls, type HostOp } from '../ports/sandbox.ts';

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;
const MAX_ANSWER_UNITS = 1_048_576;

/** What handlers may ask for while they run, with the rights of the key they act with (B10). Arguments arrive as the JSON text of a list. */
export function hostCalls(options: { events: EventStore; queue: Pick<Queue, 'state'>; scopesOf(keyId: string): readonly Scope[] | null }): HostCalls {
  const { events, queue, scopesOf } = options;
  const ops: Record<HostOp, (args: ExactValue[], handlerId: number) => Promise<string>> = {
    'events.get': async ([id]) => (await events.get(text(id, 'the id'))) ?? 'null',
    'events.count': async ([selector]) => String(await events.count(selector ?? {})),
    async 'events.query'([selector, how]) {
      const query = { selector: selector ?? {}, sort: option(how, 'sort'), projection: option(how, 'projection') };
      const { items } = await events.page(query, { limit: limitOf(option(how, 'limit')), cursor: null });
      return `[${items.join(',')}]`;
    },
    'state.get': async ([key], handlerId) => (await queue.state(handlerId, text(key, 'the key'))) ?? 'null',
  };
  return {
    async call({ registrant, handlerId }, op, argsText) {
      const scopes = scopesOf(registrant);
      if (scopes === null) throw new HostCallRefused('permission', 'The key that this handler acts with is revoked or expired.');
      if (op.startsWith('events.') && !hasScope(scopes, 'events:read'))
        throw new HostCallRefused('permission', `${op} needs a key with the scope events:read.`);
      const args = parseExact(argsText);
      const answer = await ops[op](Array.isArray(args) ? args : [], handlerId).catch((error: unknown) => {
        throw error instanceof EngineError ? new HostCallRefused('invalid', `${op}: ${error.message}`) : error;
      });
      if (answer.length > MAX_ANSWER_UNITS) throw new HostCallRefused('invalid', `${op}: the answer is larger than 1 MiB; ask for less with limit or projection.`);
      return answer;
    },
  };
}

function text(value: ExactValue | undefined, what: string): string {
  if (typeof value === 'string') return value;
  throw new HostCallRefused('invalid', `${what} must be a text.`);
}

function option(how: ExactValue | undefined, name: string): ExactValue | null {
  return isObject(how) ? (memberOf(how, name) ?? null) : null;
}

function limitOf(value: ExactValue | null): number {
  if (value === null) return DEFAULT_LIMIT;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAX_LIMIT) return value;
  throw new HostCallRefused('invalid', `limit is a whole number from 1 to ${MAX_LIMIT}.`);
}
