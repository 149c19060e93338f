import { hash } from 'node:crypto';
import type { Filter } from 'mongodb';
import { EXECUTION_STATES, type ExecutionState } from '../../core/execution.ts';
import { executionIdPrefix } from '../../core/execution-id.ts';
import type { ExecutionFilter, Queue } from '../../ports/queue.ts';
import type { Claimer } from './claim.ts';
import type { ExecutionDocument } from './documents.ts';
import { lastAttempt, recordOf } from './executions.ts';
import { BY_ID, bounded, OPERATION_MS, steady } from './faults.ts';
import { fire } from './fire.ts';
import { beforeCursor, newestPage } from './paging.ts';
import type { Recovery } from './recover.ts';
import type { Settler } from './settle.ts';
import type { Shared } from './shared.ts';
import { stateId } from './state.ts';
import { subjectsOf } from './subjects.ts';

const OPEN: ExecutionState[] = ['pending', 'leased'];
/** After a long outage there may be much to complete. */
const RECOVERY_MS = 10 * OPERATION_MS;

export function queueOf(shared: Shared, parts: { settler: Settler; claimer: Claimer; recovery: Recovery }): Queue {
  const { deliveries, executions, state } = shared.all;
  const sha1 = (text: string): string => hash('sha1', text);
  /** The ids of a subject's executions begin with its own, so that no index on the subject is needed. */
  const ofSubject = (subject: string): Filter<ExecutionDocument> => {
    const prefix = executionIdPrefix(subject, sha1);
    return { _id: { $gte: prefix, $lt: `${prefix.slice(0, -1)}/` }, subject };
  };

  return {
    shared: true,
    renew: () => steady(() => shared.presence.renew()),
    fire: (plan) => fire(shared, plan),
    executionsOf: (subject) =>
      bounded(async () => {
        const found = await executions.find(ofSubject(subject), { projection: { seq: 1 } }).toArray();
        return found.sort((a, b) => a.seq - b.seq).map(({ _id }) => _id);
      }),
    claim: (request) => parts.claimer.claim(request),
    settle: (settlements) => parts.settler.settle(settlements),
    recover: (now) => bounded(() => parts.recovery.recover(now), RECOVERY_MS),
    bringForward: (now, byMs) =>
      bounded(async () => {
        const earlier = (field: string) => [{ $set: { [field]: { $max: [now, { $subtract: [`$${field}`, byMs] }] } } }];
        await executions.updateMany({ state: 'pending', runAt: { $gt: now }, finishedAt: null }, { $set: { runAt: now } });
        await executions.updateMany({ state: 'pending', runAt: { $gt: now } }, earlier('runAt'));
        await deliveries.updateMany({ state: 'pending', nextAt: { $gt: now } }, earlier('nextAt'));
      }, RECOVERY_MS),
    cancel: (id, now) =>
      bounded(async () => {
        const change = { $set: { state: 'canceled' as const, finishedAt: now }, $unset: { owner: 1 as const, claim: 1 as const } };
        const { matchedCount } = await executions.updateOne({ _id: id, state: { $in: OPEN } }, change);
        if (matchedCount === 1) shared.signal('cancels');
        if (matchedCount === 1) return 'canceled';
        return (await executions.countDocuments({ _id: id })) === 0 ? 'absent' : 'ended';
      }),
    canceled: (ids) =>
      bounded(async () => {
        const found = await executions
          .find({ _id: { $in: [...ids] }, state: 'canceled' }, { projection: { _id: 1 }, hint: BY_ID })
          .toArray();
        return found.map(({ _id }) => _id);
      }),
    replay: (id, now, version) => bounded(() => replay(shared, id, now, version)),
    get: (id) =>
      bounded(async () => {
        const document = await executions.findOne({ _id: id }, { projection: { effects: 0 } });
        if (document === null) return null;
        const subjectOf = await subjectsOf(shared.all, [document]);
        return recordOf(document, subjectOf(document)?.input ?? null);
      }),
    list: (filter, page) =>
      bounded(async () => {
        const conditions = conditionsOf(filter, ofSubject);
        if (page.cursor !== null) conditions.seq = { $lt: beforeCursor(page.cursor) };
        const projection = { output: 0, logs: 0, effects: 0 };
        const found = await executions.find(conditions, { sort: { seq: -1 }, limit: page.limit + 1, projection }).toArray();
        return newestPage(
          found,
          page.limit,
          (document) => recordOf(document, null),
          ({ seq }) => seq,
        );
      }),
    open: () =>
      bounded(async () => {
        const [pending = 0, leased = 0] = await Promise.all(OPEN.map((state) => executions.countDocuments({ state })));
        return { pending, leased };
      }),
    counts: () =>
      bounded(async () => {
        const counted = await executions
          .aggregate<{ _id: ExecutionState; n: number }>([{ $group: { _id: '$state', n: { $sum: 1 } } }])
          .toArray();
        const counts = Object.fromEntries(EXECUTION_STATES.map((name) => [name, 0])) as Record<ExecutionState, number>;
        for (const { _id, n } of counted) counts[_id] = n;
        return counts;
      }),
    state: (handlerId, key) => bounded(async () => (await state.findOne({ _id: stateId(handlerId, key) }))?.value ?? null),
  };
}

function conditionsOf(
  { handlerId, eventId, state, hook, since, until }: ExecutionFilter,
  ofSubject: (subject: string) => Filter<ExecutionDocument>,
): Filter<ExecutionDocument> {
  const createdAt = { ...(since === undefined ? {} : { $gte: since }), ...(until === undefined ? {} : { $lt: until }) };
  return {
    ...(eventId === undefined ? {} : ofSubject(eventId)),
    ...(handlerId === undefined ? {} : { handlerId }),
    ...(state === undefined ? {} : { state }),
    ...(hook === undefined ? {} : { hook }),
    ...(since === undefined && until === undefined ? {} : { createdAt }),
  };
}

/** Optimistic: it is read, and put back only if nobody changed it meanwhile. */
async function replay(
  { all: { executions }, signal }: Shared,
  id: string,
  now: number,
  version: number,
): Promise<'replayed' | 'not_ended' | 'absent'> {
  for (;;) {
    const document = await executions.findOne({ _id: id }, { projection: { output: 0, logs: 0, effects: 0 } });
    if (document === null) return 'absent';
    const { state, attempt, replays } = document;
    if (OPEN.includes(state)) return 'not_ended';
    const past = lastAttempt(document).map((one) => JSON.stringify(one));
    const { matchedCount } = await executions.updateOne(
      { _id: id, state, attempt, replays },
      {
        $set: {
          state: 'pending',
          runAt: now,
          version,
          failures: 0,
          finishedAt: null,
          startedAt: null,
          output: null,
          logs: null,
          error: null,
        },
        $inc: { replays: 1 },
        $push: { attempts: { $each: past } },
      },
    );
    if (matchedCount === 0) continue;
    signal('queue');
    return 'replayed';
  }
}
