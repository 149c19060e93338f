import { z } from 'zod';

const Owner = z.string().optional();

/** A stored event as handlers get it: the object that GET /event/{id} answers. */
export const LabEvent = z
  .looseObject({
    _id: z.string(),
    event_type: z.string(),
    log_level: z.number(),
    alert: z.boolean(),
    event_timestamp: z.string(),
    source: z.looseObject({
      user_id: Owner,
      experiment_id: Owner,
      campaign_id: Owner,
      project_id: Owner,
      node_id: Owner,
      workcell_id: Owner,
      lab_id: Owner,
      step_id: Owner,
      workflow_id: Owner,
      manager_id: Owner,
    }),
    event_data: z.unknown(),
    trace_id: z.string().nullable(),
    span_id: z.string().nullable(),
    archived: z.boolean(),
    archived_at: z.string().nullable(),
    tags: z.array(z.string()).optional(),
  })
  .meta({ title: 'LabEvent', description: 'A stored event.' });

/** The same for handler authors. */
export const LAB_EVENT_TYPINGS = `interface LabEvent {
  _id: string;
  event_type: string;
  /** 0, 10, 20, 30, 40 or 50. */
  log_level: number;
  alert: boolean;
  /** As it was sent: compare as text, or read it with new Date(). */
  event_timestamp: string;
  source: {
    user_id?: string;
    experiment_id?: string;
    campaign_id?: string;
    project_id?: string;
    node_id?: string;
    workcell_id?: string;
    lab_id?: string;
    step_id?: string;
    workflow_id?: string;
    manager_id?: string;
  };
  /** Any JSON value; integers beyond 2^53 are of type bigint. */
  event_data: any;
  trace_id: string | null;
  span_id: string | null;
  archived: boolean;
  archived_at: string | null;
  tags?: string[];
}
`;
