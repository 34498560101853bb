"""Two processes with one slot: the second ends; a dead one's successor is there at once; a thawed one gives way."""

import asyncio
import logging
import signal
import time
from collections.abc import Callable

import pytest

from stream.kafka.slot import CHALLENGE_S, FROZEN_S
from tests.integration.faults.form import is_long
from tests.integration.faults.load import going_on, longest_gap_s, under_load, when_s
from tests.worker_process import WorkerProcess

Workers = Callable[..., WorkerProcess]
LOG = logging.getLogger(__name__)
SLOT = 7


def why_it_ended(worker: WorkerProcess) -> str:
    [failed] = worker.events("worker_failed")
    assert "exception" not in failed, "a fatal error needs no trace"
    return str(failed["error"])


@pytest.mark.timeout(120)
async def test_of_two_workers_with_one_slot_the_second_ends_and_the_first_goes_on(
    kafka: str, prefix: str, workers: Workers
) -> None:
    async with under_load(kafka, prefix):
        first = workers(worker_slot=SLOT)
        await going_on(first)
        for _ in range(4 if is_long() else 1):
            began_s = time.time()
            second = workers(worker_slot=SLOT)
            assert await second.end(timeout_s=20) == 1, second.tail()
            assert f"slot {SLOT} is in use" in why_it_ended(second)
            assert "give each worker its own slot" in why_it_ended(second)
            await going_on(first)
            LOG.info("no window for %.2f s", longest_gap_s(first, second, since_s=began_s))
    assert first.events("slot_taken_back")
    assert await first.stop() == 0, first.tail()


@pytest.mark.timeout(120)
@pytest.mark.long_form  # it is its start that takes the time
async def test_of_two_idle_workers_with_one_slot_the_second_ends_too(
    kafka: str, prefix: str, workers: Workers
) -> None:
    first = workers(worker_slot=SLOT)
    await first.logged("partitions_assigned")
    second = workers(worker_slot=SLOT)
    assert await second.end(timeout_s=20) == 1, second.tail()
    assert f"slot {SLOT} is in use" in why_it_ended(second)
    await first.logged("slot_taken_back")
    async with under_load(kafka, prefix):
        await going_on(first)
    assert await first.stop() == 0, first.tail()


@pytest.mark.timeout(120)
async def test_a_worker_that_restarts_after_a_kill_has_its_slot_at_once_and_keeps_it(
    kafka: str, prefix: str, workers: Workers
) -> None:
    async with under_load(kafka, prefix):
        worker = workers(worker_slot=SLOT)
        for lives in range(1, 7 if is_long() else 2):
            await going_on(worker)
            worker.kill()
            worker.start()
            started = await worker.logged("worker_started", lives + 1)
            await worker.logged("slot_was_occupied", lives)
            await going_on(worker, 1)
            took_s = when_s(worker.events("window_committed")[-1]) - when_s(started)
            LOG.info("%.2f s from worker_started to a committed window", took_s)
            assert took_s < CHALLENGE_S / 3, "it waited for its predecessor's session"
    assert not worker.events("slot_taken_back")
    assert await worker.stop() == 0, worker.tail()


@pytest.mark.timeout(120)
async def test_a_worker_that_was_frozen_gives_way_to_its_successor(
    kafka: str, prefix: str, workers: Workers
) -> None:
    async with under_load(kafka, prefix):
        frozen = workers(worker_slot=SLOT)
        await going_on(frozen)
        frozen.signal(signal.SIGSTOP)
        thaw_at_s = time.monotonic() + FROZEN_S + 1
        successor = workers(worker_slot=SLOT)
        await going_on(successor)
        await asyncio.sleep(thaw_at_s - time.monotonic())
        frozen.signal(signal.SIGCONT)
        assert await frozen.end(timeout_s=20) == 1, frozen.tail()
        assert f"slot {SLOT} is in use" in why_it_ended(frozen)
        await going_on(successor)
    assert not successor.events("slot_taken_back"), "it was not disturbed"
    assert await successor.stop() == 0, successor.tail()


@pytest.mark.timeout(120)
async def test_a_worker_that_was_frozen_goes_on_when_nobody_took_its_slot(
    kafka: str, prefix: str, workers: Workers
) -> None:
    """Its transaction was ended by Kafka meanwhile, which looks like a rival and is none."""
    async with under_load(kafka, prefix):
        frozen = workers(worker_slot=SLOT, pause="before_end")
        await frozen.logged("paused")
        await asyncio.sleep(20 if is_long() else 5)  # beyond its session, or its transaction only
        frozen.signal(signal.SIGCONT)
        await frozen.logged("transaction_lost")
        await going_on(frozen)
    assert await frozen.stop() == 0, frozen.tail()
