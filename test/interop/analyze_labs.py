"""Runs MADSci's own analyzers over labs in a MongoDB, and prints what they answer.

    python analyze_labs.py LABS_FILE

LABS_FILE: JSON {"url", "database", "labs": [{"collection", "events": [JSON text], "requests": [...]}]}.
Prints a line of JSON for each request: {"report": JSON text, "csv": text or null}."""

import json
import sys
from datetime import datetime

from madsci.event_manager import events_csv_exporter, utilization_analyzer
from madsci.event_manager.events_csv_exporter import CSVExporter
from madsci.event_manager.time_series_analyzer import TimeSeriesAnalyzer
from madsci.event_manager.utilization_analyzer import UtilizationAnalyzer
from pymongo import MongoClient


class Quiet:
    """The analyzer gives its logger arguments that it does not take (M49): what it means to answer then is seen with one that does."""

    def __getattr__(self, _name):
        return lambda *_args, **_kwargs: None


utilization_analyzer.logger = Quiet()
events_csv_exporter.get_event_client = lambda: Quiet()  # it would log into a server


def time_of(text):
    return None if text is None else datetime.fromisoformat(text.replace("Z", "+00:00"))


def answer(analyzer, request):
    start, end = request["startTime"], request["endTime"]
    if request["kind"] == "sessions":
        report = analyzer.generate_session_based_report(time_of(start), time_of(end))
        return report, None if "error" in report else CSVExporter.export_utilization_report_to_csv(report)
    if request["kind"] == "users":
        report = analyzer.generate_user_utilization_report(time_of(start), time_of(end))
        return report, None if "error" in report else CSVExporter.export_user_utilization_to_csv(report, detailed=True)
    series = TimeSeriesAnalyzer(analyzer)
    report = series.generate_utilization_report_with_times(start, end, request["analysisType"], request["timeZone"])
    if "error" in report:
        return report, None
    if request["includeUsers"]:
        report = series.add_user_utilization_to_report(report)  # its server drops what this returns (M49)
    return report, CSVExporter.export_utilization_periods_to_csv(report)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        job = json.load(file)
    database = MongoClient(job["url"])[job["database"]]
    for lab in job["labs"]:
        collection = database[lab["collection"]]
        collection.create_index("event_timestamp")
        collection.insert_many([json.loads(text) for text in lab["events"]])
        analyzer = UtilizationAnalyzer(collection)
        for request in lab["requests"]:
            report, table = answer(analyzer, request)
            print(json.dumps({"report": json.dumps(report, separators=(",", ":")), "csv": table}))


main()
