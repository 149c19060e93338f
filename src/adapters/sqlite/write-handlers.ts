import type { DatabaseSync } from 'node:sqlite';
import type { Handler, HandlerVersion } from '../../core/handler.ts';
import type { PlannedRun } from '../../core/schedule.ts';
import type { HandlerPut } from '../../ports/handler-store.ts';

interface HandlerRow {
  id: number;
  hook: string;
  name: string;
  enabled: number;
  version: number;
  created_at: number;
  created_by: string;
  updated_at: number;
  updated_by: string;
  body: string;
}

export const SELECT_HANDLER = `SELECT h.*, v.body FROM handlers h
  JOIN handler_versions v ON v.handler_id = h.id AND v.version = h.version WHERE h.removed_at IS NULL`;

export function handlerOfRow(value: unknown): Handler {
  const row = value as HandlerRow;
  return {
    id: row.id,
    hook: row.hook,
    name: row.name,
    enabled: row.enabled === 1,
    createdAt: row.created_at,
    createdBy: row.created_by,
    updatedAt: row.updated_at,
    updatedBy: row.updated_by,
    current: JSON.parse(row.body) as HandlerVersion,
  };
}

/** Writes of the handler and schedule stores. Runs in the writer thread, inside its transaction. */
export function handlerWrites(db: DatabaseSync) {
  const byName = db.prepare('SELECT id, version FROM handlers WHERE hook = ? AND name = ? AND removed_at IS NULL');
  const insert = db.prepare(
    'INSERT INTO handlers (hook, name, enabled, version, created_at, created_by, updated_at, updated_by) VALUES (?, ?, 1, 0, ?, ?, ?, ?)',
  );
  const update = db.prepare('UPDATE handlers SET version = ?, updated_at = ?, updated_by = ? WHERE id = ?');
  const insertVersion = db.prepare('INSERT INTO handler_versions (handler_id, version, body) VALUES (?, ?, ?)');
  const enable = db.prepare('UPDATE handlers SET enabled = ?, updated_at = ?, updated_by = ? WHERE id = ? AND removed_at IS NULL');
  const select = db.prepare(`${SELECT_HANDLER} AND h.id = ?`);
  const remove = db.prepare('UPDATE handlers SET removed_at = ? WHERE id = ? AND removed_at IS NULL');
  const dropState = db.prepare('DELETE FROM handler_state WHERE handler_id = ?');
  const dropSchedule = db.prepare('DELETE FROM schedules WHERE handler_id = ?');
  const putSchedule = db.prepare('INSERT OR REPLACE INTO schedules (handler_id, stamp, next_at, previous_at) VALUES (?, ?, ?, ?)');
  const selectSchedules = db.prepare(
    'SELECT handler_id AS handlerId, stamp, next_at AS nextAt, previous_at AS previousAt FROM schedules ORDER BY handler_id',
  );
  const cancelOpen = db.prepare('UPDATE executions SET state = 4, finished_at = ? WHERE state IN (0, 1) AND state < 2 AND handler_id = ?');

  const read = (id: number): Handler | null => {
    const row = select.get(id);
    return row === undefined ? null : handlerOfRow(row);
  };

  return {
    putHandler({ hook, name, version, enabled }: HandlerPut): { handler: Handler; replaced: boolean } {
      const known = byName.get(hook, name) as { id: number; version: number } | undefined;
      const { createdAt, createdBy } = version;
      const number = known === undefined ? 0 : known.version + 1;
      const id = known?.id ?? Number(insert.run(hook, name, createdAt, createdBy, createdAt, createdBy).lastInsertRowid);
      insertVersion.run(id, number, JSON.stringify({ ...version, version: number } satisfies HandlerVersion));
      if (known !== undefined) update.run(number, createdAt, createdBy, id);
      if (enabled !== undefined) enable.run(enabled ? 1 : 0, createdAt, createdBy, id);
      return { handler: read(id) as Handler, replaced: known !== undefined };
    },

    enableHandler(id: number, enabled: boolean, at: number, by: string): Handler | null {
      enable.run(enabled ? 1 : 0, at, by, id);
      return read(id);
    },

    removeHandler(id: number, at: number): boolean {
      if (remove.run(at, id).changes === 0) return false;
      dropState.run(id);
      dropSchedule.run(id);
      cancelOpen.run(at, id);
      return true;
    },

    schedules: (): PlannedRun[] => selectSchedules.all() as unknown as PlannedRun[],
    putSchedules(runs: readonly PlannedRun[]): void {
      for (const { handlerId, stamp, nextAt, previousAt } of runs) putSchedule.run(handlerId, stamp, nextAt, previousAt);
    },
  };
}
