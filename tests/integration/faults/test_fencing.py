"""A worker pauses near the end of a transaction while another one takes its partitions over, and then goes on.

The case that gave 150 outputs for 100 records: fencing is two requests, not one (`stream.kafka.kip447`).
"""

import asyncio
import signal
from collections.abc import Callable

import pytest

from tests.integration.faults.load import going_on, under_calls, under_load
from tests.worker_process import WorkerProcess

Workers = Callable[..., WorkerProcess]
# Kafka aborts the paused one's transaction before the other one comes, or keeps it open for as long as all this takes
ABORTED_MS, OPEN_MS = 3_000, 120_000


@pytest.mark.timeout(150)
@pytest.mark.parametrize(
    ("place", "transaction_timeout_ms"),
    [
        # the case that gave 38 and 79 duplicates: its offsets come after the other one's, and must be refused
        ("before_offsets", OPEN_MS),
        ("before_end", ABORTED_MS),
        pytest.param("after_end", ABORTED_MS, marks=pytest.mark.long_form),
    ],
)
async def test_another_member_takes_the_partitions_over_and_commits_while_one_is_paused(
    kafka: str, prefix: str, workers: Workers, place: str, transaction_timeout_ms: int
) -> None:
    async with under_load(kafka, prefix):
        await taken_over_while_paused(workers, place, transaction_timeout_ms)


@pytest.mark.timeout(150)
@pytest.mark.parametrize(
    "place", [pytest.param("before_offsets", marks=pytest.mark.long_form), "before_end"]
)
async def test_calls_of_a_paused_worker_go_on_with_another_one_which_reads_none_of_its_last_states(
    kafka: str, prefix: str, workers: Workers, place: str
) -> None:
    """Their states cannot be read before Kafka has aborted its transaction, which hides all behind it."""
    async with under_calls(kafka, prefix):
        await taken_over_while_paused(workers, place, ABORTED_MS)


async def taken_over_while_paused(
    workers: Workers, place: str, transaction_timeout_ms: int
) -> None:
    paused = workers(pause=place, transaction_timeout_ms=transaction_timeout_ms)
    other = workers(transaction_timeout_ms=transaction_timeout_ms)
    await paused.logged("paused")
    taken_over = len(other.events("partitions_assigned")) + 1
    await other.logged("partitions_assigned", taken_over)
    await going_on(other)
    back = len(paused.events("partitions_assigned")) + 1
    paused.signal(signal.SIGCONT)
    await paused.logged("partitions_assigned", back)
    assert paused.events("transaction_lost"), "its end was refused, or not heard of in time"


@pytest.mark.timeout(150)
async def test_another_member_waits_for_a_pending_transaction_and_its_late_end_counts(
    kafka: str, prefix: str, workers: Workers
) -> None:
    """The end is accepted after the takeover: whoever read offsets below it would answer its records again."""
    async with under_load(kafka, prefix):
        paused = workers(pause="before_end", transaction_timeout_ms=OPEN_MS)
        other = workers(transaction_timeout_ms=OPEN_MS)
        await paused.logged("paused")
        taken_over = len(other.events("partitions_assigned")) + 1
        await other.logged("partitions_assigned", taken_over)
        await asyncio.sleep(2)  # it asks for the offsets, and would by now have gone on without
        paused.signal(signal.SIGCONT)
        await going_on(other)
        await going_on(paused)


@pytest.mark.timeout(150)
@pytest.mark.parametrize(
    "place", [pytest.param("before_end", marks=pytest.mark.long_form), "after_end"]
)
async def test_a_successor_in_the_same_slot_goes_on_at_once_while_one_is_paused(
    kafka: str, prefix: str, workers: Workers, place: str
) -> None:
    async with under_load(kafka, prefix):
        paused = workers(pause=place, worker_slot=1, transaction_timeout_ms=OPEN_MS)
        await paused.logged("paused")
        successor = workers(worker_slot=1, transaction_timeout_ms=OPEN_MS)
        await going_on(successor)
        paused.signal(signal.SIGCONT)
        # paused for less than 10 s it takes itself for the holder, for longer it gives way: one is left
        async with asyncio.timeout(30):
            while paused.code is None and successor.code is None:
                await asyncio.sleep(0.1)
        assert {paused.code, successor.code} == {None, 1}, paused.tail() + successor.tail()


@pytest.mark.timeout(180)
@pytest.mark.long_form
@pytest.mark.parametrize("place", ["before_end", "after_end"])
async def test_another_slot_takes_the_partitions_over_after_the_session_of_a_paused_one(
    kafka: str, prefix: str, workers: Workers, place: str
) -> None:
    async with under_load(kafka, prefix):
        paused = workers(pause=place, worker_slot=1)
        other = workers(worker_slot=2)
        await paused.logged("paused")
        taken_over = len(other.events("partitions_assigned")) + 1
        await other.logged("partitions_assigned", taken_over, timeout_s=60)
        await going_on(other)
        back = len(paused.events("partitions_assigned")) + 1
        paused.signal(signal.SIGCONT)
        await paused.logged("partitions_assigned", back)
