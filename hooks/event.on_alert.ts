import { defineHook } from '../src/core/hook.ts';
import { LAB_EVENT_TYPINGS, LabEvent } from '../src/core/hook-event.ts';

export const eventOnAlert = defineHook({
  name: 'event.on_alert',
  fires: 'when an event is stored that has the alert flag, or whose log_level is at least the setting alert_level (40, error)',
  kind: 'event',
  payload: LabEvent,
  typings: `${LAB_EVENT_TYPINGS}type Payload = LabEvent;\n`,
  sample: `{
    "_id": "01JNGVCK2TQ9W4S6Y8A1C3E5G7",
    "event_type": "node_error",
    "log_level": 40,
    "alert": true,
    "event_timestamp": "2025-03-04T05:07:11Z",
    "source": { "node_id": "01JNGVAV3PFX1NVH6Z6TSAS7QX" },
    "event_data": { "message": "gripper stalled", "torque": 4.1 },
    "trace_id": null,
    "span_id": null,
    "archived": false,
    "archived_at": null
  }`,
});
