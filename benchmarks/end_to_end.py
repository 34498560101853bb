"""Kafka to Kafka against the runtime alone: what exactly-once, cleaning and Kafka cost; latency at a share of that.

    python -m benchmarks.end_to_end --train FILE --data FILE [--repeat 5] [--load 0.7] [--seconds 30]

A real broker and a real worker process on this machine; both sides of the ratio use the same texts, the same artefact,
the same rule of independence and the same number of threads, and alternate within one run. Prints JSON lines.
"""

import argparse
import asyncio
import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aiokafka import AIOKafkaConsumer

from benchmarks.machine import describe, emit
from benchmarks.runtime import bare_texts_per_s
from models.bundle import Bundle
from models.train import train_quick
from models.train_report import TrainRequest
from stream.broker import EmbeddedBroker
from stream.clean import CleanOptions, clean
from stream.cli.wiring import cores, load_models
from stream.demo.worker_process import WorkerProcess
from stream.kafka.admin import prepare_topics
from stream.kafka.clients import plain_producer, reader
from stream.outputs import OUTPUT_ID
from stream.records import decode_inbound_email
from stream.settings import Settings
from stream.simulate import read_emails
from stream.topics import CLASSIFICATIONS, DEAD_LETTERS, INBOUND_EMAILS

WARM_RECORDS = 100


@dataclass(frozen=True)
class Mail:
    """One record to send, and the text that the model will see of it."""

    key: bytes
    value: bytes


def say(event: str, **facts: object) -> None:
    """Progress goes to stderr; stdout is for figures."""
    print(event, *(f"{name}={value}" for name, value in facts.items()), file=sys.stderr)


