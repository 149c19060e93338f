"""What MADSci's backup tool says about a folder of backups, and what its client's two calls answer.

    backup_tool.py URL MONGO_URL DATABASE FOLDER

Prints a JSON object: what create_backup and get_backup_status returned, and path, size, validity and BSON checksum of each backup that the tool lists."""

import json
import sys

from madsci.client.event_client import EventClient
from madsci.common.backup_tools import DocumentDBBackupTool
from madsci.common.types.backup_types import DocumentDBBackupSettings


def main(url, mongo_url, database, folder):
    client = EventClient(name="interop-backup", event_server_url=url, log_dir="logs")
    created = client.create_backup()
    status = client.get_backup_status()
    client.close()
    settings = DocumentDBBackupSettings(document_db_url=mongo_url, database=database, backup_dir=folder)
    tool = DocumentDBBackupTool(settings=settings, logger=EventClient(name="interop-tool", log_dir="logs", log_level="CRITICAL"))
    listed = [
        {
            "path": str(info.backup_path),
            "size": info.backup_size,
            "is_valid": info.is_valid,
            "complete": tool._verify_backup_completion(info.backup_path),
        }
        for info in tool.list_available_backups()
    ]
    print("RESULT " + json.dumps({"created": created, "status": status, "listed": listed}))


if __name__ == "__main__":
    main(*sys.argv[1:])
