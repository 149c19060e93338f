import { existsSync, readFileSync } from 'node:fs';
import { Command } from 'commander';
import type { Config } from '../../config.ts';
import { type MoveProgress, type MoveResult, NAMES } from '../../engine/move-store.ts';
import { configuredPlace, mongoPlaceOf, move, placeName, release, type StorePlace } from '../../wiring/moving.ts';
import { Failure } from '../failure.ts';
import { printJson, printLine, printTable } from '../print.ts';
import { type Progress, progress } from '../progress.ts';
import { openConfig, withSettings } from '../settings.ts';

interface Options {
  from?: string;
  to?: string;
  fromDatabase?: string;
  toDatabase?: string;
  fromCollection?: string;
  toCollection?: string;
  startOver?: true;
  release?: string;
  json?: true;
  set?: string[];
}

const HELP = `
A store is a data folder, the URL of a MongoDB, or @FILE for a file that holds such a URL.
Database and collection are those of the settings, unless they are given here.

Stop every server on both stores before. An interrupted move goes on where it stopped when it is run again.
Exit codes: 0 moved, 1 not moved, 2 used wrongly, 130 interrupted.

Examples:
  $ hookwright migrate-store --from ./data --to 'mongodb://mongo1,mongo2,mongo3/?replicaSet=rs0'
  $ hookwright migrate-store --from @/run/secrets/event_db_url --to ./data
  $ hookwright migrate-store --to ./data2                  from the store of the settings
  $ hookwright migrate-store --release ./data              use an older copy again`;

export function command(): Command {
  return withSettings(new Command('migrate-store'))
    .description('Moves everything to another store: from SQLite to MongoDB, back, or to another place of the same kind.')
    .option('--from <store>', 'where it is (default: the store of the settings)')
    .option('--to <store>', 'where it goes: an empty store')
    .option('--from-database <name>', 'in MongoDB')
    .option('--to-database <name>', 'in MongoDB')
    .option('--from-collection <name>', 'of the events, in MongoDB')
    .option('--to-collection <name>', 'of the events, in MongoDB')
    .option('--start-over', 'throw away what an unfinished move has left in the target')
    .option('--release <store>', 'let servers start again on a store that was moved, or whose move is given up')
    .option('--json', 'as JSON')
    .addHelpText('after', HELP)
    .action(run);
}

async function run(options: Options): Promise<void> {
  const config = await openConfig(options);
  if (options.release !== undefined)
    return releaseStore(storeAt(options.release, config, given(options.fromDatabase, options.fromCollection)), options);
  if (options.to === undefined) throw new Failure('Say where to: --to <store>. Add --help for examples.', 2);
  const from =
    options.from === undefined
      ? configuredPlace(config)
      : storeAt(options.from, config, given(options.fromDatabase, options.fromCollection));
  const to = storeAt(options.to, config, given(options.toDatabase, options.toCollection));
  if (!options.json) process.stderr.write(`From ${placeName(from)}\nto   ${placeName(to)}\n`);
  const result = await moved(from, to, options);
  if (options.json) printJson(plain(result, from, to));
  else tell(result, from, to);
}

interface Names {
  database?: string;
  collection?: string;
}
const given = (database: string | undefined, collection: string | undefined): Names => ({
  ...(database === undefined ? {} : { database }),
  ...(collection === undefined ? {} : { collection }),
});

function storeAt(text: string, config: Config, names: Names): StorePlace {
  const store = text.startsWith('@') ? urlFrom(text.slice(1)) : text;
  if (/^mongodb(\+srv)?:\/\/./.test(store)) return mongoPlaceOf(config, store, names);
  if (/^[a-z][a-z+]+:\/\//i.test(store) || text.startsWith('@'))
    throw new Failure('A store is a folder, or a URL that begins with mongodb:// or mongodb+srv://.', 2);
  return { kind: 'sqlite', folder: store };
}

function urlFrom(file: string): string {
  if (!existsSync(file)) throw new Failure(`There is no file ${file}, which should hold the URL of a store.`, 2);
  return readFileSync(file, 'utf8').trim();
}

/** An interruption ends the move after the batch that is under way; a second one ends it at once. Neither does harm. */
async function moved(from: StorePlace, to: StorePlace, { startOver = false }: { startOver?: boolean }): Promise<MoveResult> {
  const stop = new AbortController();
  const interrupt = (): void => (stop.signal.aborted ? process.exit(130) : stop.abort());
  process.removeAllListeners('SIGINT');
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, interrupt);
  using bars = new Bars();
  try {
    return await move({ from, to, startOver, report: (one) => bars.show(one), say: (line) => bars.say(line), signal: stop.signal });
  } catch (error) {
    if (!stop.signal.aborted) throw explained(error);
    bars[Symbol.dispose]();
    process.stderr.write('Stopped. Run the same command again to go on. Until then no server starts on either store.\n');
    process.exit(130);
  }
}

