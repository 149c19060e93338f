/** The types of MADSci's events (M28), in its order, and what each reports. Others are refused unless a site opts in. */
export const EVENT_TYPES = {
  unknown: 'nothing more is known',
  log: 'a line of a log, of no stated level',
  log_debug: 'a line of a log, level debug',
  log_info: 'a line of a log, level info',
  log_warning: 'a line of a log, level warning',
  log_error: 'a line of a log, level error',
  log_critical: 'a line of a log, level critical',
  test: 'a test of the event path',
  lab_create: 'a lab was set up',
  lab_start: 'a lab began to operate',
  lab_stop: 'a lab ceased to operate',
  node_create: 'a node joined',
  node_start: 'a node came up',
  node_stop: 'a node went down',
  node_config_update: 'the configuration of a node changed',
  node_status_update: 'the status of a node changed',
  node_error: 'a node reports an error',
  workcell_create: 'a workcell was set up',
  workcell_start: 'a workcell came up',
  workcell_stop: 'a workcell went down',
  workcell_config_update: 'the configuration of a workcell changed',
  workcell_status_update: 'the status of a workcell changed',
  workflow_create: 'a workflow was queued',
  workflow_start: 'a workflow began to run',
  workflow_complete: 'a workflow ran to its end',
  workflow_abort: 'a workflow was given up',
  experiment_create: 'an experiment was set up',
  experiment_start: 'an experiment began',
  experiment_complete: 'an experiment reached its end',
  experiment_failed: 'an experiment ended by a failure',
  experiment_cancelled: 'an experiment was called off',
  experiment_pause: 'an experiment was suspended',
  experiment_continued: 'a suspended experiment went on',
  campaign_create: 'a campaign was set up',
  campaign_start: 'a campaign began',
  campaign_complete: 'a campaign reached its end',
  campaign_abort: 'a campaign was given up',
  action_status_change: 'the status of an action changed (older clients, for all changes)',
  resource_create: 'a resource was added',
  resource_update: 'a resource changed',
  resource_delete: 'a resource was removed',
  resource_allocate: 'a resource was reserved',
  resource_release: 'a reserved resource became free',
  location_create: 'a location was added',
  location_update: 'a location changed',
  location_delete: 'a location was removed',
  attachment_create: 'a resource was placed at a location',
  attachment_delete: 'a resource was taken from a location',
  data_store: 'data was written',
  data_query: 'data was read',
  data_export: 'data was handed out as a file',
  manager_start: 'a manager came up',
  manager_stop: 'a manager went down',
  manager_error: 'a manager reports an error',
  manager_health_check: 'the health of a manager was looked at',
  workflow_step_start: 'a step of a workflow began',
  workflow_step_complete: 'a step of a workflow reached its end',
  workflow_step_failed: 'a step of a workflow ended by a failure',
  action_start: 'an action began',
  action_complete: 'an action reached its end',
  action_failed: 'an action ended by a failure',
  backup_create: 'a backup was made',
  backup_restore: 'a backup was put back',
} as const satisfies Record<string, string>;

export type EventType = keyof typeof EVENT_TYPES;

const NAMES: readonly string[] = Object.keys(EVENT_TYPES);
const NAME_SET: ReadonlySet<string> = new Set(NAMES);

/** The types as pydantic lists them in its message. */
export const EXPECTED_EVENT_TYPES = `${NAMES.slice(0, -1)
  .map((name) => `'${name}'`)
  .join(', ')} or '${NAMES.at(-1)}'`;

export function isEventType(name: string): name is EventType {
  return NAME_SET.has(name);
}
