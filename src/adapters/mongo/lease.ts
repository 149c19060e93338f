import type { Filter } from 'mongodb';
import type { Lease, LeaseRef } from '../../ports/queue.ts';
import type { ExecutionDocument } from './documents.ts';

type Leasable = Pick<ExecutionDocument, 'seq' | 'handlerId' | 'owner'>;

/** What a lease is known by besides its attempt: which arrival of its execution, whose handler, and which server holds it. */
export const refOf = ({ seq, handlerId, owner }: Leasable): LeaseRef => `${seq}/${handlerId}/${owner ?? ''}`;

function partsOf(ref: LeaseRef): { seq: number; handlerId: number; owner: string } {
  const [seq = '', handlerId = '', ...owner] = String(ref).split('/');
  return { seq: Number(seq), handlerId: Number(handlerId), owner: owner.join('/') };
}

export const handlerOf = ({ ref }: Lease): number => partsOf(ref).handlerId;

/** Finds the execution only while the lease stands: the same arrival, attempt and owner. */
export function fence({ executionId, attempt, ref }: Lease): Filter<ExecutionDocument> {
  const { seq, owner } = partsOf(ref);
  return { _id: executionId, state: 'leased', attempt, seq, owner };
}
