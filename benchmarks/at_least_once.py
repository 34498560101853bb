"""`python -m benchmarks.at_least_once worker --model NAME`: the worker without transactions, to compare with.

The same walk with an idempotent producer and a plain offset commit after the outputs: what exactly-once is paid with.
"""

import sys
from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import OffsetAndMetadata, TopicPartition

import stream.worker
from stream.cli import main
from stream.kafka import transactions
from stream.kafka.clients import MAX_BATCH_BYTES, Log, connection
from stream.kafka.kip447 import GroupMetadata
from stream.kafka.transactions import Transactions
from stream.outputs import Output
from stream.pipeline import Walk
from stream.settings import Settings


class NoTransactions(Transactions):
    """Writes outputs, then commits offsets: a crash between the two repeats the window."""

    def __init__(self, settings: Settings, log: Log, consumer: AIOKafkaConsumer) -> None:
        super().__init__(settings, log)
        self._consumer = consumer

    async def renew(self, smallest_limit_bytes: int = MAX_BATCH_BYTES) -> None:
        """Start a producer that is idempotent, no more."""
        self._producer = AIOKafkaProducer(
            enable_idempotence=True,
            compression_type="lz4",
            max_batch_size=min(MAX_BATCH_BYTES, smallest_limit_bytes),
            **connection(self._settings),
        )
        await self._producer.start()

    async def commit(
        self,
        outputs: Iterable[Output],
        offsets: Mapping[TopicPartition, OffsetAndMetadata],
        group: GroupMetadata,
    ) -> None:
        """Outputs first, offsets then."""
        assert self._producer is not None
        await transactions.send_all(self._producer, outputs)
        await self._consumer.commit(dict(offsets))


class LooseWalk(Walk):
    """The walk with that in place of transactions."""

    def __init__(self, settings: Settings, *parts: Any) -> None:
        super().__init__(settings, *parts)
        self._transactions = NoTransactions(settings, self._log, self._group._consumer)  # noqa: SLF001


if __name__ == "__main__":
    stream.worker.Walk = LooseWalk  # type: ignore[misc]
    sys.exit(main())
