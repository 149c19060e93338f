"""Writes the OpenAPI document of the original Event Manager to the file that is named."""

import json
import pathlib
import sys

from madsci.common.db_handlers import InMemoryDocumentStorageHandler
from madsci.event_manager.event_server import EventManager

target = pathlib.Path(sys.argv[1])
sys.argv = sys.argv[:1]  # its settings read the command line too
manager = EventManager(document_handler=InMemoryDocumentStorageHandler())
target.write_text(json.dumps(manager.create_server().openapi()))
