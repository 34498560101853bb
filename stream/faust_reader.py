"""Settings in, a Faust app out that reads a topic and writes nothing; `stream.app` gives it its agents.

It sees committed records only, has a group of its own, and keeps no table, changelog, web server or file. The topic
must exist before the app starts, or the broker creates it with settings of its own.
"""

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Literal, cast

import faust
from aiokafka import AIOKafkaConsumer
from aiokafka.client import AIOKafkaClient
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.structs import ConsumerRecord
from faust.app.base import BootStrategy
from faust.transport.drivers import aiokafka as driver
from faust.types import EventT, StreamT
from mode.threads import QueueServiceThread, WorkerThread

from stream.kafka.clients import connection
from stream.settings import MEBI, Settings

# Faust's default of 60 s is how long a killed worker's partitions would go uncounted.
SESSION_TIMEOUT_S = 6.0
# The last commit, what is queued, and leaving the group may take this long each; the guard waits 2 s for all.
GOODBYE_S = 0.5
REBALANCE_TIMEOUT_MS = 10_000
# A view may be half a second late, and each fetch wakes Faust's two threads beside the walk.
FETCH_MIN_BYTES = 64 * 1024
FETCH_MAX_WAIT_MS = 500


async def _briefly(goodbye: Awaitable[None]) -> None:
    """Wait for a step of the shutdown, which is a courtesy: its delay, error or cancellation does not stop the next.

    Cancellation too: `AIOKafkaConsumer.stop` awaits tasks that it cancelled itself and so raises CancelledError.
    """
    task = asyncio.ensure_future(goodbye)
    await asyncio.wait({task}, timeout=GOODBYE_S)
    if not task.cancel() and not task.cancelled():
        task.exception()


class _DaemonThread(WorkerThread):
    """A consumer thread that hangs must not keep the process from ending."""

    def __init__(self, service: Any, **kwargs: Any) -> None:
        super().__init__(service, name="faust-consumer", **kwargs)
        self.daemon = True

    def run(self) -> None:
        """End without a trace on stderr: mode has told the app of the crash before it raises here."""
        with contextlib.suppress(Exception):
            super().run()


