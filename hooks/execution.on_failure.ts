import { z } from 'zod';
import { FAILURE_REASONS } from '../src/core/execution.ts';
import { defineHook } from '../src/core/hook.ts';

const Place = z.int().positive().nullable();

const FailureReport = z
  .looseObject({
    execution: z.looseObject({
      id: z.string(),
      hook: z.string(),
      event_id: z.string(),
      attempt: z.int().positive(),
      created_at: z.iso.datetime(),
      finished_at: z.iso.datetime(),
    }),
    error: z.looseObject({ reason: z.enum(FAILURE_REASONS), message: z.string(), line: Place, column: Place }),
    handler: z.looseObject({ id: z.int(), name: z.string(), version: z.int() }),
    event: z.unknown().meta({ description: 'The event or payload that the execution was for.' }),
  })
  .meta({ title: 'FailureReport', description: 'An execution that ended without success.' });

export const executionOnFailure = defineHook({
  name: 'execution.on_failure',
  fires: 'when an execution is dead: its attempts are used up, or trying again cannot help. Executions of this hook do not fire it',
  kind: 'engine',
  payload: FailureReport,
  typings: `interface FailureReport {
  execution: {
    id: string;
    hook: string;
    /** Id of the event or firing that the execution was for. */
    event_id: string;
    /** How many attempts were made. */
    attempt: number;
    /** ISO 8601, UTC. */
    created_at: string;
    finished_at: string;
  };
  error: {
    reason: 'thrown' | 'timeout' | 'memory' | 'output_too_large' | 'crashed_runner' | 'permission' | 'rejected' | 'load_failed' | 'expired' | 'lost';
    message: string;
    /** Place in the handler's source, counted from 1. */
    line: number | null;
    column: number | null;
  };
  handler: { id: number; name: string; version: number };
  /** The event or payload that the execution was for: of any shape, as that is up to the hook it came by. */
  event: any;
}
type Payload = FailureReport;
`,
  sample: `{
    "execution": {
      "id": "01JNGVBW5S8E0T8ZR9HX5Y4M2K.7",
      "hook": "event.on_ingest",
      "event_id": "01JNGVBW5S8E0T8ZR9HX5Y4M2K",
      "attempt": 3,
      "created_at": "2025-03-04T05:06:07.310Z",
      "finished_at": "2025-03-04T05:06:12.904Z"
    },
    "error": { "reason": "thrown", "message": "TypeError: event.event_data.torque is undefined", "line": 3, "column": 41 },
    "handler": { "id": 7, "name": "torque-check", "version": 2 },
    "event": { "_id": "01JNGVBW5S8E0T8ZR9HX5Y4M2K", "event_type": "node_error", "log_level": 40 }
  }`,
});
