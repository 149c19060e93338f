import type { NormalisedEvent } from '../core/event.ts';
import type { ExactValue } from '../core/json.ts';
import { eventTags } from '../core/tags.ts';
import type { Cause, Submission } from '../ports/event-store.ts';
import type { NewExecution } from '../ports/queue.ts';
import { firingOf, type Planner } from './plan.ts';
import type { Subject } from './ready.ts';

/** An event with everything its commit writes, and what its executions need once it is written. */
export interface PlannedEvent {
  submission: Submission;
  subject: Subject;
}
/** Matches an event once and for all, and plans its executions. What was planned must be admitted or abandoned. */
export type EventPlanner = (event: NormalisedEvent, cause: Cause | null) => PlannedEvent;

const NO_TAGS: readonly string[] = [];

export function eventPlanner(options: { plan: Planner; alertLevel: number; now(): number }): EventPlanner {
  const { plan, alertLevel, now } = options;
  return (event, cause) => {
    const tags = (): readonly string[] => eventTags(event);
    const firing = firingOf({ subjectId: event.id, createdAt: now(), json: event.json, tags, head: () => headOf(event) });
    const isAlert = event.alert || event.level >= alertLevel;
    const ingested = plan.plan('event.on_ingest', firing);
    const executions: NewExecution[] = isAlert ? ingested.concat(plan.plan('event.on_alert', firing)) : ingested;
    const { id, type, level, alert, archived, timestamp, timestampUs, nodeId, json, defaulted } = event;
    return {
      submission: { event: { id, type, level, alert, archived, timestamp, timestampUs, nodeId, json, defaulted, cause }, executions },
      subject: {
        id,
        input: json,
        tags: executions.length === 0 ? NO_TAGS : firing.tags(),
        root: cause?.root ?? id,
        depth: cause?.depth ?? 0,
      },
    };
  };
}

/** The members of the stored text that filters ask for most, without parsing it. */
function headOf({ id, type, level, alert, timestamp }: NormalisedEvent): ExactValue {
  return { _id: id, event_type: type, log_level: level, alert, event_timestamp: timestamp };
}
