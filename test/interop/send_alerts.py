"""Sends the alert mails of events as the original does: send_alerts.py <file with {"config": …, "events": [text, …]}>."""

import json
import sys
from pathlib import Path

from madsci.common.types.event_types import EmailAlertsConfig, Event
from madsci.event_manager.notifications import EmailAlerts


class Quiet:
    """Stands in for the client that the server logs with: only failures are told."""

    def __getattr__(self, name):
        def log(*parts, **more):
            if name in ("error", "warning"):
                print(name, parts, more)

        return log


task = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
alerts = EmailAlerts(EmailAlertsConfig.model_validate(task["config"]), Quiet())
for text in task["events"]:
    alerts.send_email_alerts(Event.model_validate_json(text))
