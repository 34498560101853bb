"""`kill -9` again and again, at any moment of a worker's life: each record has its one output, each call its state."""

import asyncio
import math
import random
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from stream.kafka.admin import prepare_topics
from stream.topics import INBOUND_EMAILS
from tests.counting import all_answered
from tests.integration.faults.form import is_long
from tests.integration.faults.load import CALLS, under_calls
from tests.integration.faults.report import letters_by_type, p99_s
from tests.walking import Events, settings_for, traffic
from tests.worker_process import WorkerProcess

Workers = Callable[..., WorkerProcess]


@dataclass(frozen=True)
class Loop:
    """How long, how many, how often."""

    records: int
    rate_per_s: float
    least_gap_s: float
    most_gap_s: float
    most_kills: int
    timeout_s: int


# Four deaths of one record are not enough to suspect it: the short form has no dead letters.
SHORT = Loop(2400, 200, 0.05, 0.5, 4, 150)
LONG = Loop(100_000, 300, 0.1, 30.0, 1000, 1200)
LOOP = LONG if is_long() else SHORT
CREWS = [(2, True), (2, False), (4, True), (3, False)] if is_long() else [(2, True), (2, False)]


@pytest.mark.timeout(LOOP.timeout_s)
@pytest.mark.parametrize(
    ("crew", "has_slots"),
    CREWS,
    ids=[f"{crew}-{'slots' if has_slots else 'dynamic'}" for crew, has_slots in CREWS],
)
async def test_workers_killed_at_random_moments_under_load(
    kafka: str,
    prefix: str,
    workers: Workers,
    crew: int,
    has_slots: bool,
    record_property: Callable[[str, object], None],
) -> None:
    await prepare_topics(settings_for(kafka, prefix), Events())
    team = [
        workers(record_s=0.002, **({"worker_slot": slot} if has_slots else {}))
        for slot in range(crew)
    ]
    for worker in team:
        await worker.logged("partitions_assigned", timeout_s=60)
    numbers = range(LOOP.records)
    async with under_calls(kafka, prefix) as talk:
        sending = asyncio.ensure_future(
            traffic(kafka, f"{prefix}{INBOUND_EMAILS}", numbers, LOOP.rate_per_s)
        )
        kills = await kill_until(sending, team, random.Random(crew))
    inputs = LOOP.records + CALLS * talk.fragments
    counted = await all_answered(kafka, prefix, inputs, timeout_s=LOOP.timeout_s / 3)
    for worker in team:
        assert await worker.stop() == 0, worker.tail()
    record_property("workers", crew)
    record_property("kills", kills)
    record_property("rebalances", generations(team))
    record_property("letters", await letters_by_type(kafka, prefix))
    record_property("p99 s", await p99_s(kafka, prefix))
    counted.must_be_exactly_once()
    assert kills >= SHORT.most_kills
    assert is_long() or not counted.letters, "a kill from outside is no record's fault"


async def kill_until(
    sending: asyncio.Future[None], team: list[WorkerProcess], rng: random.Random
) -> int:
    """Kill one after the other while records are sent, then see all of them serve; returns the kills."""
    kills = 0
    served: dict[WorkerProcess, int] = {}
    # of short gaps as many as of long ones
    spread = math.log(LOOP.most_gap_s / LOOP.least_gap_s)
    while kills < LOOP.most_kills and (LOOP is SHORT or not sending.done()):
        victim = rng.choice(team)
        if kills % 4 != 3:  # else wherever it is: starting, joining, restoring
            await serving(victim, sending)
        gap_s = LOOP.least_gap_s * math.exp(rng.uniform(0, spread))
        await asyncio.wait({sending}, timeout=gap_s)
        victim.kill()
        served[victim] = len(victim.events("partitions_assigned"))
        victim.start()
        kills += 1
    await sending
    for worker, before in served.items():
        await worker.logged("partitions_assigned", before + 1, timeout_s=60)
    return kills


async def serving(worker: WorkerProcess, sending: asyncio.Future[None]) -> None:
    """Wait until it commits, or until there is nothing more to send and so perhaps to commit."""
    committed = len(worker.events("window_committed"))
    commits = asyncio.ensure_future(worker.logged("window_committed", committed + 1))
    await asyncio.wait({commits, sending}, return_when=asyncio.FIRST_COMPLETED)
    if commits.done():
        commits.result()
    commits.cancel()


def generations(team: list[WorkerProcess]) -> int:
    """The group's last generation: one more than its rebalances."""
    return max(
        event["generation"] for worker in team for event in worker.events("partitions_assigned")
    )
