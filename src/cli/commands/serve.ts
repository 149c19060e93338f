import { Command } from 'commander';

const HELP = `
Every setting is an option too, and wins over the environment and files:
  $ hookwright serve --port 9000 --data_dir ./lab
  $ hookwright serve --alert_level WARNING --email_alerts.smtp_server mail.example.org

"hookwright config print" shows what is in use; docs/settings.md explains each.`;

export function command(): Command {
  return new Command('serve')
    .usage('[--setting value]...')
    .description('Runs the server until it is asked to stop (Ctrl-C, SIGTERM).')
    .allowUnknownOption()
    .allowExcessArguments()
    .addHelpText('after', HELP)
    .action(async (_options, { args }: Command) => {
      process.argv = [...process.argv.slice(0, 2), ...args];
      process.removeAllListeners('SIGINT');
      await import('../../start.ts');
    });
}
