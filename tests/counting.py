"""What went into the e-mail topics against what came out: lost, duplicated, out of order, counted by `output-id`."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from aiokafka import ConsumerRecord

from stream.topics import (
    CLASSIFICATIONS,
    CLEANED_EMAILS,
    DEAD_LETTERS,
    INBOUND_EMAILS,
    INBOUND_EMAILS_BULK,
)
from tests.kafka_tools import read_all


class Seen(NamedTuple):
    """One output: which topic and partition it lies in, in the order of its offset there, and its cause."""

    topic: str
    partition: int
    output_id: str


@dataclass(frozen=True)
class Count:
    """Each list names input records as `topic/partition/offset`; all empty: exactly once and in order."""

    inputs: int
    answers: int
    letters: int
    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    out_of_order: list[str] = field(default_factory=list)
    without_cause: list[str] = field(default_factory=list)
    without_text: list[str] = field(default_factory=list)

    def must_be_exactly_once(self) -> None:
        """Fail with what is wrong, a few names of each."""
        wrong = {
            name: (len(found), found[:5])
            for name in ("lost", "duplicated", "out_of_order", "without_cause", "without_text")
            if (found := getattr(self, name))
        }
        assert not wrong, (
            f"{wrong} of {self.inputs} inputs; {self.answers} answers, {self.letters} letters"
        )
        assert self.answers + self.letters == self.inputs


def compare(inputs: Iterable[str], outputs: Sequence[Seen], texts: Sequence[Seen]) -> Count:
    """Compare causes with effects.

    Args:
        inputs: every input record as `topic/partition/offset`.
        outputs: records of `classifications` and `dead-letters`, by partition and offset.
        texts: records of `cleaned-emails`, of which each classification has one.
    """
    wanted = set(inputs)
    times = Counter(output.output_id for output in outputs)
    answered = Counter(output.output_id for output in outputs if CLASSIFICATIONS in output.topic)
    written = Counter(text.output_id for text in texts)
    return Count(
        inputs=len(wanted),
        answers=answered.total(),
        letters=times.total() - answered.total(),
        lost=sorted(wanted - times.keys()),
        duplicated=sorted(cause for cause, count in times.items() if count > 1),
        out_of_order=_out_of_order([*outputs, *texts]),
        without_cause=sorted(times.keys() - wanted),
        without_text=sorted(
            cause for cause in answered | written if answered[cause] != written[cause]
        ),
    )


def _out_of_order(outputs: Sequence[Seen]) -> list[str]:
    """Outputs that lie behind one of a later record of the same input partition, in the same output partition."""
    last: dict[tuple[str, int, str], int] = defaultdict(lambda: -1)
    found: list[str] = []
    for output in outputs:
        source, offset = output.output_id.rsplit("/", 1)
        place = (output.topic, output.partition, source)
        if int(offset) < last[place]:
            found.append(output.output_id)
        last[place] = max(last[place], int(offset))
    return found


async def count(kafka: str, prefix: str) -> Count:
    """Read both e-mail topics and all outputs, committed records only, and compare."""
    names = (INBOUND_EMAILS, INBOUND_EMAILS_BULK, CLASSIFICATIONS, DEAD_LETTERS, CLEANED_EMAILS)
    live, bulk, answers, letters, texts = await asyncio.gather(
        *(read_all(kafka, f"{prefix}{name}") for name in names)
    )
    return compare(
        [f"{record.topic}/{record.partition}/{record.offset}" for record in (*live, *bulk)],
        [seen(record) for record in (*answers, *letters)],
        [seen(record) for record in texts],
    )


async def outputs_so_far(kafka: str, prefix: str) -> int:
    """Committed answers and letters."""
    found = await asyncio.gather(
        *(read_all(kafka, f"{prefix}{name}") for name in (CLASSIFICATIONS, DEAD_LETTERS))
    )
    return sum(map(len, found))


async def all_answered(kafka: str, prefix: str, inputs: int, *, timeout_s: float = 30) -> Count:
    """Wait until at least as many outputs as inputs are committed, then compare."""
    try:
        async with asyncio.timeout(timeout_s):
            while await outputs_so_far(kafka, prefix) < inputs:
                await asyncio.sleep(0.3)
    except TimeoutError:
        raise AssertionError(
            f"not all answered after {timeout_s} s: {await count(kafka, prefix)}"
        ) from None
    return await count(kafka, prefix)


def seen(record: ConsumerRecord) -> Seen:
    return Seen(record.topic, record.partition, dict(record.headers)["output-id"].decode())
