"""A worker's memory with many records waiting: `python -m tests.integration.faults.backlog --records 1000000`.

A worker process with a cheap model serves a few thousand mails and rests; all of the backlog then becomes visible in
one moment, as one transaction, and it eats. Resident memory is read from /proc, at rest and while it eats. One JSON
line out; `rest_mb` and `peak_mb` are MiB.
"""

import argparse
import asyncio
import json
import random
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from aiokafka import AIOKafkaProducer

from stream.broker import EmbeddedBroker
from stream.kafka.admin import prepare_topics
from stream.topics import INBOUND_EMAILS
from tests.kafka_tools import committed_offsets
from tests.walking import Events, mail, settings_for
from tests.worker_process import WorkerProcess, worker_processes

WARM_RECORDS = 5_000
REST_S = 3.0
SAMPLE_S = 0.2
BODY_CHARS = 600  # a support mail of about 100 words
FILL_TIMEOUT_MS = 900_000


@dataclass(frozen=True)
class Memory:
    """Memory at rest after warm-up and at most while it ate, and how fast it ate."""

    records: int
    rest_mb: float
    peak_mb: float
    ratio: float
    eaten: int
    records_per_s: float


def bodies() -> list[str]:
    """Texts of words that no two records in a row share."""
    pen = random.Random(9)
    words = [pen.randbytes(pen.randrange(1, 6)).hex() for _ in range(2_000)]
    return [" ".join(pen.choices(words, k=BODY_CHARS // 7)) for _ in range(1_000)]


class Heap:
    """Records that wait where nobody sees them, until `tip`: an open transaction."""

    def __init__(self, kafka: str, prefix: str) -> None:
        self._topic = f"{prefix}{INBOUND_EMAILS}"
        self._bodies = bodies()
        self._producer = AIOKafkaProducer(
            bootstrap_servers=kafka,
            transactional_id=f"{prefix}heap",
            transaction_timeout_ms=FILL_TIMEOUT_MS,
            compression_type="lz4",
            linger_ms=20,
            max_batch_size=256 * 1024,
        )

    async def start(self) -> None:
        await self._producer.start()

    async def stop(self) -> None:
        await self._producer.stop()

    async def fill(self, count: int) -> None:
        """Write so many records."""
        await self._producer.begin_transaction()
        for number in range(count):
            key, value = mail(number, self._bodies[number % len(self._bodies)])
            await self._producer.send(self._topic, value, key)
        await self._producer.flush()

    async def tip(self) -> None:
        """Let them be seen, all at once."""
        await self._producer.commit_transaction()


def resident_mb(worker: WorkerProcess) -> float:
    assert worker.process is not None
    for line in Path(f"/proc/{worker.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("the worker has ended")


async def done(kafka: str, prefix: str) -> int:
    """Records behind the group's committed offsets."""
    found = await committed_offsets(kafka, f"{prefix}group", f"{prefix}{INBOUND_EMAILS}")
    return sum(found.values())


async def reached(kafka: str, prefix: str, count: int, timeout_s: float) -> None:
    async with asyncio.timeout(timeout_s):
        while await done(kafka, prefix) < count:
            await asyncio.sleep(0.5)


async def watch(
    kafka: str, prefix: str, worker: WorkerProcess, resting: Memory, watch_s: float
) -> Memory:
    peak_mb, began_s, samples = resting.rest_mb, time.monotonic(), 0
    eaten = 0
    while eaten < resting.records and (passed_s := time.monotonic() - began_s) < watch_s:
        peak_mb = max(peak_mb, resident_mb(worker))
        samples += 1
        if samples % 10 == 0:
            # every other second, so that asking costs the worker nothing; markers are offsets, too
            eaten = max(0, await done(kafka, prefix) - WARM_RECORDS)
        await asyncio.sleep(SAMPLE_S)
    return replace(
        resting,
        peak_mb=peak_mb,
        ratio=round(peak_mb / resting.rest_mb, 3),
        eaten=eaten,
        records_per_s=round(eaten / passed_s),
    )


async def measure(
    kafka: str, prefix: str, worker: WorkerProcess, records: int, watch_s: float
) -> Memory:
    """Serve a few thousand, rest, then eat; until all is eaten, or for `watch_s`."""
    heap = Heap(kafka, prefix)
    await heap.start()
    try:
        await heap.fill(WARM_RECORDS)
        await heap.tip()
        await reached(kafka, prefix, WARM_RECORDS, 120)
        await heap.fill(records)
        await asyncio.sleep(REST_S)
        rest_mb = resident_mb(worker)
        await heap.tip()
        return await watch(
            kafka, prefix, worker, Memory(records, rest_mb, rest_mb, 1, 0, 0), watch_s
        )
    finally:
        await heap.stop()


async def main() -> None:
    """Measure on a broker of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--watch-s", type=float, default=60.0)
    asked = parser.parse_args()
    prefix = "backlog-"
    with tempfile.TemporaryDirectory() as folder, EmbeddedBroker(ephemeral=True) as broker:
        kafka = broker.bootstrap_servers
        await prepare_topics(settings_for(kafka, prefix), Events())
        with worker_processes(kafka, prefix, Path(folder)) as make:
            worker = make()
            await worker.logged("partitions_assigned")
            found = await measure(kafka, prefix, worker, asked.records, asked.watch_s)
    print(json.dumps(asdict(found)))


if __name__ == "__main__":
    asyncio.run(main())
