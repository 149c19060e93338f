"""Lets the original's rate limit judge requests at given times. Arguments: a JSON list of {"limits", "times"} in, a list of answers out."""

import json
import pathlib
import sys

from fastapi import FastAPI
from fastapi.testclient import TestClient
from madsci.common import middleware

clock = {"now": 0.0}
middleware.time = type("Clock", (), {"time": staticmethod(lambda: clock["now"])})


def play(limits, times):
    app = FastAPI()
    clock["now"] = times[0]
    app.add_middleware(middleware.RateLimitMiddleware, **limits, exempt_ips=set())
    app.get("/")(lambda: {})
    client = TestClient(app)
    for now in times:
        clock["now"] = now
        answer = client.get("/")
        told = {name: value for name, value in answer.headers.items() if name.startswith("x-ratelimit") or name == "retry-after"}
        yield {"status": answer.status_code, "headers": told, "text": answer.text if answer.status_code == 429 else ""}


cases = json.loads(pathlib.Path(sys.argv[1]).read_text())
pathlib.Path(sys.argv[2]).write_text(json.dumps([list(play(**case)) for case in cases]))
