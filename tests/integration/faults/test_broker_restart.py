"""Kafka itself stops, or dies, and comes back under load: the worker waits, and loses and doubles nothing."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from stream.broker import EmbeddedBroker
from stream.kafka.admin import prepare_topics
from stream.topics import INBOUND_EMAILS
from tests.counting import all_answered
from tests.integration.faults.form import is_long
from tests.walking import Events, FakeBundle, FakeEncoder, settings_for, traffic, until, walking

RECORDS, RESTARTS = (20_000, 5) if is_long() else (1500, 1)


@pytest.mark.timeout(600 if is_long() else 150)
@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_a_worker_survives_a_broker_that_restarts_under_load(
    broker_factory: Callable[..., EmbeddedBroker],
    prefix: str,
    tmp_path: Path,
    end: str,
    record_property: Callable[[str, object], None],
) -> None:
    broker = await asyncio.to_thread(broker_factory, data_dir=tmp_path / "kafka")
    kafka = broker.bootstrap_servers
    settings = settings_for(kafka, prefix, kafka_connect_timeout_s=60)
    await prepare_topics(settings, Events())
    async with walking(settings, {"default": FakeBundle(FakeEncoder(0.002))}) as running:
        live = f"{prefix}{INBOUND_EMAILS}"
        sending = asyncio.ensure_future(traffic(kafka, live, range(RECORDS), 250))
        for _ in range(RESTARTS):
            committed = running.events.count("window_committed")
            await until(lambda seen=committed: running.events.count("window_committed") >= seen + 5)
            await asyncio.to_thread(getattr(broker, end))
            await asyncio.sleep(1)
            await asyncio.to_thread(broker.start)
        await sending
        counted = await all_answered(kafka, prefix, RECORDS, timeout_s=60)
    record_property("restarts of the broker", RESTARTS)
    counted.must_be_exactly_once()
