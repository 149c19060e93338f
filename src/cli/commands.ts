import type { Command } from 'commander';

/** A subcommand. Its module is loaded only when it is called. */
interface Entry {
  summary: string;
  load(): Promise<{ command(): Command }>;
}

/** Every subcommand, in the order of the help. */
export const COMMANDS: Readonly<Record<string, Entry>> = {
  serve: { summary: 'run the server, as npm start does', load: () => import('./commands/serve.ts') },
  config: { summary: 'check the settings, or print those in use', load: () => import('./commands/config.ts') },
  backup: { summary: 'make, list, check and put back backups', load: () => import('./commands/backup.ts') },
  report: { summary: 'how the lab was used: sessions, users, periods', load: () => import('./commands/report.ts') },
  import: { summary: 'take events of MADSci into the store', load: () => import('./commands/import.ts') },
  migrate: { summary: 'bring the store up to what this release needs', load: () => import('./commands/migrate.ts') },
  'migrate-store': {
    summary: 'move everything to another store: SQLite to MongoDB, or back',
    load: () => import('./commands/migrate-store.ts'),
  },
  retention: { summary: 'look at archiving and deleting by age, or run it', load: () => import('./commands/retention.ts') },
  archive: { summary: 'archive events', load: () => import('./commands/archive.ts') },
  purge: { summary: 'delete archived events for good', load: () => import('./commands/purge.ts') },
};
