import { hash } from 'node:crypto';
import { executionIdPrefix } from '../../core/execution-id.ts';
import type { RetentionStore } from '../../ports/retention-store.ts';
import type { Readers } from './readers.ts';
import type { Writer } from './writer.ts';

/** A reader finds what is old, the writer takes it: so the writer is busy only with what changes. */
export function retentionStore(writer: Writer, readers: Readers): RetentionStore {
  const prefixed = (id: string): { id: string; prefix: string } => ({ id, prefix: executionIdPrefix(id, (text) => hash('sha1', text)) });
  return {
    async archiveOld({ beforeText, at, from, limit }) {
      const { keys, next } = await readers.callBounded('oldEvents', beforeText, from, limit);
      return { count: keys.length === 0 ? 0 : await writer.call('archiveSeqs', keys, at), next };
    },
    purgeOld: (before, limit) => writer.call('purgeArchived', before, limit),
    countOld: ({ beforeText, archivedBefore }) => readers.callBounded('countOld', beforeText, archivedBefore),
    highest: (what) => readers.call('highest', what),
    at: (what, number) => readers.call('atNumber', what, number),
    async sweep({ what, before, below, from, limit }) {
      const { keys, next } = await readers.call('endedBefore', what, before, below, from, limit);
      return { count: keys.length === 0 ? 0 : await writer.call('deleteEnded', what, keys, before), next };
    },
    async sweepFirings({ before, from, limit }) {
      const { keys, next } = await readers.call('oldFirings', before, from, limit);
      return { count: keys.length === 0 ? 0 : await writer.call('deleteFirings', keys.map(prefixed), before), next };
    },
  };
}
