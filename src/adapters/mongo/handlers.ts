import type { Handler, HandlerVersion } from '../../core/handler.ts';
import type { HandlerPut, HandlerStore } from '../../ports/handler-store.ts';
import type { HandlerDocument } from './documents.ts';
import { bounded, isDuplicate, OPERATION_MS } from './faults.ts';
import type { Shared } from './shared.ts';

const IDS = 'handlers';
const LIVE = { live: true } as const;

/**
 * A handler's document holds its current version. A replacement first copies that to the earlier versions, then exchanges it, provided
 * nobody else did meanwhile: a crash in between leaves a copy and nothing else.
 */
export function handlerStore(shared: Shared): HandlerStore {
  const { handlers, versions, counters, executions, state, schedules } = shared.all;
  let turn: Promise<unknown> = Promise.resolve();

  const create = async ({ hook, name, version, enabled }: HandlerPut): Promise<Handler | null> => {
    const counter = await counters.findOneAndUpdate({ _id: IDS }, { $inc: { value: 1 } }, { upsert: true, returnDocument: 'after' });
    const { createdAt, createdBy } = version;
    const document: HandlerDocument = {
      _id: counter?.value ?? 1,
      hook,
      name,
      ...LIVE,
      enabled: enabled ?? true,
      version: 0,
      createdAt,
      createdBy,
      updatedAt: createdAt,
      updatedBy: createdBy,
      current: bodyOf(version, 0),
    };
    try {
      await handlers.insertOne(document);
      return handlerOf(document);
    } catch (error) {
      if (isDuplicate(error)) return null; // another server was first: replace it
      throw error;
    }
  };

  const replace = async (before: HandlerDocument, { version, enabled }: HandlerPut): Promise<Handler | null> => {
    const { _id, version: number, current } = before;
    await versions.insertOne({ _id: `${_id}.${number}`, handlerId: _id, version: number, body: current }).catch((error: unknown) => {
      if (!isDuplicate(error)) throw error;
    });
    const change = {
      version: number + 1,
      updatedAt: version.createdAt,
      updatedBy: version.createdBy,
      current: bodyOf(version, number + 1),
      ...(enabled === undefined ? {} : { enabled }),
    };
    const after = await handlers.findOneAndUpdate({ _id, version: number, ...LIVE }, { $set: change }, { returnDocument: 'after' });
    return after === null ? null : handlerOf(after);
  };

  const put = async (handler: HandlerPut): Promise<{ handler: Handler; replaced: boolean }> => {
    for (;;) {
      const before = await handlers.findOne({ hook: handler.hook, name: handler.name, ...LIVE });
      const made = before === null ? await create(handler) : await replace(before, handler);
      if (made !== null) return { handler: made, replaced: before !== null };
    }
  };

  return {
    all: () =>
      bounded(async () => {
        const found = await handlers.find(LIVE, { sort: { _id: 1 } }).toArray();
        return found.map(handlerOf);
      }),
    // Any change of a handler changes one of these: they are counted, replaced later than before, switched, or gone.
    stamp: () =>
      bounded(async () => {
        const sums = {
          handlers: { $sum: 1 },
          versions: { $sum: '$version' },
          changed: { $sum: '$updatedAt' },
          enabled: { $sum: { $cond: ['$enabled', '$_id', 0] } },
        };
        return JSON.stringify(await handlers.aggregate([{ $match: LIVE }, { $group: { _id: null, ...sums } }]).toArray());
      }),
    put(handler) {
      const mine = turn.then(() => bounded(() => put(handler)));
      turn = mine.catch(() => {});
      return mine.finally(() => shared.signal('handlers'));
    },
    setEnabled: (id, enabled, at, by) =>
      bounded(async () => {
        const change = { enabled, updatedAt: at, updatedBy: by };
        const after = await handlers.findOneAndUpdate({ _id: id, ...LIVE }, { $set: change }, { returnDocument: 'after' });
        shared.signal('handlers');
        return after === null ? null : handlerOf(after);
      }),
    versions: (id) =>
      bounded(async () => {
        const handler = await handlers.findOne({ _id: id, ...LIVE });
        if (handler === null) return null;
        const earlier = await versions.find({ handlerId: id, version: { $lt: handler.version } }, { sort: { version: -1 } }).toArray();
        return [handler.current, ...earlier.map(({ body }) => body)].map((text) => JSON.parse(text) as HandlerVersion);
      }),
    version: (id, number) =>
      bounded(async () => {
        const body =
          (await versions.findOne({ _id: `${id}.${number}` }))?.body ?? (await handlers.findOne({ _id: id, version: number }))?.current;
        return body === undefined ? null : (JSON.parse(body) as HandlerVersion);
      }),
    remove: (id, at) =>
      bounded(async () => {
        const { matchedCount } = await handlers.updateOne({ _id: id, ...LIVE }, { $set: { removedAt: at }, $unset: { live: 1 } });
        if (matchedCount === 0) return false;
        await state.deleteMany({ handlerId: id });
        await schedules.deleteOne({ _id: id });
        await executions.updateMany(
          { handlerId: id, state: { $in: ['pending', 'leased'] } },
          { $set: { state: 'canceled', finishedAt: at }, $unset: { owner: 1, claim: 1 } },
        );
        shared.signal('handlers');
        return true;
      }, 4 * OPERATION_MS),
  };
}

const bodyOf = (version: HandlerPut['version'], number: number): string =>
  JSON.stringify({ ...version, version: number } satisfies HandlerVersion);

function handlerOf({ _id, hook, name, enabled, createdAt, createdBy, updatedAt, updatedBy, current }: HandlerDocument): Handler {
  return { id: _id, hook, name, enabled, createdAt, createdBy, updatedAt, updatedBy, current: JSON.parse(current) as HandlerVersion };
}
