"""One measured run: topics and a group of its own on a shared broker, worker processes, load in, answers out.

A run knows when each record was meant to be sent and when a read_committed consumer had its answer; what that means
is the benchmark's business.
"""

import asyncio
import contextlib
import os
import random
import sys
import time
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import RecordMetadata, TopicPartition

from benchmarks.mails import Mail
from models.bundle import Bundle
from models.train import train
from models.training.report import TrainRequest
from stream.broker import EmbeddedBroker
from stream.cli.wiring import Loader, cores
from stream.demo.worker_process import WorkerProcess
from stream.kafka.admin import prepare_topics
from stream.kafka.clients import plain_producer, reader
from stream.outputs import OUTPUT_ID
from stream.settings import Settings
from stream.topics import CHURN_SCORES, CLASSIFICATIONS, DEAD_LETTERS

MODEL = "bench"
ANSWERS = (CLASSIFICATIONS, CHURN_SCORES, DEAD_LETTERS)
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
SEED = 7


def say(event: str, **facts: object) -> None:
    """Progress goes to stderr; stdout is for figures."""
    print(event, *(f"{name}={value}" for name, value in facts.items()), file=sys.stderr)


def trained(rows: Path, folder: Path) -> tuple[Settings, Bundle]:
    """A model of this file's heads, and settings under which every mail is classified by it."""
    base = Settings(models_dir=folder / "models", skip_kinds=frozenset())
    train(
        TrainRequest(name=MODEL, models_dir=base.models_dir, data=[rows], threads=cores()),
        lambda *_: None,
    )
    return base, Loader(base).load(MODEL)


def cpu_s(pid: int) -> float:
    """Processor time that a process has used, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


@dataclass(frozen=True)
class Answer:
    """An output as the reader saw it: its cause, and the moment in monotonic seconds."""

    output_id: str
    seen_s: float


class Run:
    """One topic set with its group, from nothing to the last answer."""

    def __init__(self, broker: EmbeddedBroker, base: Settings, name: str, folder: Path) -> None:
        self.settings = base.model_copy(
            update={
                "kafka_bootstrap_servers": broker.bootstrap_servers,
                "topic_prefix": f"{name}-",
                "group_id": name,
            }
        )
        self._folder = folder
        self._workers = 0

    async def prepare(self) -> None:
        """Create the topics."""
        await prepare_topics(self.settings, lambda *_, **__: None)

    def worker(
        self, slot: int | None = 0, *extra: str, program: str = "stream", model: str | None = MODEL
    ) -> WorkerProcess:
        """Start a worker process; the caller stops it."""
        self._workers += 1
        log = self._folder / f"{self.settings.group_id}-{self._workers}.log"
        settings = self.settings.model_copy(update={"worker_slot": slot})
        return WorkerProcess(settings, model, log, *extra, program=program)

    async def send_open_loop(self, mails: Iterable[Mail], rate_per_s: float) -> dict[str, float]:
        """Send at Poisson moments that no answer and no stall moves; these moments by the output id to come."""
        producer = plain_producer(self.settings)
        await producer.start()
        due_s = time.monotonic()
        gaps = random.Random(SEED)
        sent: list[tuple[float, asyncio.Future[RecordMetadata]]] = []
        for mail in mails:
            due_s += gaps.expovariate(rate_per_s)
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            topic = self.settings.topic(mail.topic)
            sent.append((due_s, await producer.send(topic, mail.value, mail.key)))
        await producer.stop()
        placed = [(moment_s, delivery.result()) for moment_s, delivery in sent]
        return {
            f"{done.topic}/{done.partition}/{done.offset}": moment_s for moment_s, done in placed
        }

    async def polls(
        self, workers: Sequence[WorkerProcess], poll_wait_ms: int, started: asyncio.Event
    ) -> AsyncGenerator[list[Answer], None]:
        """Answers and dead letters of this run from now on, as they are committed, poll by poll; without end.

        Args:
            workers: looked after: one that ends by itself ends the run.
            poll_wait_ms: how long the broker may hold a fetch; short ones cost it time.
            started: set as soon as no answer can be missed.
        """
        consumer: AIOKafkaConsumer = reader(self.settings, fetch_max_wait_ms=poll_wait_ms)
        await consumer.start()
        try:
            topics = [self.settings.topic(name) for name in ANSWERS]
            places = [
                TopicPartition(topic, number)
                for topic in topics
                for number in range(self.settings.topic_partitions)
            ]
            consumer.assign(places)
            for place, end in (await consumer.end_offsets(places)).items():
                consumer.seek(place, end)
            started.set()
            while True:
                for worker in workers:
                    worker.check()
                found = await consumer.getmany(timeout_ms=500)
                now_s = time.monotonic()
                yield [
                    Answer(dict(record.headers)[OUTPUT_ID].decode(), now_s)
                    for records in found.values()
                    for record in records
                ]
        finally:
            await consumer.stop()

    async def moments_s(
        self, mails: Sequence[Mail], rate_per_s: float, workers: Sequence[WorkerProcess]
    ) -> dict[str, tuple[float, float]]:
        """Send all and wait for all: the intended moment and that of the answer by output id, in sending order."""
        seen: dict[str, float] = {}
        started = asyncio.Event()

        async def send() -> dict[str, float]:
            await started.wait()
            return await self.send_open_loop(mails, rate_per_s)

        sending = asyncio.create_task(send())
        async with contextlib.aclosing(self.polls(workers, 20, started)) as polls:
            async for answers in polls:
                seen.update((answer.output_id, answer.seen_s) for answer in answers)
                if sending.done() and sending.result().keys() <= seen.keys():
                    break
        return {cause: (due_s, seen[cause]) for cause, due_s in sending.result().items()}

    async def latencies_s(
        self, mails: Sequence[Mail], rate_per_s: float, workers: Sequence[WorkerProcess]
    ) -> list[tuple[float, float]]:
        """Send all and wait for all: (intended moment, latency) of each, in sending order."""
        found = await self.moments_s(mails, rate_per_s, workers)
        return [(due_s, seen_s - due_s) for due_s, seen_s in found.values()]


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which this share lies (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
