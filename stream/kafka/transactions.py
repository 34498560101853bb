"""A window's outputs and offsets in, one Kafka transaction out. A producer that failed once is never used again.

Why so strict: after a failed send aiokafka still accepts the commit, and the record is lost; after an abort the
same producer answers OutOfOrderSequenceNumber, and innocent records look guilty. A new producer under the same
transactional id aborts what its predecessor left open (InitProducerId), so no abort is ever sent.
"""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, ProducerFenced
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from stream.errors import FatalError, LostTransactionError, SlotInUseError
from stream.kafka.clients import Log, lost_or_fatal, start_when_ready, transactional_producer
from stream.kafka.kip447 import GroupMetadata
from stream.outputs import Output
from stream.settings import Settings

CLOSE_TIMEOUT_S = 2
FROZEN_S = 10.0
SECOND_FENCE_S = 60.0


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
        self._fenced_at = float("-inf")

    @property
    def usable(self) -> bool:
        """A producer is there whose state is known."""
        return self._producer is not None

    async def renew(self) -> None:
        """Throw the producer away and initialise a new one: fences, and aborts what was open.

        Raises:
            BrokerUnavailableError: no Kafka within the limit.
        """
        await self.close()
        producer = transactional_producer(self._settings, self._id)
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
                await _send(producer, outputs)
                await producer.send_offsets_to_transaction(dict(offsets), group)
                await producer.commit_transaction()
        except MessageSizeTooLargeError as error:
            await _discard(producer)
            raise OutputTooLargeError(
                f"the broker refused an output for its size: {error}"
            ) from error
        except (KafkaError, TimeoutError) as error:
            await _discard(producer)
            raise _meaning(error) from error
        except BaseException:
            await _discard(producer)
            raise
        self._producer = producer

    def check_fenced(self, error: LostTransactionError, silent_s: float) -> None:
        """Decide what being fenced means: a thawed process may try once, a living one has a rival for its slot.

        Raises:
            SlotInUseError: another worker took this slot while this one was well, or a second time in a minute.
        """
        if not isinstance(error.__cause__, ProducerFenced) or self._settings.worker_slot is None:
            return
        now_s = time.monotonic()
        again = now_s - self._fenced_at < SECOND_FENCE_S
        self._fenced_at = now_s
        if silent_s < FROZEN_S or again:
            raise SlotInUseError(
                f"slot {self._settings.worker_slot} is in use: another worker of group {self._settings.group_id} "
                "took its transactional id; give each worker its own slot"
            ) from error

    async def close(self) -> None:
        """Let the producer go; nothing is open when it is usable."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await _discard(producer)


def _meaning(error: KafkaError | TimeoutError) -> LostTransactionError | FatalError:
    if isinstance(error, KafkaError):
        return lost_or_fatal(error, "the transaction")
    return LostTransactionError("the transaction took longer than transaction_timeout_ms")


async def _send(producer: AIOKafkaProducer, outputs: Iterable[Output]) -> None:
    """Send all and wait for every delivery: a failed one would not fail the commit."""
    deliveries: list[asyncio.Future[Any]] = [
        await producer.send(output.topic, output.value, output.key, headers=output.headers)
        for output in outputs
    ]
    for result in await asyncio.gather(*deliveries, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result


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
