import type { Collections } from './connect.ts';
import { leadershipOf } from './leadership.ts';
import { Presence } from './presence.ts';

const NAME = 'migration';
const TTL_MS = 30_000;
const RENEW_MS = 5_000;

/** The right to change the schema, by the database's clock. Ends by itself when its owner dies. */
export interface MigrationLock extends AsyncDisposable {
  /** Throws when the right was lost: others may have gone on. */
  check(): void;
}

/** Servers look at the lock after they have made themselves known, and this looks for servers after it has the lock: one sees the other. */
export async function takeMigrationLock(all: Collections): Promise<MigrationLock> {
  const { lead } = leadershipOf({ all, presence: new Presence(all, NAME) });
  if (!(await lead(NAME, 0, TTL_MS)))
    throw new Error(`A migration of the database ${all.db.databaseName} is under way. Wait until it has ended.`);
  let keptUntil = performance.now() + TTL_MS;
  const timer = setInterval(() => {
    const asked = performance.now();
    const note = (isMine: boolean): void => {
      keptUntil = isMine ? asked + TTL_MS : 0;
    };
    void lead(NAME, 0, TTL_MS).then(note, () => {}); // the next one may succeed
  }, RENEW_MS);
  const giveBack = async (): Promise<void> => {
    clearInterval(timer);
    await lead(NAME, 0, 0).catch(() => {}); // then it ends by itself
  };
  try {
    await refuseWhileServersRun(all);
  } catch (error) {
    await giveBack();
    throw error;
  }
  return {
    check() {
      if (performance.now() > keptUntil)
        throw new Error('The database did not answer for too long, and another migration may have begun. Run it again.');
    },
    [Symbol.asyncDispose]: giveBack,
  };
}

async function refuseWhileServersRun({ db, servers }: Collections): Promise<void> {
  const alive = await servers.countDocuments({ $expr: { $gte: ['$aliveUntil', '$$NOW'] } });
  if (alive > 0)
    throw new Error(
      `${alive === 1 ? 'A server uses' : `${alive} servers use`} the database ${db.databaseName}. Stop it first; one that was killed counts for 15 s more.`,
    );
}

/** For a server that starts. */
export async function refuseWhileMigrating({ db, leaders }: Collections): Promise<void> {
  const lock = await leaders.findOne({ _id: NAME, $expr: { $gt: ['$until', '$$NOW'] } });
  if (lock !== null) throw new Error(`A migration of the database ${db.databaseName} is under way. Start again when it has ended.`);
}
