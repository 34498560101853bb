"""Far behind: memory stays that of a quiet worker; a slow broker or model costs neither membership nor records."""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from stream.broker import EmbeddedBroker
from stream.kafka.admin import prepare_topics
from stream.topics import INBOUND_EMAILS
from tests.counting import all_answered
from tests.integration.faults.backlog import measure
from tests.integration.faults.form import is_long
from tests.kafka_tools import produce
from tests.walking import (
    Events,
    FakeBundle,
    FakeEncoder,
    mail,
    settings_for,
    traffic,
    until,
    walking,
)
from tests.worker_process import worker_processes


@pytest.mark.timeout(600 if is_long() else 120)
async def test_memory_with_a_backlog_is_that_of_a_worker_at_rest(
    kafka: str, prefix: str, tmp_path: Path
) -> None:
    records, watch_s = (1_000_000, 60.0) if is_long() else (50_000, 6.0)
    await prepare_topics(settings_for(kafka, prefix), Events())
    with worker_processes(kafka, prefix, tmp_path) as make:
        worker = make()
        await worker.logged("partitions_assigned")
        found = await measure(kafka, prefix, worker, records, watch_s)
        assert found.eaten > 0, worker.tail()
        # a guard against growth without bound; the exact figure is a benchmark's
        assert found.ratio <= 1.5, found


@pytest.mark.timeout(90)
async def test_a_broker_that_stalls_again_and_again_costs_neither_membership_nor_records(
    broker_factory: Callable[..., EmbeddedBroker], prefix: str
) -> None:
    broker = await asyncio.to_thread(broker_factory)
    settings, live = settings_for(broker.bootstrap_servers, prefix), f"{prefix}{INBOUND_EMAILS}"
    await prepare_topics(settings, Events())
    records, stalls = (6_000, 20) if is_long() else (1_200, 3)
    async with walking(settings, {"default": FakeBundle(FakeEncoder(0.001))}) as running:
        await until(lambda: running.walk.ready)
        sending = asyncio.ensure_future(
            traffic(broker.bootstrap_servers, live, range(records), records / (stalls * 2))
        )
        for _ in range(stalls):
            os.kill(broker.pid, signal.SIGSTOP)
            await asyncio.sleep(1.2)  # well below the session's 6 s
            os.kill(broker.pid, signal.SIGCONT)
            await asyncio.sleep(0.6)
        await sending
        counted = await all_answered(broker.bootstrap_servers, prefix, records)
    counted.must_be_exactly_once()
    assert running.events.count("partitions_assigned") == 1, "it stayed a member"


@pytest.mark.timeout(90)
async def test_a_model_slower_than_the_session_keeps_its_partitions_and_reads_no_further(
    kafka: str, prefix: str
) -> None:
    settings = settings_for(kafka, prefix, topic_partitions=1, max_window_records=8)
    live = f"{prefix}{INBOUND_EMAILS}"
    await prepare_topics(settings, Events())
    await produce(kafka, live, [mail(n) for n in range(200)])
    slow = FakeEncoder(
        2.0
    )  # the first window's 8 records take the two threads 8 s, the session is 6 s
    async with walking(settings, {"default": FakeBundle(slow)}) as running:
        await until(lambda: running.events.count("window_committed"), 60)
        read = sum(facts["records"] for name, facts in running.events.seen if "committed" in name)
        lag = running.metrics.registry.get_sample_value(
            "switchboard_lag_records", {"topic": live, "partition": "0"}
        )
        assert lag is not None
        assert 200 - lag - read <= 4 * 8, "no more than the stages hold was taken"
        assert running.events.count("partitions_assigned") == 1
        slow.record_s = 0.0
        counted = await all_answered(kafka, prefix, 200)
    counted.must_be_exactly_once()
    assert not running.events.count("transaction_lost")
