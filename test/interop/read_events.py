"""Reads and archives events with the real MADSci client.

    read_events.py URL QUESTIONS ANSWERS

QUESTIONS is a file with a JSON list of [method, arguments]; ANSWERS gets a list with what each call returned, or {"raised": text}."""

import asyncio
import json
import sys

from madsci.client.event_client import EventClient
from madsci.common.types.event_types import Event


def plain(value):
    if isinstance(value, Event):
        return {**value.model_dump(mode="json"), "log_level": int(value.log_level)}
    if isinstance(value, dict):
        return {key: plain(member) for key, member in value.items()}
    return value


def ask(client, method, arguments):
    try:
        result = getattr(client, method)(**arguments)
        return plain(asyncio.run(result) if asyncio.iscoroutine(result) else result)
    except Exception as error:
        return {"raised": f"{type(error).__name__}: {error}"}


def main(url, questions_path, answers_path):
    with open(questions_path, encoding="utf-8") as file:
        questions = json.load(file)
    answers = []
    for method, arguments in questions:
        client = EventClient(name="interop-reader", event_server_url=url, log_dir="logs")
        answers.append(ask(client, method, arguments))
        client.close()
    with open(answers_path, "w", encoding="utf-8") as file:
        json.dump(answers, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
