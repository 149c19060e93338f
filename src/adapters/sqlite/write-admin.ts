import type { DatabaseSync } from 'node:sqlite';
import type { Key } from '../../core/key.ts';
import type { DeliveryAttempt } from '../../ports/delivery-store.ts';

/** Writes of keys, settings and the outbox. Runs in the writer thread, inside its transaction. */
export function adminWrites(db: DatabaseSync) {
  const insertKey = db.prepare('INSERT INTO keys (id, body) VALUES (?, ?)');
  const selectKey = db.prepare('SELECT body FROM keys WHERE id = ?');
  const updateKey = db.prepare('UPDATE keys SET body = ? WHERE id = ?');
  const insertSetting = db.prepare('INSERT OR IGNORE INTO settings (name, value) VALUES (?, ?)');
  const exchangeSetting = db.prepare('UPDATE settings SET value = ? WHERE name = ? AND value = ?');
  const selectSetting = db.prepare('SELECT value FROM settings WHERE name = ?');
  const record = db.prepare(
    `UPDATE deliveries SET state = ?, attempts = ?, next_at = ?, last_error = ?, sent_at = ? WHERE id = ? AND state = 'pending'`,
  );
  const requeue = db.prepare(
    `UPDATE deliveries SET state = 'pending', attempts = 0, next_at = ?, last_error = NULL, sent_at = NULL WHERE id = ? AND state <> 'pending'`,
  );
  const deliveryExists = db.prepare('SELECT 1 FROM deliveries WHERE id = ?');

  const changeKey = (id: string, change: (key: Key) => Key): Key | null => {
    const row = selectKey.get(id) as { body: string } | undefined;
    if (row === undefined) return null;
    const key = change(JSON.parse(row.body) as Key);
    updateKey.run(JSON.stringify(key), id);
    return key;
  };

  return {
    createKey: (key: Key): void => void insertKey.run(key.id, JSON.stringify(key)),
    revokeKey: (id: string, at: number): Key | null => changeKey(id, (key) => ({ ...key, revokedAt: key.revokedAt ?? at })),
    touchKeys(uses: readonly { id: string; at: number }[]): void {
      for (const { id, at } of uses) changeKey(id, (key) => ({ ...key, lastUsedAt: at }));
    },
    keepSetting(name: string, value: string): string {
      insertSetting.run(name, value);
      return (selectSetting.get(name) as { value: string }).value;
    },
    setting: (name: string): string | null => (selectSetting.get(name) as { value: string } | undefined)?.value ?? null,
    exchangeSetting(name: string, before: string | null, after: string): boolean {
      const { changes } = before === null ? insertSetting.run(name, after) : exchangeSetting.run(after, name, before);
      return changes === 1;
    },
    recordDeliveries(results: readonly DeliveryAttempt[]): void {
      for (const r of results) record.run(r.state, r.attempts, r.nextAt, r.lastError, r.sentAt, r.id);
    },
    resendDelivery(id: string, now: number): 'requeued' | 'pending' | 'absent' {
      if (requeue.run(now, id).changes === 1) return 'requeued';
      return deliveryExists.get(id) === undefined ? 'absent' : 'pending';
    },
  };
}
