"""Logs events with the real MADSci client and writes down what went over the wire.

    log_events.py URL COUNT FILE

FILE gets one JSON object a line: {"sent": text of the request, "status": n, "answer": text of the reply}."""

import json
import logging
import sys
import threading
import warnings

from madsci.client.event_client import EventClient
from madsci.common.types.auth_types import OwnershipInfo
from madsci.common.types.event_types import Event, EventClientConfig, EventLogLevel, EventType

THREADS = 16  # the client sends each event from a thread of its own
TYPES, LEVELS = list(EventType), list(EventLogLevel)

NODES = [f"01JNGVBW5S8E0T8ZR9HX5Y4M{n:02d}" for n in range(5)]
OTHER = "01JNGVBW5S8E0T8ZR9HX5Y4N00"
SOURCES = [
    OwnershipInfo(),
    *(OwnershipInfo(node_id=node) for node in NODES),
    OwnershipInfo(workcell_id=OTHER, workflow_id=OTHER.lower(), step_id=OTHER, node_id=NODES[0]),
    OwnershipInfo(
        user_id=OTHER, experiment_id=OTHER, campaign_id=OTHER, project_id=OTHER, node_id=NODES[1],
        workcell_id=OTHER, lab_id=OTHER, step_id=OTHER, workflow_id=OTHER, manager_id=OTHER,
    ),
]  # fmt: skip
DATA = [
    {},
    {"torque": 4.25, "limit": 4.0, "small": 1e-07, "large": 1e16, "negative zero": -0.0},
    {"ns": 1591844539983333333, "max": 2**63 - 1, "min": -(2**63), "beyond 2^53": 9007199254740993},
    {"nested": {"list": [1, 2.0, None, True, {"deep": [[[]]]}], "empty": {}}},
    {"text": 'Grüße 🧪 "quoted" \\ back\nline\ttab \u2028 end', "schlüssel": "ja", "": "no name", "a.b": 1, "$c": 2, "__proto__": 3},
    {"site": "sgp", "long": "x" * 5_000},
    ["a", "list", 1],
    "only a text",
    17,
    None,
]


def data_of(index):
    data = DATA[index % len(DATA)]
    return {**data, "run": index, "refuse": index % 9 == 0} if isinstance(data, dict) else data


def event_of(index):
    """Types and levels turn at speeds without a common factor, so that all pairs come up."""
    return Event(
        event_type=TYPES[index % len(TYPES)],
        log_level=LEVELS[(index // len(TYPES)) % len(LEVELS)],
        alert=index % 31 == 0,
        source=SOURCES[index % len(SOURCES)],
        event_data=data_of(index),
        trace_id=f"{index:032x}" if index % 4 == 0 else None,
        span_id=f"{index:016x}" if index % 4 == 0 else None,
    )


def fail(client, message, **more):
    try:
        raise ValueError(message)
    except ValueError:
        client.exception(message, **more)


def fail_bare(client, message):
    try:
        raise KeyError(message)
    except KeyError as error:
        client.log(error)


def ways(client):
    """Every way to log something. Each call makes one event, those with 2 make two of them (M56)."""
    bound = client.bind(workcell="wc-1", shift={"name": "night", "hours": [22, 6]})
    narrow = bound.bind(step=3).unbind("shift")
    return [
        (1, lambda i: client.log(event_of(i))),
        (1, lambda i: client.log(event_of(i), level=LEVELS[i % len(LEVELS)])),
        (1, lambda i: client.log(event_of(i).model_dump(mode="json"))),
        (1, lambda i: client.log(event_of(i).model_dump_json())),
        (1, lambda i: client.log_alert(event_of(i))),
        (1, lambda i: client.log_debug(event_of(i))),
        (1, lambda i: client.log_error(event_of(i))),
        (1, lambda i: client.log_critical(event_of(i))),
        (1, lambda i: client.log(f"a text, number {i}")),
        (1, lambda i: client.log({"event_type": "node_error", "log_level": 40, "event_data": {"run": i}})),
        (1, lambda i: client.log({"any": "dict", "run": i})),
        (1, lambda i: client.log(["a", "list", i], level=logging.WARNING)),
        (1, lambda i: fail_bare(client, f"bare {i}")),
        (1, lambda i: client.debug("debug", run=i)),
        (1, lambda i: client.info("info", run=i, at={"x": 1.5})),
        (1, lambda i: client.warning("warning", run=i, kind=ValueError)),
        (1, lambda i: client.error("error", run=i, refuse=i % 3 == 0)),
        (1, lambda i: client.critical("critical", run=i)),
        (1, lambda i: fail(client, "exception", run=i)),
        (1, lambda i: client.info("type as data", event_type=EventType.NODE_START, run=i)),
        (1, lambda i: client.log_debug("alias", run=i)),
        (1, lambda i: client.log_info("alias", run=i)),
        (1, lambda i: client.log_warning("alias", run=i)),
        (1, lambda i: client.warn("alias", run=i)),
        (1, lambda i: client.log_error("alias", run=i)),
        (1, lambda i: client.log_critical("alias", run=i)),
        (2, lambda i: client.log_alert("alert", run=i)),
        (2, lambda i: client.alert("alert", run=i)),
        (1, lambda i: bound.error("bound", run=i)),
        (1, lambda i: narrow.error("bound twice, one taken off", run=i)),
        (1, lambda i: narrow.log(event_of(i))),
    ]


def wait_for_threads(most):
    for thread in threading.enumerate():
        if threading.active_count() <= most:
            return
        if thread is not threading.main_thread():
            thread.join()


def main(url, count, path):
    logging.getLogger().setLevel(logging.NOTSET)  # else events of level 0 stay in the client
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("httpcore").setLevel(logging.WARNING)
    warnings.simplefilter("ignore")
    config = EventClientConfig(
        name="interop", event_server_url=url, log_level=EventLogLevel.NOTSET, log_dir="logs", fail_on_error=True, source=OwnershipInfo(node_id=NODES[2])
    )
    client = EventClient(config=config)
    exchanges = []

    def record(response):
        response.read()
        if response.request.method == "POST":
            exchanges.append({"sent": response.request.content.decode(), "status": response.status_code, "answer": response.text})

    client.session.event_hooks = {"request": [], "response": [record]}

    calls = ways(client)
    made = index = turn = 0
    pairs = len(TYPES) * len(LEVELS)
    while made < count:
        # First every type with every level, then every way in turn.
        events, call = calls[0] if index < pairs else calls[turn % len(calls)]
        if made + events > count:
            events, call = calls[0]
        call(index)
        made += events
        index += 1
        turn += index > pairs
        wait_for_threads(THREADS)
    wait_for_threads(1)

    with open(path, "w", encoding="utf-8") as file:
        for exchange in exchanges:
            file.write(json.dumps(exchange) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
