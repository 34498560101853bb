"""Mail or calls at a steady rate for as long as a scenario takes, and what a worker's log says of the time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import pairwise
from typing import Any

from stream.kafka.admin import prepare_topics
from stream.topics import INBOUND_EMAILS
from tests.calling import Talk, begin, proven, talking
from tests.counting import all_answered
from tests.walking import Events, settings_for, traffic
from tests.worker_process import WorkerProcess

RATE_PER_S = 150
CALLS, FRAGMENTS_PER_S = 12, 60


@asynccontextmanager
async def under_load(kafka: str, prefix: str) -> AsyncIterator[None]:
    """Mail comes as long as the body takes; after it every record must be answered exactly once."""
    await prepare_topics(settings_for(kafka, prefix), Events())
    ends, sent = asyncio.Event(), 0

    async def send() -> None:
        nonlocal sent
        while not ends.is_set():
            numbers = range(sent, sent + RATE_PER_S)
            await traffic(kafka, f"{prefix}{INBOUND_EMAILS}", numbers, RATE_PER_S)
            sent = numbers.stop

    sending = asyncio.ensure_future(send())
    try:
        yield
        ends.set()
        await sending
        (await all_answered(kafka, prefix, sent, timeout_s=60)).must_be_exactly_once()
    finally:
        sending.cancel()


@asynccontextmanager
async def under_calls(kafka: str, prefix: str) -> AsyncIterator[Talk]:
    """Callers talk as long as the body takes; after it every fragment has its score, every state what was said."""
    settings = settings_for(kafka, prefix)
    await begin(settings)
    async with talking(settings, CALLS, FRAGMENTS_PER_S) as talk:
        yield talk
    counted = await proven(settings, wait_s=60)
    assert counted.states == CALLS


async def going_on(worker: WorkerProcess, windows: int = 3) -> None:
    """Wait until it has committed some more windows."""
    await worker.logged("window_committed", len(worker.events("window_committed")) + windows)


def when_s(event: dict[str, Any]) -> float:
    """When an event was logged, by the wall clock that all processes share."""
    return datetime.fromisoformat(event["timestamp"]).timestamp()


def longest_gap_s(*workers: WorkerProcess, since_s: float = 0) -> float:
    """The longest time between two committed windows, whoever committed them."""
    times = sorted(when_s(event) for one in workers for event in one.events("window_committed"))
    return max((after - before for before, after in pairwise(times) if after > since_s), default=0)
