"""The first stage of the walk: which partitions a window carries beside its records."""

import asyncio
import contextlib
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.structs import ConsumerRecord, OffsetAndMetadata, TopicPartition

from stream import pipeline
from stream.handoff import Handoff
from stream.kafka.admin import TopicState
from stream.kafka.attempts import Attempts, Marks
from stream.kafka.group import Assignment
from stream.metrics import Metrics
from stream.pipeline import Walk
from stream.settings import Settings
from stream.topics import TOPICS
from stream.window import Window
from tests.walking import Events

DEADLY, QUIET = (TopicPartition("call-transcripts", number) for number in range(2))


class Group:
    """One record of a partition that ended the worker twice; a call of another one is due."""

    def __init__(self) -> None:
        self.marks = Marks()
        died = Attempts(attempt=2)
        self.marks.begin({DEADLY: OffsetAndMetadata(5, str(died)), QUIET: OffsetAndMetadata(7, "")})
        self.marks.clear([QUIET])  # it is far past what a death can come from
        self.records = [ConsumerRecord("call-transcripts", 0, 5, 0, 1, b"c", b"{}", None, 1, 2, ())]

    async def poll(self, *_: int) -> list[Any]:
        records, self.records = self.records, []
        return records

    def lag(self) -> dict[TopicPartition, int]:
        return {}

    def live_waiting(self) -> int:
        return 0

    def caught_up(self) -> dict[TopicPartition, int]:
        return {QUIET: 7}


@pytest.mark.timeout(5)
async def test_a_record_that_may_kill_the_worker_runs_without_calls_that_are_due_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    topics = {one.name: TopicState(one.name, 4, 1_000_000) for one in TOPICS}
    committed: list[Any] = []

    async def read(_: Any) -> tuple[float, float]:
        return 0.0, 0.0

    async def commit(_: Any, marks: Any, __: Any) -> None:
        committed.append(marks)

    engine: Any = SimpleNamespace(read=read, take_calls=lambda _: None)
    desk: Any = SimpleNamespace(due=dict)
    group = Group()
    monkeypatch.setattr(pipeline, "WorkerGroup", lambda *_: group)
    walk: Any = Walk(Settings(), engine, desk, topics, Metrics(), Events())
    walk._transactions.commit = commit
    to_compute: Handoff[Window] = Handoff()
    reading = asyncio.ensure_future(walk._read_windows(to_compute, Assignment(frozenset(), None)))
    alone = await to_compute.take()
    assert alone is not None
    assert set(alone.offsets) == {DEADLY}
    assert [set(marks) for marks in committed] == [{DEADLY}], "only what is suspect is marked"
    group.marks.passed(alone.offsets)
    walk.flight.land()
    behind = await to_compute.take()
    assert behind is not None
    assert set(behind.offsets) == {QUIET}
    walk.stop()
    reading.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await reading
