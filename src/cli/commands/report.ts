import { writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { EngineError } from '../../core/errors.ts';
import { DEFAULT_UTILIZATION, UTILIZATION_KINDS, type UtilizationKind, type UtilizationRequest } from '../../core/utilization/request.ts';
import { openReports } from '../../wiring/open-reports.ts';
import { Failure } from '../failure.ts';
import { progress } from '../progress.ts';
import { openConfig, withSettings } from '../settings.ts';

interface Options {
  start?: string;
  end?: string;
  type?: string;
  zone?: string;
  users?: true;
  csv?: true;
  output?: string;
  json?: true;
  set?: string[];
}

const HELP = `
The report goes to standard output as JSON, as GET /utilization answers it: docs/utilization.md. A server may be running.

Examples:
  $ hookwright report sessions
  $ hookwright report users --start 2025-03-01 --end 2025-04-01 --csv --output users.csv
  $ hookwright report periods --start 2025-03-01 --end 2025-04-01 --type weekly --zone Europe/Berlin --users`;

const SUMMARIES: Readonly<Record<UtilizationKind, string>> = {
  sessions: 'how labs and workcells were used, session by session',
  users: 'whose workflows ran how long',
  periods: 'use over time: by hours, days, weeks or months',
};

export function command(): Command {
  const report = new Command('report')
    .description('Reports how the lab was used, from the events that are stored.')
    .addHelpText('after', HELP);
  for (const kind of UTILIZATION_KINDS) {
    const one = withSettings(report.command(kind))
      .summary(SUMMARIES[kind])
      .description(`Reports ${SUMMARIES[kind]}.`)
      .option('--start <time>', 'from this time on, such as 2025-03-01 or 2025-03-01T08:00:00+01:00; UTC without an offset')
      .option('--end <time>', 'up to this time')
      .option('--csv', 'as CSV')
      .option('--json', 'as JSON, which it is without this as well')
      .option('--output <file>', 'into a file');
    if (kind === 'periods')
      one
        .option('--type <type>', 'hourly, daily, weekly or monthly', DEFAULT_UTILIZATION.analysisType)
        .option('--zone <name>', 'time zone of the periods', DEFAULT_UTILIZATION.timeZone)
        .option('--users', 'with the ten users whose workflows ran longest');
    one.action((options: Options) => run(requestOf(kind, options), options));
  }
  return report;
}

function requestOf(kind: UtilizationKind, { start, end, type, zone, users }: Options): UtilizationRequest {
  const { analysisType, timeZone } = DEFAULT_UTILIZATION;
  return {
    kind,
    startTime: start ?? null,
    endTime: end ?? null,
    analysisType: type ?? analysisType,
    timeZone: zone ?? timeZone,
    includeUsers: users === true,
  };
}

const EVERY_MS = 1_000;

async function run(request: UtilizationRequest, options: Options): Promise<void> {
  const config = await openConfig(options);
  await using reports = await openReports(config);
  using line = progress('Report: seconds');
  const start = Date.now();
  const timer = setInterval(() => line.update(Math.round((Date.now() - start) / 1_000)), EVERY_MS);
  try {
    const outcome = await reports.utilization(request, options.csv === true ? 'csv' : 'json', start);
    if (!outcome.ok) throw new Failure(wordsOf(outcome.json), 2);
    write(options.csv === true ? outcome.text : `${outcome.text}\n`, options.output);
  } catch (error) {
    throw error instanceof EngineError ? new Failure(error.message, 1, { cause: error }) : error;
  } finally {
    clearInterval(timer);
  }
}

function write(text: string, file: string | undefined): void {
  if (file === undefined) process.stdout.write(text);
  else writeFileSync(file, text);
}

function wordsOf(json: string): string {
  const { error, details } = JSON.parse(json) as { error: string; details?: string };
  return details === undefined ? error : `${error}. ${details}`;
}
