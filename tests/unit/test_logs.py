import io
import logging
from datetime import datetime
from typing import Any

import orjson
import pytest

from stream.logs import by_event, configure_logs
from stream.settings import Settings

NAME = "Herr Mustermann"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in stream.getvalue().splitlines()]


def logger_to(stream: io.StringIO, **values: Any) -> Any:
    return configure_logs(Settings(**values), stream)


def test_an_event_is_one_json_object_a_line_with_its_facts_as_keys() -> None:
    stream = io.StringIO()
    log = logger_to(stream)
    log.info("window_committed", records=3, outputs=6)
    log.warning("odd", note="two\nlines")
    first, second = lines(stream)
    assert datetime.fromisoformat(first.pop("timestamp")).utcoffset() is not None
    assert first == {"event": "window_committed", "level": "info", "records": 3, "outputs": 6}
    assert second["note"] == "two\nlines"


def test_on_a_terminal_it_is_written_for_people_unless_json_is_asked_for() -> None:
    stream = Terminal()
    logger_to(stream).info("worker_started", group="g")
    assert "worker_started" in stream.getvalue()
    assert not stream.getvalue().startswith("{")
    stream = Terminal()
    logger_to(stream, log_format="json").info("worker_started")
    assert lines(stream)[0]["event"] == "worker_started"


def test_the_libraries_warnings_are_json_lines_too_and_their_chatter_is_not_written() -> None:
    stream = io.StringIO()
    logger_to(stream)
    logging.getLogger("aiokafka.conn").info("connected")
    logging.getLogger("aiokafka.conn").warning("Unable to connect to %s", "node 1")
    [line] = lines(stream)
    assert line["event"] == "Unable to connect to node 1"
    assert (line["level"], line["logger"]) == ("warning", "aiokafka.conn")
    assert "timestamp" in line


def test_a_flood_from_a_library_is_one_line() -> None:
    stream = io.StringIO()
    logger_to(stream)
    for number in range(1000):
        logging.getLogger("aiokafka.conn").error("Unable to connect to %s", number)
    assert 1 <= len(lines(stream)) <= 2


@pytest.mark.parametrize("terminal", [False, True])
def test_a_bug_is_logged_with_its_trace_and_without_the_values_of_its_variables(
    terminal: bool,
) -> None:
    stream = Terminal() if terminal else io.StringIO()
    log = logger_to(stream)

    def fails(body: str) -> None:
        text = body.upper()
        raise ZeroDivisionError(len(text))

    try:
        fails(NAME)
    except ZeroDivisionError as error:
        log.info("worker_failed", exc_info=error)
    written = stream.getvalue()
    assert "ZeroDivisionError" in written
    assert "test_logs.py" in written
    assert NAME.lower() not in written.lower()
    assert terminal or len(lines(stream)) == 1


def test_less_than_the_level_is_not_written() -> None:
    stream = io.StringIO()
    log = logger_to(stream, log_level="warning")
    log.info("quiet")
    log.error("loud")
    assert [line["event"] for line in lines(stream)] == ["loud"]


@pytest.mark.parametrize("fact", ["a lone surrogate \ud800", {1: 2}, {"set"}, b"bytes"])
def test_no_fact_can_break_the_log(fact: Any) -> None:
    stream = io.StringIO()
    logger_to(stream).info("odd", fact=fact)
    assert lines(stream)[0]["event"] == "odd"


def test_what_a_person_must_act_on_is_heard_where_only_warnings_are_kept() -> None:
    stream = io.StringIO()
    log = by_event(logger_to(stream, log_level="warning"))
    log("window_committed", records=3)
    log("model_not_loaded", tenant="acme")
    assert [(line["event"], line["level"]) for line in lines(stream)] == [
        ("model_not_loaded", "error")
    ]