class Run:
    """One topic set with its worker, from an empty group to the last answer."""

    def __init__(self, broker: EmbeddedBroker, base: Settings, number: int) -> None:
        self.settings = base.model_copy(
            update={
                "kafka_bootstrap_servers": broker.bootstrap_servers,
                "topic_prefix": f"run{number}-",
                "group_id": f"run{number}",
                "worker_slot": 0,
            }
        )

    async def prepare(self) -> None:
        """Create the topics."""
        await prepare_topics(self.settings, say)

    async def backlog(self, mails: Sequence[Mail], model: str, log: Path) -> float:
        """Records/s of a worker that finds all mails waiting, after its first `WARM_RECORDS` answers."""
        producer = plain_producer(self.settings)
        await producer.start()
        topic = self.settings.topic(INBOUND_EMAILS)
        for mail in mails:
            await producer.send(topic, mail.value, mail.key)
        await producer.stop()
        worker = WorkerProcess(self.settings, model, log)
        try:
            arrivals = [moment async for _, moment in self._answers(len(mails), worker)]
        finally:
            worker.stop()
        return (len(arrivals) - WARM_RECORDS) / (arrivals[-1] - arrivals[WARM_RECORDS - 1])

    async def latency(
        self, mails: Sequence[Mail], rate_per_s: float, seconds: float, model: str, log: Path
    ) -> list[float]:
        """Latencies in seconds, from the intended moment of sending until a read_committed consumer has the answer."""
        worker = WorkerProcess(self.settings, model, log)
        try:
            await asyncio.to_thread(worker.wait_ready)
            count = int(rate_per_s * seconds)
            intended: dict[str, float] = {}
            seen: dict[str, float] = {}

            async def watch() -> None:
                seen.update(
                    {output_id: moment async for output_id, moment in self._answers(count, worker)}
                )

            watching = asyncio.create_task(watch())
            await asyncio.sleep(1)
            await self._send_open_loop(
                itertools.islice(itertools.cycle(mails), count), rate_per_s, intended
            )
            await watching
        finally:
            worker.stop()
        settled = list(intended)[count // 5 :]  # the first fifth warms the whole road
        return [seen[output_id] - intended[output_id] for output_id in settled]

    async def _send_open_loop(
        self, mails: Iterator[Mail], rate_per_s: float, intended: dict[str, float]
    ) -> None:
        producer = plain_producer(self.settings)
        await producer.start()
        topic, start = self.settings.topic(INBOUND_EMAILS), time.monotonic()
        deliveries: list[tuple[float, asyncio.Future[object]]] = []
        for number, mail in enumerate(mails):
            due = start + number / rate_per_s
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            deliveries.append((due, await producer.send(topic, mail.value, mail.key)))
        for due, delivery in deliveries:
            done = await delivery
            intended[f"{topic}/{done.partition}/{done.offset}"] = due
        await producer.stop()

    async def _answers(self, count: int, worker: WorkerProcess) -> AsyncIterator[tuple[str, float]]:
        consumer: AIOKafkaConsumer = reader(
            self.settings, auto_offset_reset="earliest", fetch_max_wait_ms=20
        )
        await consumer.start()
        consumer.subscribe(
            [self.settings.topic(CLASSIFICATIONS), self.settings.topic(DEAD_LETTERS)]
        )
        got = 0
        try:
            while got < count:
                worker.check()
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    now = time.monotonic()
                    for record in records:
                        got += 1
                        yield dict(record.headers)[OUTPUT_ID].decode(), now
        finally:
            await consumer.stop()


def mails_of(path: Path, count: int) -> list[Mail]:
    """`count` mails of the file, repeated when it is shorter, spread over the partitions."""
    records = list(itertools.islice(read_emails(path, repeat=True), count))
    return [
        Mail(f"k{number}".encode(), record.value or b"") for number, record in enumerate(records)
    ]


def texts_of(mails: Sequence[Mail], bundle: Bundle) -> list[str]:
    """What the model sees of these mails: cleaned and joined as serving does."""
    texts: list[str] = []
    for mail in mails:
        cleaned = clean(decode_inbound_email(mail.value), datetime.now(UTC), None, CleanOptions())
        texts.append(bundle.text(cleaned.subject, cleaned.body, cleaned.attributes))
    return texts


async def main() -> None:
    """Run, print, end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--records", type=int, default=2000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--load", type=float, default=0.7)
    parser.add_argument("--seconds", type=float, default=30)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        base = Settings(models_dir=Path(folder) / "models", skip_kinds=frozenset())
        request = TrainRequest(
            name="bench", models_dir=base.models_dir, data=[args.train], threads=cores()
        )
        train_quick(request, lambda *_: None)
        bundle = load_models(base, ["bench"])["default"]
        mails = mails_of(args.data, args.records)
        texts = texts_of(mails, bundle)
        tokens = statistics.mean(len(row.ids) for row in bundle.encoder.tokenize(texts))
        rates: list[float] = []
        bare: list[float] = []
        with EmbeddedBroker(ephemeral=True) as broker:
            for number in range(args.repeat):
                run = Run(broker, base, number)
                await run.prepare()
                bare.append(bare_texts_per_s(bundle.encoder, texts, cores()))
                rates.append(
                    await run.backlog(mails, "bench", Path(folder) / f"worker{number}.log")
                )
                say("pair", runtime=round(bare[-1], 1), end_to_end=round(rates[-1], 1))
            capacity = statistics.median(rates)
            run = Run(broker, base, args.repeat)
            await run.prepare()
            log = Path(folder) / "latency.log"
            latencies = sorted(
                await run.latency(mails, args.load * capacity, args.seconds, "bench", log)
            )
    emit(
        "end_to_end",
        data=args.data.name,
        mean_tokens=round(tokens, 1),
        records=args.records,
        repeats=args.repeat,
        runtime_texts_per_s=round(statistics.median(bare), 1),
        end_to_end_records_per_s=round(capacity, 1),
        ratio_median=round(statistics.median(a / b for a, b in zip(rates, bare, strict=True)), 3),
        ratio_min=round(min(a / b for a, b in zip(rates, bare, strict=True)), 3),
        load=args.load,
        p50_ms=round(1000 * latencies[len(latencies) // 2], 1),
        p99_ms=round(1000 * latencies[int(0.99 * len(latencies))], 1),
        **describe(),
    )


if __name__ == "__main__":
    asyncio.run(main())
