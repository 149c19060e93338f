"""Reads settings as the original does, in each of the folders that standard input names; writes what it found, or that it failed, to a file.

Input: a JSON list of {"folder", "env", "args"}. Output: a JSON list of settings, or {"error": text}."""

import json
import os
import pathlib
import sys

cases = json.loads(pathlib.Path(sys.argv[1]).read_text())
target = pathlib.Path(sys.argv[2])
sys.argv = sys.argv[:1]

from madsci.common.types.event_types import EventManagerSettings  # noqa: E402

base = dict(os.environ)
found = []
for case in cases:
    os.chdir(case["folder"])
    os.environ.clear()
    os.environ.update({**base, **case["env"]})
    sys.argv = [sys.argv[0], *case["args"]]
    try:
        found.append(EventManagerSettings().model_dump(mode="json"))
    except Exception as error:
        found.append({"error": str(error)})
target.write_text(json.dumps(found))
