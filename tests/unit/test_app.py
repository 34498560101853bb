"""The views app before it meets Kafka: its group, its credentials, its topic, and how it reads."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer

from stream.app import make_app
from stream.live_counts import LiveCounts
from stream.metrics import Metrics
from stream.settings import Settings


def app_for(**settings: Any) -> Any:
    return make_app(
        Settings(topic_prefix="eu.", group_id="mail", **settings), LiveCounts(Metrics().labels)
    )


@asynccontextmanager
async def consumer_of(app: Any) -> AsyncIterator[AIOKafkaConsumer]:
    """The consumer that Faust's thread would start, without the thread."""
    thread = app.consumer._thread
    consumer = thread._create_worker_consumer(app.transport)
    try:
        yield consumer
    finally:
        await consumer.stop()
        thread.thread_loop.close()


async def test_it_has_a_group_of_its_own_and_reads_one_topic() -> None:
    app = app_for()
    assert app.conf.id == "mail-views"
    [agent] = app.agents.values()
    assert agent.channel.topics == ("eu.classifications",)


async def test_faust_reads_committed_records_only_and_with_our_credentials() -> None:
    secured = app_for(
        kafka_bootstrap_servers="a.example:9093,b.example:9093",
        kafka_security_protocol="SASL_SSL",
        kafka_sasl_username="reader",
        kafka_sasl_password="secret",  # pyright: ignore[reportArgumentType]
    )
    async with consumer_of(secured) as consumer:
        assert consumer._isolation_level == "read_committed"
        assert consumer._group_id == "mail-views"
        assert sorted([host for host, *_ in consumer._client.hosts]) == ["a.example", "b.example"]
        assert consumer._client._security_protocol == "SASL_SSL"
        assert consumer._client._sasl_mechanism == "SCRAM-SHA-512"
        assert consumer._client._sasl_plain_username == "reader"
        assert consumer._client._sasl_plain_password == "secret"
        assert consumer._client._ssl_context is not None


async def test_it_writes_nothing_and_serves_no_pages() -> None:
    app = app_for()
    names = {type(service).__name__ for service in app.boot_strategy.server()}
    app.consumer._thread.thread_loop.close()
    await asyncio.sleep(0)
    assert not names & {"Producer", "ThreadedProducer", "Web"}
