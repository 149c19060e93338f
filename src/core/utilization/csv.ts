/** The three reports as MADSci writes them to CSV (M20): sections with a heading each, Python's spelling of numbers. */
import { stringify } from 'csv-stringify/sync';
import { Double, type ExactObject, type ExactValue, membersOf } from '../json.ts';
import { pythonStr } from '../python-text.ts';
import { at, objectOf } from './python-words.ts';
import type { UtilizationKind } from './request.ts';

export function reportCsv(kind: UtilizationKind, report: ExactObject): string {
  return stringify(SHEETS[kind](report), { record_delimiter: '\r\n', quoted_match: /[\r\n]/ });
}

const SHEETS: Readonly<Record<UtilizationKind, (report: ExactObject) => string[][]>> = {
  sessions: sessionSheet,
  users: userSheet,
  periods: periodSheet,
};

// --- cells ---

/** Programs that open tables run such cells as formulas (RELIABILITY 20): an apostrophe makes them text. Numbers stay what they are. */
const FORMULA = /^[=+\-@\t\r]/;
/** Made here, and may begin with a minus. */
const OWN_TEXT = 'duration_display';

function cell(object: ExactValue | undefined, name: string): string {
  const value = at(object, name);
  if (value === undefined || value === null) return '';
  const text = pythonStr(value);
  const isNumber = typeof value === 'number' || typeof value === 'bigint' || value instanceof Double;
  return FORMULA.test(text) && !isNumber && name !== OWN_TEXT ? `'${text}` : text;
}

/** Rows of a label and a member each. */
function labelled(object: ExactValue | undefined, labels: Readonly<Record<string, string>>): string[][] {
  return Object.entries(labels).map(([label, name]) => [label, cell(object, name)]);
}

/** A row for each object, with these members of it. */
function table(columns: Readonly<Record<string, string>>, objects: Iterable<ExactValue>): string[][] {
  const names = Object.values(columns);
  return [Object.keys(columns), ...Array.from(objects, (object) => names.map((name) => cell(object, name)))];
}

const valuesOf = (object: ExactValue | undefined): ExactValue[] => Array.from(membersOf(objectOf(object)), ([, value]) => value);
const listOf = (value: ExactValue | undefined): ExactValue[] => (Array.isArray(value) ? value : []);
const BLANK: string[][] = [[]];

// --- sheets ---

function sessionSheet(report: ExactObject): string[][] {
  const summary = at(report, 'overall_summary');
  const nodes = Array.from(
    membersOf(objectOf(at(summary, 'node_summary'))),
    ([node_id, node]) => ({ ...(node as object), node_id }) as ExactObject,
  );
  return [
    ['=== UTILIZATION REPORT ==='],
    ...BLANK,
    ['Report Metadata'],
    ...labelled(at(report, 'report_metadata'), {
      'Generated At': 'generated_at',
      'Analysis Start': 'analysis_start',
      'Analysis End': 'analysis_end',
      'Total Sessions': 'total_sessions',
      'Analysis Duration (hours)': 'analysis_duration_hours',
    }),
    ...BLANK,
    ['Overall Summary'],
    ...labelled(summary, {
      'Total Sessions': 'total_sessions',
      'Total System Runtime (hours)': 'total_system_runtime_hours',
      'Total Active Time (hours)': 'total_active_time_hours',
      'Average System Utilization (%)': 'average_system_utilization_percent',
      'Total Experiments': 'total_experiments',
      'Nodes Tracked': 'nodes_tracked',
    }),
    ...BLANK,
    ['=== SESSION DETAILS ==='],
    ...table(SESSION_COLUMNS, listOf(at(report, 'session_details'))),
    ...BLANK,
    ...(nodes.length === 0 ? [] : [['=== NODE SUMMARY ==='], ...table(SESSION_NODE_COLUMNS, nodes)]),
  ];
}
const SESSION_COLUMNS = {
  'Session Type': 'session_type',
  'Session Name': 'session_name',
  'Start Time': 'start_time',
  'End Time': 'end_time',
  'Duration (hours)': 'duration_hours',
  'System Utilization (%)': 'system_utilization_percent',
  'Total Experiments': 'total_experiments',
  'Nodes Active': 'nodes_active',
};
const SESSION_NODE_COLUMNS = {
  'Node ID': 'node_id',
  'Average Utilization (%)': 'average_utilization_percent',
  'Total Busy Time (hours)': 'total_busy_time_hours',
  'Sessions Active': 'sessions_active',
};

function userSheet(report: ExactObject): string[][] {
  return [
    ['=== DETAILED USER UTILIZATION REPORT ==='],
    ...BLANK,
    ['Report Metadata'],
    ...labelled(at(report, 'report_metadata'), {
      'Generated At': 'generated_at',
      'Analysis Start': 'analysis_start',
      'Analysis End': 'analysis_end',
      'Total Users': 'total_users',
      'Total Workflows': 'total_workflows',
    }),
    ...BLANK,
    ['System Summary'],
    ...labelled(at(report, 'system_summary'), {
      'Total Workflows': 'total_workflows',
      'Total Runtime (hours)': 'total_runtime_hours',
      'Average Workflow Duration (hours)': 'average_workflow_duration_hours',
      'Completion Rate (%)': 'completion_rate_percent',
      'Author Attribution Rate (%)': 'author_attribution_rate_percent',
    }),
    ...BLANK,
    ['=== USER DETAILS ==='],
    ...table(USER_COLUMNS, valuesOf(at(report, 'user_utilization'))),
  ];
}
const USER_COLUMNS = {
  Author: 'author',
  'Total Workflows': 'total_workflows',
  Completed: 'completed_workflows',
  Failed: 'failed_workflows',
  Cancelled: 'cancelled_workflows',
  'Total Runtime (hours)': 'total_runtime_hours',
  'Avg Duration (hours)': 'average_workflow_duration_hours',
  'Completion Rate (%)': 'completion_rate_percent',
  'Shortest (hours)': 'shortest_workflow_hours',
  'Longest (hours)': 'longest_workflow_hours',
};

