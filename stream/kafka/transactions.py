"""A window's outputs and offsets in, one Kafka transaction out. A producer that failed once is never used again.

Why so strict: after a failed send aiokafka still accepts the commit, and the record is lost; after an abort the
same producer answers OutOfOrderSequenceNumber, and innocent records look guilty. A new producer under the same
transactional id aborts what its predecessor left open (InitProducerId), so no abort is ever sent.
"""

# pyright: reportUnknownArgumentType=false
# (aiokafka does not say what its futures hold)

import asyncio
import contextlib
import random
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import IllegalOperation, KafkaError, MessageSizeTooLargeError
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from stream.errors import FatalError, LostTransactionError
from stream.kafka.clients import (
    MAX_BATCH_BYTES,
    Log,
    lost_or_fatal,
    start_when_ready,
    transactional_producer,
)
from stream.kafka.kip447 import GroupMetadata
from stream.kafka.partitions import partitions_of
from stream.outputs import Output
from stream.settings import Settings

CLOSE_TIMEOUT_S = 2


class OutputTooLargeError(LostTransactionError):
    """The broker refused a record for its size: the topic's limit was lowered since it was read."""


class Transactions:
    """The transactional producer of one worker, renewed whenever its state is in doubt."""

    def __init__(self, settings: Settings, log: Log) -> None:
        self._settings = settings
        self._log = log
        # A slot's id survives restarts, so that a successor ends the open transaction at once; without a slot
        # the id lives as long as the process, and a killed worker's transaction ends by its timeout.
        owner = uuid.uuid4().hex if settings.worker_slot is None else str(settings.worker_slot)
        self._id = f"{settings.topic_prefix}{settings.group_id}-{owner}"
        self._producer: AIOKafkaProducer | None = None

    @property
    def usable(self) -> bool:
        """A producer is there whose state is known."""
        return self._producer is not None

    async def renew(self, smallest_limit_bytes: int = MAX_BATCH_BYTES) -> None:
        """Throw the producer away and initialise a new one: fences, and aborts what was open.

        Args:
            smallest_limit_bytes: `max.message.bytes` of the output topic that takes least.

        Raises:
            BrokerUnavailableError: no Kafka within the limit.
        """
        await self.close()
        producer = transactional_producer(self._settings, self._id, smallest_limit_bytes)
        try:
            await start_when_ready(producer, self._settings, self._log)
        except BaseException:
            await _discard(producer)
            raise
        self._producer = producer

    async def commit(
        self,
        outputs: Iterable[Output],
        offsets: Mapping[TopicPartition, OffsetAndMetadata],
        group: GroupMetadata,
    ) -> None:
        """Write outputs and offsets as one transaction; returns when its end is acknowledged.

        Args:
            outputs: in the order in which they shall appear.
            offsets: per input partition the first offset that is not in this window.
            group: the generation that the window belongs to; a stale one is refused by the broker.

        Raises:
            LostTransactionError: refused or unknown; this producer is gone, call `renew` before the next window.
        """
        producer = self._producer
        assert producer is not None, "commit before renew: this is a bug"
        self._producer = None  # until the end is acknowledged, also when this task is cancelled
        try:
            async with asyncio.timeout(self._settings.transaction_timeout_ms / 1000):
                await producer.begin_transaction()
                await send_all(producer, outputs)
                await producer.send_offsets_to_transaction(dict(offsets), group)
                await producer.commit_transaction()
        except MessageSizeTooLargeError as error:
            await _discard(producer)
            raise OutputTooLargeError(
                f"the broker refused an output for its size: {error}"
            ) from error
        except (KafkaError, IllegalOperation, TimeoutError) as error:
            await _discard(producer)
            raise _meaning(error) from error
        except BaseException:
            await _discard(producer)
            raise
        self._producer = producer

    async def close(self) -> None:
        """Let the producer go; nothing is open when it is usable."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await _discard(producer)


def _meaning(
    error: KafkaError | IllegalOperation | TimeoutError,
) -> LostTransactionError | FatalError:
    if isinstance(error, KafkaError):
        return lost_or_fatal(error, "the transaction")
    if isinstance(error, IllegalOperation):
        return LostTransactionError(f"the transaction had ended before all was sent: {error}")
    return LostTransactionError("the transaction took longer than transaction_timeout_ms")


async def send_all(producer: AIOKafkaProducer, outputs: Iterable[Output]) -> None:
    """Send all and wait for every delivery: a failed one would not fail the commit.

    The first batches of all partitions are handed over at once, so that one request adds these partitions to the
    transaction and one carries the records; record by record the client asked for the first partition alone. A
    partition's next batch waits until the one before has left.
    """
    deliveries: list[asyncio.Future[Any]] = []
    by_partition = await _by_partition(producer, outputs)
    batches = [(place, _batches(producer, members)) for place, members in by_partition.items()]
    while batches:
        left: list[tuple[tuple[str, int], Iterator[Any]]] = []
        for (topic, partition), following in batches:
            batch = next(following, None)
            if batch is not None:
                deliveries.append(await producer.send_batch(batch, topic, partition=partition))
                left.append(((topic, partition), following))
        batches = left
    for result in await asyncio.gather(*deliveries, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result


async def _by_partition(
    producer: AIOKafkaProducer, outputs: Iterable[Output]
) -> dict[tuple[str, int], list[Output]]:
    """Outputs in their order, by where they shall lie; those without a key lie together in any partition."""
    by_topic: dict[str, list[Output]] = {}
    for output in outputs:
        by_topic.setdefault(output.topic, []).append(output)
    placed: dict[tuple[str, int], list[Output]] = {}
    cluster: Any = producer.client.cluster
    for topic, members in by_topic.items():
        count = len(await producer.partitions_for(topic))
        with_leader = cluster.available_partitions_for_topic(topic) or range(count)
        keyless: int = random.choice(sorted(with_leader))  # noqa: S311  # spreads load, protects nothing
        places = partitions_of([output.key or b"" for output in members], count)
        for output, place in zip(members, places, strict=True):
            free = keyless if output.key is None else place
            partition = free if output.partition is None else output.partition
            placed.setdefault((topic, partition), []).append(output)
    return placed


def _batches(producer: AIOKafkaProducer, outputs: Sequence[Output]) -> Iterator[Any]:
    """The client's batches, each closed when it is full; a record larger than a batch gets one of its own."""
    moment_ms = int(time.time() * 1000)
    batch = producer.create_batch()
    for output in outputs:
        headers, key, value = list(output.headers), output.key, output.value
        if batch.append(timestamp=moment_ms, key=key, value=value, headers=headers) is None:
            yield batch
            batch = producer.create_batch()  # empty, it takes any record
            batch.append(timestamp=moment_ms, key=key, value=value, headers=headers)
    yield batch


async def _discard(producer: AIOKafkaProducer) -> None:
    """Close without waiting for a broker that may be away; an open transaction is left to InitProducerId."""
    stop = asyncio.ensure_future(producer.stop())
    done, _ = await asyncio.wait({stop}, timeout=CLOSE_TIMEOUT_S)
    if not done:
        stop.cancel()
        # stop() flushes first, and a flush may never end
        sender = producer._sender.sender_task  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        if sender is not None:
            sender.cancel()
        await producer.client.close()
    with contextlib.suppress(KafkaError, asyncio.CancelledError):
        await stop
