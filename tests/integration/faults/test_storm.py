"""Partitions that move all the time: workers come and go every few seconds, or are frozen and thawed."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack

import pytest

from stream.kafka.admin import prepare_topics
from stream.topics import INBOUND_EMAILS
from tests.counting import all_answered
from tests.integration.faults.form import is_long
from tests.walking import (
    Events,
    FakeBundle,
    FakeEncoder,
    Running,
    settings_for,
    traffic,
    until,
    walking,
)
from tests.worker_process import WorkerProcess

Workers = Callable[..., WorkerProcess]
RECORDS, ROUNDS = (60_000, 60) if is_long() else (2000, 2)
RATE_PER_S = 250
MOST_JOINING = 3


@pytest.mark.timeout(1200 if is_long() else 90)
async def test_one_worker_and_four_by_turns_under_load(
    kafka: str, prefix: str, record_property: Callable[[str, object], None]
) -> None:
    settings = settings_for(kafka, prefix)

    def joining() -> AbstractAsyncContextManager[Running]:
        return walking(settings, {"default": FakeBundle(FakeEncoder(0.002))})

    async with joining() as first:
        await until(lambda: first.walk.ready)
        sending = asyncio.ensure_future(
            traffic(kafka, f"{prefix}{INBOUND_EMAILS}", range(RECORDS), RATE_PER_S)
        )
        for turn in range(ROUNDS):
            async with AsyncExitStack() as stack:
                others = [await stack.enter_async_context(joining()) for _ in range(MOST_JOINING)]
                await asyncio.sleep(turn % 3)
                for other in others:
                    await until(lambda other=other: other.walk.ready)
        await sending
        counted = await all_answered(kafka, prefix, RECORDS, timeout_s=60)
        rebalances = first.events.count("partitions_assigned")
    record_property("rebalances", rebalances)
    assert rebalances >= 2 * ROUNDS, "it shared and took back in every round"
    counted.must_be_exactly_once()
    assert not counted.letters


@pytest.mark.timeout(90)
async def test_a_worker_frozen_past_its_session_and_thawed_commits_nothing_of_its_past(
    kafka: str, prefix: str, workers: Workers
) -> None:
    await prepare_topics(settings_for(kafka, prefix), Events())
    zombie, other = workers(record_s=0.004), workers(record_s=0.004)
    for worker in (zombie, other):
        await worker.logged("partitions_assigned")
    sending = asyncio.ensure_future(traffic(kafka, f"{prefix}{INBOUND_EMAILS}", range(3000), 300))
    await zombie.logged("window_committed", 3)
    taken_over = len(other.events("partitions_assigned")) + 1
    zombie.signal(signal.SIGSTOP)
    await other.logged("partitions_assigned", taken_over, timeout_s=30)
    committed = len(other.events("window_committed"))
    await other.logged("window_committed", committed + 3)
    back = len(zombie.events("partitions_assigned")) + 1
    zombie.signal(signal.SIGCONT)
    await zombie.logged("partitions_assigned", back)
    await sending
    counted = await all_answered(kafka, prefix, 3000, timeout_s=45)
    for worker in (zombie, other):
        assert await worker.stop() == 0, worker.tail()
    counted.must_be_exactly_once()
