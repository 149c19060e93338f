import type { NewDelivery } from '../../core/delivery.ts';
import type { AppendResult, NewEvent } from '../../ports/event-store.ts';
import type { FireResult, Settlement, StateEffect } from '../../ports/queue.ts';
import { eventDocument } from './bson-write.ts';
import type { Collections } from './connect.ts';
import type { DeliveryDocument, ExecutionDocument } from './documents.ts';
import { asPending } from './executions.ts';
import { BY_ID, insertNew } from './faults.ts';
import { type FiringWrite, firingWrite, insertFirings } from './fire.ts';
import type { StateChange, StateWriter } from './state.ts';
import { type EventWrite, eventWrite, insertEvents } from './write-events.ts';

/**
 * What a settlement causes, as it is kept with its execution until all of it is written. Everything has its number already, so writing
 * it again (by this server, or by another after a crash) changes nothing. It survives JSON.
 */
export interface Effects {
  events: { event: NewEvent; seq: number; executions: ExecutionDocument[] }[];
  firings: FiringWrite[];
  deliveries: DeliveryDocument[];
  state: readonly StateEffect[];
}

/** How many numbers of the sequence its effects take; 0 for none. */
export function numbersOf(settlement: Settlement): number {
  if (settlement.kind === 'released') return 0;
  const subjects = settlement.kind === 'succeeded' ? settlement.events : settlement.kind === 'dead' ? settlement.firings : [];
  return subjects.reduce((sum, { executions }) => sum + 1 + executions.length, settlement.deliveries.length);
}

export function hasEffects(settlement: Settlement): boolean {
  return numbersOf(settlement) > 0 || (settlement.kind === 'succeeded' && settlement.state.length > 0);
}

export function effectsOf(settlement: Exclude<Settlement, { kind: 'released' }>, firstSeq: number, owner: string): Effects {
  let next = firstSeq;
  const take = (count: number): number => {
    next += count;
    return next - count;
  };
  const events = settlement.kind === 'succeeded' ? settlement.events : [];
  const firings = settlement.kind === 'dead' ? settlement.firings : [];
  return {
    events: events.map((submission) => {
      const { seq, executions } = eventWrite(submission, take(1 + submission.executions.length), owner, { _id: submission.event.id });
      return { event: submission.event, seq, executions };
    }),
    firings: firings.map((plan) => firingWrite(plan, take(1 + plan.executions.length), owner)),
    deliveries: settlement.deliveries.map((delivery) => deliveryDocument(delivery, take(1))),
    state: settlement.kind === 'succeeded' ? settlement.state : [],
  };
}

/** As another server writes them: what was leased at once for the dead one waits in the queue instead. */
export function effectsOfDead(text: string): Effects {
  const effects = JSON.parse(text) as Effects;
  for (const one of [...effects.events, ...effects.firings]) one.executions = one.executions.map(asPending);
  return effects;
}

function deliveryDocument(delivery: NewDelivery, seq: number): DeliveryDocument {
  const { id, ...rest } = delivery;
  return { _id: id, seq, ...rest, state: 'pending', attempts: 0, nextAt: delivery.createdAt, lastError: null, sentAt: null };
}

/** The effects of one settlement, with its name, its execution and its handler. */
export interface Caused {
  settlement: string;
  executionId: string;
  handlerId: number;
  effects: Effects;
}
export interface Made {
  events: AppendResult[];
  firings: FireResult[];
}

/** Writes the effects of many settlements; each kind of document in one bulk. */
export async function applyEffects(all: Collections, state: StateWriter, caused: readonly Caused[]): Promise<Made[]> {
  const effects = caused.map((one) => one.effects);
  const [events, firings] = await Promise.all([
    insertEvents(all, effects.flatMap((one) => one.events).map(writeOf)),
    insertFirings(
      all,
      effects.flatMap((one) => one.firings),
    ),
    insertDeliveries(
      all,
      effects.flatMap((one) => one.deliveries),
    ),
    state.apply(caused.map(stateChange)),
  ]);
  return effects.map((one) => ({ events: events.splice(0, one.events.length), firings: firings.splice(0, one.firings.length) }));
}

/** Forgets effects that are written, and that no other server may be writing too. */
export async function forgetEffects(all: Collections, state: StateWriter, caused: readonly Caused[]): Promise<void> {
  await dropEffects(all, caused);
  await forgetState(state, caused);
}

export async function dropEffects({ executions }: Collections, caused: readonly Caused[]): Promise<void> {
  const operations = caused.map(({ executionId, settlement }) => ({
    updateOne: { hint: BY_ID, filter: { _id: executionId, settlement }, update: { $unset: { effects: 1, effectsBy: 1 } } } as const,
  }));
  if (operations.length === 0) return;
  await executions.bulkWrite(operations, { ordered: false });
}

export const forgetState = (state: StateWriter, caused: readonly Caused[]): Promise<void> => state.forget(caused.map(stateChange));

function writeOf({ event, seq, executions }: Effects['events'][number]): EventWrite {
  const document = eventDocument(event);
  if (document._hookwright !== undefined) document._hookwright.seq = seq;
  return { event, document, seq, executions };
}

const stateChange = ({ settlement, handlerId, effects }: Caused): StateChange => ({ settlement, handlerId, effects: effects.state });

async function insertDeliveries({ deliveries }: Collections, documents: readonly DeliveryDocument[]): Promise<void> {
  if (documents.length > 0) await insertNew(() => deliveries.insertMany(documents, { ordered: false }));
}
