"""A fault test's result and what it counted in, a row of `build/faults.md` out; and the latency that a consumer saw.

A plugin of pytest that `make faults` loads; facts that the verifier does not know come from `record_property`.
"""

from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from stream.topics import CLASSIFICATIONS, DEAD_LETTERS, INBOUND_EMAILS
from tests import counting
from tests.counting import Count
from tests.kafka_tools import read_all

REPORT = Path(__file__).parents[3] / "build" / "faults.md"
HEAD = (
    "| scenario | result | records | lost | duplicated | out of order | other faults | letters | what happened | s |",
    "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- | ---: |",
)
OWN_COLUMN = ("lost", "duplicated", "out_of_order")


def row(test: str, outcome: str, seconds: float, counts: Sequence[Count], facts: Mapping) -> str:
    """One line of the table; of several counts the last is the one that counts, for it holds what the others did."""
    happened = ", ".join(f"{name} {value}" for name, value in facts.items())
    if not counts:
        return f"| {test} | {outcome} | | | | | | | {happened} | {seconds:.0f} |"
    counted = counts[-1]
    faults = counted.verdict.faults()
    own = [faults[name].count for name in OWN_COLUMN]
    others = sum(found.count for name, found in faults.items() if name not in OWN_COLUMN)
    figures = " | ".join(str(value) for value in (counted.inputs, *own, others, counted.letters))
    return f"| {test} | {outcome} | {figures} | {happened} | {seconds:.0f} |"


def pytest_runtest_setup() -> None:
    counting.COUNTED.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Append a row for each test that ran."""
    found = yield
    if found.when == "call":
        test = found.nodeid.rpartition("::")[2].removeprefix("test_").replace("_", " ")
        facts = dict(found.user_properties)
        lines = [] if REPORT.exists() else [*HEAD]
        lines.append(row(test, found.outcome, found.duration, counting.COUNTED, facts))
        REPORT.parent.mkdir(exist_ok=True)
        with REPORT.open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
    return found


async def letters_by_type(kafka: str, prefix: str) -> str:
    """Why there are dead letters, with how many of each."""
    letters = await read_all(kafka, f"{prefix}{DEAD_LETTERS}")
    types = Counter(dict(letter.headers)["error-type"].decode() for letter in letters)
    return " ".join(f"{name}×{count}" for name, count in types.items()) or "none"


async def p99_s(kafka: str, prefix: str) -> float:
    """From the broker's time of a live mail to its time of the classification, 99th percentile."""
    sent = {
        f"{record.topic}/{record.partition}/{record.offset}": record.timestamp
        for record in await read_all(kafka, f"{prefix}{INBOUND_EMAILS}", timeout_s=120)
    }
    taken_ms = [
        record.timestamp - sent[dict(record.headers)["output-id"].decode()]
        for record in await read_all(kafka, f"{prefix}{CLASSIFICATIONS}", timeout_s=120)
    ]
    return round(float(np.percentile(taken_ms, 99)) / 1000, 2)
