"""Records of `customer-profiles` in, a dead letter for each that cannot be read. Knows no Faust, no table."""

# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownVariableType=false
# (aiokafka types its records by their deserialisers, which we do not use)

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from aiokafka.structs import ConsumerRecord

from stream.calls.profile_records import read_profile
from stream.errors import FatalError, PoisonRecordError
from stream.kafka.admin import prepare_topics
from stream.kafka.clients import MAX_UNPACKED_BYTES, Log, connection, start_when_ready
from stream.metrics import Metrics
from stream.outputs import Inbound, Output, dead_letter
from stream.records import Source
from stream.settings import Settings
from stream.topics import DEAD_LETTERS

BACKOFF_S = 0.5
BACKOFF_MAX_S = 30.0


class ProfileLetters:
    """Writes dead letters. It has no producer before the first one: most installations never need one.

    Args:
        settings: how to reach Kafka.
        metrics: count the letters that were written.
        log: told when they cannot be written.
    """

    def __init__(self, settings: Settings, metrics: Metrics, log: Log) -> None:
        self._settings = settings
        self._metrics = metrics
        self._log = log
        self._topic = settings.topic(DEAD_LETTERS)
        self._producer: AIOKafkaProducer | None = None
        self._limit_bytes = 0

    async def write(self, records: Sequence[ConsumerRecord[bytes, bytes]]) -> None:
        """Return when every bad profile among them has its letter in Kafka, however long that takes."""
        bad = list(_bad(records))
        if not bad:
            return
        backoff_s = BACKOFF_S
        while True:
            try:
                await self._send(bad)
            except (KafkaError, FatalError) as error:
                reason = f"{type(error).__name__}: {error}"
                self._log("profile_letters_not_written", count=len(bad), reason=reason)
                await self.close()
                await asyncio.sleep(backoff_s)
                backoff_s = min(2 * backoff_s, BACKOFF_MAX_S)
            else:
                break
        for _, error in bad:
            self._metrics.dead_letters.labels(error.stage, error.kind).inc()

    async def _send(self, bad: Sequence[tuple[Inbound, PoisonRecordError]]) -> None:
        producer, now = await self._ready_producer(), datetime.now(UTC)
        letters = [
            dead_letter(self._topic, inbound, error, now, self._limit_bytes)
            for inbound, error in bad
        ]
        for letter in letters:
            try:
                await _delivered(producer, letter)
            except MessageSizeTooLargeError:  # the broker's limit is below the one it told
                told = [*letter.headers, ("payload", b"too-large")]
                await _delivered(producer, Output(letter.topic, None, None, told))

    async def _ready_producer(self) -> AIOKafkaProducer:
        if self._producer is None:
            topics = await prepare_topics(self._settings, self._log)
            self._limit_bytes = topics[DEAD_LETTERS].max_message_bytes
            producer = AIOKafkaProducer(
                enable_idempotence=True,
                compression_type="lz4",
                max_request_size=MAX_UNPACKED_BYTES,
                **connection(self._settings),
            )
            await start_when_ready(producer, self._settings, self._log)
            self._producer = producer
        return self._producer

    async def close(self) -> None:
        """Let go of Kafka; nothing is written any more."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()


async def _delivered(producer: AIOKafkaProducer, letter: Output) -> None:
    await producer.send_and_wait(
        letter.topic, letter.value, letter.key, headers=list(letter.headers)
    )


def _bad(
    records: Sequence[ConsumerRecord[bytes, bytes]],
) -> Iterator[tuple[Inbound, PoisonRecordError]]:
    for record in records:
        try:
            read_profile(record.key, record.value)
        except PoisonRecordError as error:
            source = Source(topic=record.topic, partition=record.partition, offset=record.offset)
            yield Inbound(source, record.key, record.value, record.headers), error