class _CommittedReader(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread around a consumer of ours: read_committed (Faust's shows aborted records) and our TLS."""

    Worker = _DaemonThread

    def _create_worker_consumer(self, transport: Any) -> AIOKafkaConsumer:
        app: ReadingApp = self.app  # pyright: ignore[reportAssignmentType]  # only ReadingApp makes this class
        return AIOKafkaConsumer(
            group_id=app.conf.id,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset=app.conf.consumer_auto_offset_reset,
            partition_assignment_strategy=[RangePartitionAssignor],
            session_timeout_ms=int(app.conf.broker_session_timeout * 1000),
            heartbeat_interval_ms=int(app.conf.broker_heartbeat_interval * 1000),
            rebalance_timeout_ms=REBALANCE_TIMEOUT_MS,
            fetch_min_bytes=FETCH_MIN_BYTES,
            fetch_max_wait_ms=FETCH_MAX_WAIT_MS,
            fetch_max_bytes=8 * MEBI,
            max_partition_fetch_bytes=MEBI,
            **connection(app.switchboard),
        )

    async def on_thread_stop(self) -> None:
        """Leave the group; without Kafka aiokafka would try for ever, and this thread outlive its app."""
        await _briefly(QueueServiceThread.on_thread_stop(self))
        if self._consumer is not None:
            await _briefly(self._consumer.stop())

    def _stopped_set(self) -> None:
        with contextlib.suppress(RuntimeError):  # it crashed: its loop is closed, nothing to wake
            super()._stopped_set()

    def on_crash(self, msg: str, *fmt: Any, **kwargs: Any) -> None:
        """Say nothing: mode would print to stderr; the guard logs the end of the app."""


Polled = Sequence[ConsumerRecord[bytes, bytes]]
"""What a poll brought of one partition, in its order."""


def _as_one(records: list[Any]) -> Any:
    """Records of one partition as one, at the place of the last: its value is `Polled`."""
    return dataclasses.replace(records[-1], value=records)


class _Consumer(driver.Consumer):
    def _new_offset(self, tp: Any) -> int | None:
        """Commit behind the newest record that was counted: our agents take a partition's records in their order.

        Faust waits for every offset in between. Those of transactions' markers never come, so that it committed one
        transaction a second and kept the offsets of all later records: 7 MB in an hour at 20 records/s.
        """
        acked = self._acked[tp]
        if not acked:
            return None
        newest = max(acked)
        for kept in (acked, self._acked_index[tp], self._gap[tp]):
            kept.clear()
        return newest + 1

    async def _wait_next_records(
        self, timeout: float
    ) -> tuple[dict[Any, list[Any]] | None, set[Any] | None]:
        """Make one event of all that a poll brought of a partition.

        Beside a saturated walk an event a record took 0.36 of two cores at 850 records/s.
        """
        records, active = await super()._wait_next_records(timeout)
        together = {tp: [_as_one(found)] for tp, found in (records or {}).items() if found}
        return None if records is None else together, active

    async def on_stop(self) -> None:
        """Commit a last time; without Kafka that would wait for ever."""
        await _briefly(super().on_stop())

    def _new_consumer_thread(self) -> _CommittedReader:
        return _CommittedReader(self, loop=self.loop, beacon=self.beacon)


class _Transport(driver.Transport):
    Consumer = _Consumer


class _ReadOnly(BootStrategy):
    """No producer: nothing is written, so one connection less and no second place for credentials."""

    enable_kafka_producer = False
    enable_web = False


class ReadingApp(faust.App):
    """A Faust app that reads only, through clients made from `Settings`.

    Attributes:
        at_end: lets go of what its agents opened. They cannot do so themselves: Faust cancels them and does not wait.
    """

    BootStrategy = _ReadOnly

    def __init__(self, id: str, *, switchboard: Settings, **options: Any) -> None:  # noqa: A002  # Faust's name
        self.switchboard = switchboard
        self.at_end: Callable[[], Awaitable[None]] | None = None
        super().__init__(id, **options)

    async def start(self) -> None:
        """Ask for Kafka first: a consumer thread that finds none leaves pages of tracebacks.

        Raises:
            KafkaConnectionError: nobody answers.
        """
        client = AIOKafkaClient(**connection(self.switchboard))
        try:
            await client.bootstrap()
        finally:
            await client.close()
        await super().start()

    async def on_shutdown(self) -> None:
        """All services have ended, the agents too."""
        await super().on_shutdown()
        if self.at_end is not None:
            await _briefly(self.at_end())

    async def on_first_start(self) -> None:
        """Faust would make its data folders here; an app without tables needs none."""

    def _new_transport(self) -> _Transport:
        return _Transport(self.conf.broker_consumer, self)


def reading_app(
    settings: Settings, app_id: str, start_from: Literal["earliest", "latest"]
) -> ReadingApp:
    """A new app, not started, to be made and run in the loop it will live in.

    Args:
        settings: Kafka's address and credentials.
        app_id: also the name of its consumer group.
        start_from: where a new group begins; a restarted one continues where it was.
    """
    return ReadingApp(
        app_id,
        switchboard=settings,
        broker=[f"kafka://{server}" for server in settings.kafka_bootstrap_servers.split(",")],
        broker_session_timeout=SESSION_TIMEOUT_S,
        broker_heartbeat_interval=SESSION_TIMEOUT_S / 3,
        broker_commit_interval=1.0,
        consumer_auto_offset_reset=start_from,
        autodiscover=False,
        store="memory://",
        stream_wait_empty=False,  # a rebalance does not wait for what may be read twice
        table_standby_replicas=0,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        debug=False,
    )


def raw_topic(app: ReadingApp, name: str) -> Any:
    """A topic whose records come as the bytes they are; `name` carries the prefix."""
    return app.topic(name, key_type=bytes, key_serializer="raw", value_serializer="raw")


async def polled(stream: StreamT[Any]) -> AsyncIterator[tuple[Polled, Callable[[], object]]]:
    """The polls of an agent's stream, each with what to call when it is done.

    Without that call it is read again, whatever ends the agent: by itself Faust acknowledges what an agent failed at.
    """
    stream.enable_acks = False
    # Faust declares `events` as a coroutine; it is an asynchronous generator.
    async for event in cast("AsyncIterator[EventT[Any]]", stream.events()):
        yield cast(Polled, event.value), event.ack
