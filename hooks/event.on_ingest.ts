import { defineHook } from '../src/core/hook.ts';
import { LAB_EVENT_TYPINGS, LabEvent } from '../src/core/hook-event.ts';

export const eventOnIngest = defineHook({
  name: 'event.on_ingest',
  fires: 'when an event is stored, also one that a handler emitted; an event whose id is taken already fires nothing',
  kind: 'event',
  payload: LabEvent,
  typings: `${LAB_EVENT_TYPINGS}type Payload = LabEvent;\n`,
  sample: `{
    "_id": "01JNGVBW5S8E0T8ZR9HX5Y4M2K",
    "event_type": "workflow_complete",
    "log_level": 20,
    "alert": false,
    "event_timestamp": "2025-03-04T05:06:07.250000Z",
    "source": { "node_id": "01JNGVAV3PFX1NVH6Z6TSAS7QX", "workcell_id": "01JNGV9Z2QK3M5N7P9R1T3V5W7" },
    "event_data": { "site": "building-4", "yield": 0.93 },
    "trace_id": null,
    "span_id": null,
    "archived": false,
    "archived_at": null,
    "tags": ["night-shift"]
  }`,
});
