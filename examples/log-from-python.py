"""Sends events with MADSci's own client (pip install madsci-client): only the address is new."""

import time

from madsci.client.event_client import EventClient
from madsci.common.types.event_types import Event, EventType

client = EventClient(name="example", event_server_url="http://127.0.0.1:8001")
client.info("arm is ready", joint=3)
client.error("gripper stalled", torque=4.1)  # level 40: fires event.on_alert
client.log(Event(event_type=EventType.WORKFLOW_COMPLETE, event_data={"yield": 0.93}))

time.sleep(1)  # the client sends from threads of its own
for event in client.get_events(number=3).values():
    print(event.event_timestamp, event.event_type.value, event.event_data)
