"""Raises alerts with the real MADSci client: log_alerts.py URL. Prints how many calls it made, of which each is one alert."""

import logging
import sys
import threading

from madsci.client.event_client import EventClient
from madsci.common.types.event_types import Event, EventClientConfig, EventType

NODE = "01JNGVBW5S8E0T8ZR9HX5Y4M01"

logging.getLogger("httpx").setLevel(logging.WARNING)
config = EventClientConfig(name="alerts", event_server_url=sys.argv[1], log_dir="logs", fail_on_error=True)
client = EventClient(config=config)
bound = client.bind(workcell="wc-1")
calls = [
    *[lambda: client.log_alert("the pump does not turn")] * 3,
    lambda: client.alert("the pump does not turn", torque=4.25, ns=1591844539983333333),
    lambda: client.log_alert("Größe \u2028 falsch", nested={"a": [1.0, None]}),
    lambda: bound.log_alert("the pump does not turn"),
    lambda: client.log_alert(Event(event_type=EventType.NODE_ERROR, event_data={"message": "an event"})),
    lambda: client.error("no flag", run=1),
]
for call in calls:
    call()
for thread in threading.enumerate():
    if thread is not threading.main_thread() and not thread.daemon:
        thread.join(30)
print("calls", len(calls))
