/**
 * What a handler gets, for editors. Nothing of it is needed to register: types are removed then.
 * GET /hooks answers the payload of each hook as typings too.
 */
interface LabEvent {
  _id: string;
  event_type: string;
  /** 0, 10, 20, 30, 40 or 50. */
  log_level: number;
  alert: boolean;
  /** As it was sent. */
  event_timestamp: string;
  source: { node_id?: string; workcell_id?: string; workflow_id?: string; experiment_id?: string; [further: string]: string | undefined };
  /** Any JSON value; integers beyond 2^53 are of type bigint. */
  // biome-ignore lint/suspicious/noExplicitAny: whatever the sender wrote
  event_data: any;
  tags?: string[];
}

/** The payload of execution.on_failure. */
interface FailureReport {
  execution: { id: string; hook: string; event_id: string; attempt: number; created_at: string; finished_at: string };
  error: { reason: string; message: string; line: number | null; column: number | null };
  handler: { id: number; name: string; version: number };
  event: unknown;
}

type Attachment = { filename: string; content_type: string } & ({ content: string } | { base64: string });

interface ScheduledRun {
  /** The instant of the schedule that this run is for: ISO 8601, UTC. */
  scheduled_at: string;
  /** The one that ran before; null for the first, and for a run by hand. */
  previous_at: string | null;
  timezone: string;
  cron: string;
}

interface Context<Config = Record<string, unknown>> {
  handler: { id: number; name: string; version: number; config: Config };
  config: Config;
  hook: string;
  execution: { id: string; attempt: number; deadlineAt: number };
  tags: readonly string[];
  log: Record<'debug' | 'info' | 'warn' | 'error', (...parts: unknown[]) => void>;
  events: {
    get(id: string): Promise<LabEvent | null>;
    query(selector: object, options?: { limit?: number; sort?: object; projection?: object }): Promise<LabEvent[]>;
    count(selector: object): Promise<number>;
    emit(event: object): Promise<string>;
  };
  state: {
    // biome-ignore lint/suspicious/noExplicitAny: whatever was set
    get(key: string): Promise<any>;
    set(key: string, value: unknown): void;
    delete(key: string): void;
    increment(key: string, by?: number): void;
  };
  /** MADSci's reports, with the words of GET /utilization/sessions, /periods and /users; periods need both times. */
  utilization: Record<
    'sessions' | 'periods' | 'users',
    (options?: {
      start_time?: string;
      end_time?: string;
      analysis_type?: 'hourly' | 'daily' | 'weekly' | 'monthly';
      user_timezone?: string;
      include_users?: boolean;
      // biome-ignore lint/suspicious/noExplicitAny: the report as JSON
    }) => Promise<any>
  >;
  mail: { send(mail: { to: string | string[]; subject: string; text: string; html?: string; attachments?: Attachment[] }): Promise<void> };
  alerts: { raise(event: object, options?: { to?: string | string[]; importance?: 'High' | 'Normal' | 'Low' }): Promise<void> };
  sleep(ms: number): Promise<void>;
}
