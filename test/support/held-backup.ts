import type { MigrationBackup } from '../../src/wiring/migrate.ts';

/** A backup that takes until it is let go: meanwhile the migration that waits for it keeps everybody away. */
export function heldBackup(): { backup: MigrationBackup; isWaiting: Promise<void>; letGo(): void } {
  const isWaiting = Promise.withResolvers<void>();
  const mayGoOn = Promise.withResolvers<void>();
  return {
    backup: {
      async create() {
        isWaiting.resolve();
        await mayGoOn.promise;
        return '/backups/held';
      },
      restore: async () => {},
    },
    isWaiting: isWaiting.promise,
    letGo: () => mayGoOn.resolve(),
  };
}