/** What a database answered is in the cause. */
function explained(error: unknown): unknown {
  const { cause } = error instanceof Error ? error : {};
  if (!(error instanceof Error) || !(cause instanceof Error) || error.message.includes(cause.message)) return error;
  return new Error(`${error.message} (${cause.message.replaceAll(/\/\/[^@/\s]*@/g, '//')})`, { cause });
}

/** One line on the terminal for what goes on at the moment. */
class Bars implements Disposable {
  #key = '';
  #bar: Progress | null = null;

  show({ step, kind, done, total }: MoveProgress): void {
    const key = `${step} ${kind}`;
    if (key !== this.#key) {
      this[Symbol.dispose]();
      this.#key = key;
      this.#bar = progress(`${step === 'copy' ? 'Copying' : 'Comparing'} ${NAMES[kind]}`);
    }
    this.#bar?.update(done, total);
  }

  say(line: string): void {
    this[Symbol.dispose]();
    process.stderr.write(`${line}\n`);
  }

  [Symbol.dispose](): void {
    this.#bar?.[Symbol.dispose]();
    this.#bar = null;
    this.#key = '';
  }
}

function plain(result: MoveResult, from: StorePlace, to: StorePlace): unknown {
  const places = { from: placeName(from), to: placeName(to) };
  if (result.kind === 'done_before') return { ...places, moved: false, moved_before_at: new Date(result.at).toISOString() };
  const { kinds, continued } = result;
  return { ...places, moved: true, continued, kinds: Object.fromEntries(kinds.map(({ kind, ...sums }) => [kind, sums])) };
}

function tell(result: MoveResult, from: StorePlace, to: StorePlace): void {
  if (result.kind === 'done_before') {
    printLine(`Nothing to do: everything was moved already, ${new Date(result.at).toISOString()}.`);
    printLine(next(to));
    return;
  }
  printTable(
    ['moved', 'count', 'sha-256 on both sides'],
    result.kinds.map(({ kind, count, sha256 }) => [NAMES[kind], count.toLocaleString('en-US'), sha256.slice(0, 16)]),
    '',
  );
  printLine('');
  printLine(`Everything is in ${placeName(to)}; counts and checksums are the same on both sides.`);
  printLine(next(to));
  printLine('');
  printLine(`The old store is as it was, and no server starts on it: ${placeName(from)}.`);
  printLine('To go back to it, losing what comes in from now on: hookwright migrate-store --release <that store>');
}

function next(to: StorePlace): string {
  const lines =
    to.kind === 'sqlite'
      ? ['without EVENT_DB_URL (and its other names)', `DATA_DIR=${to.folder}`]
      : [`EVENT_DB_URL=<the URL you gave>`, `EVENT_DATABASE_NAME=${to.database}`, `EVENT_COLLECTION_NAME=${to.collection}`];
  return [
    'Now set',
    ...lines.map((line) => `  ${line}`),
    'look at them with "hookwright config print", and start the server: hookwright serve',
  ].join('\n');
}

async function releaseStore(place: StorePlace, { json }: Options): Promise<void> {
  const what = await release(place, (line) => process.stderr.write(`${line}\n`));
  if (what === 'partial')
    throw new Failure(
      `${placeName(place)} holds only a part of another store. Finish that move, or begin it again with --start-over; or take the store away.`,
    );
  if (json) printJson({ store: placeName(place), released: what === 'released' });
  else
    printLine(what === 'released' ? `Servers may start on ${placeName(place)} again.` : `Nothing keeps servers from ${placeName(place)}.`);
}