function periodSheet(report: ExactObject): string[][] {
  const metadata = at(report, 'summary_metadata');
  return [
    ['=== UTILIZATION PERIODS REPORT ==='],
    ...BLANK,
    ['Metadata'],
    ...labelled(metadata, {
      'Analysis Type': 'analysis_type',
      'Generated At': 'generated_at',
      'Period Start': 'period_start',
      'Period End': 'period_end',
      'User Timezone': 'user_timezone',
      'Total Periods': 'total_periods',
    }),
    ...BLANK,
    ['Key Metrics'],
    ...labelled(at(report, 'key_metrics'), {
      'Average Utilization (%)': 'average_utilization',
      'Peak Utilization (%)': 'peak_utilization',
      'Peak Period': 'peak_period',
      'Total Experiments': 'total_experiments',
      'Total Runtime (hours)': 'total_runtime_hours',
      'Total Active Time (hours)': 'total_active_time_hours',
      'Active Periods': 'active_periods',
      'Total Periods': 'total_periods',
    }),
    ...BLANK,
    ['=== TIME SERIES DATA ==='],
    ...table(SERIES_COLUMNS, listOf(at(at(report, 'time_series'), 'system'))),
    ...BLANK,
    ...nodeSection(valuesOf(at(report, 'node_summary')), at(metadata, 'analysis_type') === 'daily'),
    ...section('=== WORKCELL SUMMARY ===', WORKCELL_COLUMNS, valuesOf(at(report, 'workcell_summary'))),
    ...userSection(at(report, 'user_utilization')),
    ...experimentSection(at(report, 'experiment_details')),
  ];
}

/** Left out when there is nothing in it. */
function section(title: string, columns: Readonly<Record<string, string>>, objects: readonly ExactValue[]): string[][] {
  return objects.length === 0 ? [] : [[title], ...table(columns, objects), ...BLANK];
}

function userSection(users: ExactValue | undefined): string[][] {
  return users === undefined ? [] : [['=== USER UTILIZATION ==='], ...table(TOP_USER_COLUMNS, listOf(at(users, 'top_users'))), ...BLANK];
}

function nodeSection(nodes: readonly ExactValue[], isDaily: boolean): string[][] {
  if (nodes.length > 0) return section('=== NODE SUMMARY ===', NODE_COLUMNS, nodes);
  const nothing = isDaily ? 'No node activity detected during this daily analysis period' : 'No node data available for this time period';
  return [['=== NODE SUMMARY ==='], [nothing], ...BLANK];
}

function experimentSection(details: ExactValue | undefined): string[][] {
  const experiments = listOf(at(details, 'experiments'));
  const more = Number(at(details, 'total_experiments') ?? 0) - experiments.length;
  const rows = section('=== EXPERIMENT DETAILS ===', EXPERIMENT_COLUMNS, experiments);
  return more <= 0 ? rows : rows.toSpliced(-1, 0, [`... and ${more} more experiments`]);
}

const SERIES_COLUMNS = {
  'Period Number': 'period_number',
  'Period Type': 'period_type',
  'Period Display': 'period_display',
  Date: 'date',
  'Start Time': 'start_time',
  'Utilization (%)': 'utilization',
  Experiments: 'experiments',
  'Runtime (hours)': 'runtime_hours',
};
const NODE_COLUMNS = {
  'Node ID': 'node_id',
  'Node Name': 'node_name',
  'Display Name': 'display_name',
  'Average Utilization (%)': 'average_utilization',
  'Peak Utilization (%)': 'peak_utilization',
  'Peak Period': 'peak_period',
  'Total Busy (hours)': 'total_busy_hours',
};
const WORKCELL_COLUMNS = {
  'Workcell ID': 'workcell_id',
  'Workcell Name': 'workcell_name',
  'Display Name': 'display_name',
  'Average Utilization (%)': 'average_utilization',
  'Peak Utilization (%)': 'peak_utilization',
  'Peak Period': 'peak_period',
  'Total Experiments': 'total_experiments',
  'Total Runtime (hours)': 'total_runtime_hours',
  'Total Active Time (hours)': 'total_active_time_hours',
};
const TOP_USER_COLUMNS = {
  Author: 'author',
  'Total Workflows': 'total_workflows',
  'Total Runtime (hours)': 'total_runtime_hours',
  'Completion Rate (%)': 'completion_rate_percent',
  'Average Workflow Duration (hours)': 'average_workflow_duration_hours',
};
const EXPERIMENT_COLUMNS = {
  'Experiment ID': 'experiment_id',
  'Experiment Name': 'experiment_name',
  'Start Time': 'start_time',
  'End Time': 'end_time',
  Status: 'status',
  'Duration (hours)': 'duration_hours',
  'Duration Display': 'duration_display',
};
