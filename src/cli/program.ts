import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { COMMANDS } from './commands.ts';
import { Failure } from './failure.ts';

const MORE_HELP = 'Add --help to see what there is.';
const INTERRUPTED = 130;
const EXAMPLES = `
Examples:
  $ hookwright serve                     run the server with the settings found here
  $ hookwright config check              say what is wrong with the settings, and where
  $ hookwright config print --json       the settings in use, for a script

Settings come from the command line, the environment and files: docs/settings.md.`;

/** Runs one command line. Answers the exit code; whatever went wrong was said on standard error. */
export async function runCommand(args: readonly string[]): Promise<number> {
  process.once('SIGINT', () => process.exit(INTERRUPTED));
  process.stdout.on('error', passOverClosedPipe);
  try {
    const program = await programFor(args);
    await program.parseAsync(args, { from: 'user' });
    return typeof process.exitCode === 'number' ? process.exitCode : 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    process.stderr.write(`hookwright: ${error instanceof Error ? error.message : String(error)}\n`);
    return error instanceof Failure ? error.exitCode : 1;
  }
}

/** Whoever reads may have seen enough, as `| head` does; the work goes on to its end all the same. */
function passOverClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}

/** Only the command that is called is loaded; of the others the help knows the name. */
async function programFor(args: readonly string[]): Promise<Command> {
  const program = new Command('hookwright')
    .description('An event engine for labs and instrument networks.')
    .version(version(), '-V, --version')
    .showHelpAfterError(MORE_HELP)
    .addHelpText('after', EXAMPLES)
    .exitOverride();
  const called = args.find((word) => !word.startsWith('-'));
  const wanted = called === 'help' ? args[args.indexOf(called) + 1] : called;
  for (const [name, { summary, load }] of Object.entries(COMMANDS)) {
    if (name === wanted) program.addCommand(prepared((await load()).command()).summary(summary));
    else program.command(name).summary(summary);
  }
  return program;
}

/** Errors of a subcommand, too, end in runCommand and not the process. */
function prepared(command: Command): Command {
  for (const one of [command, ...command.commands]) one.exitOverride().showHelpAfterError(MORE_HELP);
  return command;
}

function version(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
  return version;
}
