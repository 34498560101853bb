"""A long, quiet day in: does the worker grow? Real worker process, mails of random length, memory by least squares.

`python -m tests.integration.faults.soak --seconds 3600 --model DIR/NAME` prints one JSON line; without `--model` the
worker is `tests.fake_worker`, without `--kafka` the broker is one of its own. Exit code 0: exactly once.
"""

import argparse
import asyncio
import json
import math
import random
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stream.broker import EmbeddedBroker
from stream.kafka.admin import prepare_topics
from stream.kafka.clients import plain_producer
from stream.topics import INBOUND_EMAILS
from tests.counting import count
from tests.walking import Events, mail, settings_for
from tests.worker_process import REPOSITORY, WorkerProcess

SAMPLE_EVERY_S = 10.0
WARM_UP_S = 600.0
MEDIAN_WORDS, SPREAD, MOST_WORDS = 60, 1.2, 5000
SENTENCE = (
    "the my card account transfer refund invoice please has not arrived yet today was charged twice and I would "
    "like to know when money comes back because it is urgent thank you for your help with this matter again"
)
WORDS = SENTENCE.split()


@dataclass(frozen=True)
class Sample:
    """What a process held at a moment."""

    at_s: float
    rss_mb: float
    handles: int
    threads: int


@dataclass(frozen=True)
class Soak:
    """The report of one soak."""

    worker: str
    seconds: float
    records: int
    rate_per_s: float
    answers: int
    letters: int
    faults: dict[str, Any]
    exit_code: int
    slope_mb_per_h: float | None
    rss_mb_after_warm_up: float
    rss_mb_end: float
    rss_mb_most: float
    handles: tuple[int, int]
    threads: tuple[int, int]
    rss_mb_by_minute: list[tuple[int, float]]


class RealWorker(WorkerProcess):
    """`switchboard worker` with a model from disk instead of the fake one."""

    def __init__(self, model: Path, kafka: str, prefix: str, log: Path) -> None:
        super().__init__(kafka, prefix, log, models_dir=model.parent)
        self._model = model.name

    def start(self) -> "RealWorker":
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "stream", "worker", "--model", self._model],
                cwd=REPOSITORY,
                env=self._environment,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        return self


def sample(pid: int, at_s: float) -> Sample:
    """Read /proc."""
    rows = (
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    )
    status = dict(rows)
    rss_mb = int(status["VmRSS"].split()[0]) / 1024
    return Sample(at_s, rss_mb, len([*Path(f"/proc/{pid}/fd").iterdir()]), int(status["Threads"]))


def slope_mb_per_h(samples: Sequence[Sample], warm_up_s: float) -> float | None:
    """Least squares over the samples after the warm-up; None when they are fewer than two."""
    kept = [found for found in samples if found.at_s >= warm_up_s]
    if len(kept) < 2:
        return None
    hours = np.array([found.at_s / 3600 for found in kept])
    return round(float(np.polyfit(hours, [found.rss_mb for found in kept], 1)[0]), 3)


def mails(seed: int) -> Iterator[tuple[bytes, bytes]]:
    """Mails without end: lengths log-normal, one in twenty HTML, one in a hundred no mail at all."""
    rng = random.Random(seed)
    number = 0
    while True:
        count = min(MOST_WORDS, int(rng.lognormvariate(math.log(MEDIAN_WORDS), SPREAD)) + 1)
        text = " ".join(rng.choices(WORDS, k=count))
        if rng.random() < 0.01:
            yield b"customer-%d" % (number % 97), b"no mail"
        elif rng.random() < 0.05:
            yield mail(number, html=f"<html><body><p>{text}</p></body></html>")
        else:
            yield mail(number, text)
        number += 1


async def send(
    kafka: str, prefix: str, worker: WorkerProcess, rate_per_s: float, seconds: float
) -> int:
    """Open-loop traffic for so long, or until the worker ends; returns how many records were acknowledged."""
    producer = plain_producer(settings_for(kafka, prefix))
    await producer.start()
    began_s, sent, pending = time.monotonic(), 0, []
    for key, value in mails(seed=7):
        ahead_s = sent / rate_per_s - (time.monotonic() - began_s)
        if ahead_s > 0:
            await asyncio.gather(*pending)
            pending = []
            await asyncio.sleep(max(ahead_s, 0.02))
        if time.monotonic() - began_s >= seconds or worker.code is not None:
            break
        pending.append(await producer.send(f"{prefix}{INBOUND_EMAILS}", value, key))
        sent += 1
    await producer.stop()
    await asyncio.gather(*pending)
    return sent


async def watch(worker: WorkerProcess, began_s: float) -> list[Sample]:
    """Sample until cancelled, or until the worker ends."""
    samples: list[Sample] = []
    try:
        while worker.code is None:
            assert worker.process is not None
            samples.append(sample(worker.process.pid, time.monotonic() - began_s))
            await asyncio.sleep(SAMPLE_EVERY_S)
    except asyncio.CancelledError:
        pass
    return samples


async def soak(
    kafka: str, worker: WorkerProcess, prefix: str, rate_per_s: float, seconds: float
) -> Soak:
    """Start the worker, send, sample, stop, and verify."""
    await prepare_topics(settings_for(kafka, prefix), Events())
    worker.start()
    try:
        await worker.logged("partitions_assigned", timeout_s=120)
        began_s = time.monotonic()
        watching = asyncio.ensure_future(watch(worker, began_s))
        records = await send(kafka, prefix, worker, rate_per_s, seconds)
        counted = await count(kafka, prefix, wait_s=120)
        watching.cancel()
        samples = await watching
        exit_code = worker.code if worker.code is not None else await worker.stop()
    finally:
        if worker.code is None:
            worker.kill()
    warm_up_s = min(WARM_UP_S, seconds / 3)
    warm = [found for found in samples if found.at_s >= warm_up_s] or samples[-1:]
    return Soak(
        worker=type(worker).__name__,
        seconds=round(samples[-1].at_s, 1),
        records=records,
        rate_per_s=rate_per_s,
        answers=counted.answers,
        letters=counted.letters,
        faults=counted.faults(),
        exit_code=exit_code,
        slope_mb_per_h=slope_mb_per_h(samples, warm_up_s),
        rss_mb_after_warm_up=round(warm[0].rss_mb, 1),
        rss_mb_end=round(warm[-1].rss_mb, 1),
        rss_mb_most=round(max(found.rss_mb for found in samples), 1),
        handles=(warm[0].handles, max(found.handles for found in warm)),
        threads=(warm[0].threads, max(found.threads for found in warm)),
        rss_mb_by_minute=[
            (round(found.at_s), round(found.rss_mb, 1))
            for found in samples[:: max(1, round(60 / SAMPLE_EVERY_S))]
        ],
    )


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Soak one worker; prints one JSON line.")
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--rate", type=float, default=60.0, help="records per second")
    parser.add_argument("--model", type=Path, help="DIR/NAME of a trained model")
    parser.add_argument("--kafka", help="host:port; default: a broker of its own")
    options = parser.parse_args()
    prefix = f"soak{uuid.uuid4().hex[:8]}-"
    broker = EmbeddedBroker(ephemeral=True)
    with tempfile.TemporaryDirectory(prefix="switchboard-soak-") as folder:
        log = Path(folder) / "worker.log"
        try:
            if options.kafka is None:
                broker.start()
            kafka = options.kafka or broker.bootstrap_servers
            worker = (
                RealWorker(options.model, kafka, prefix, log)
                if options.model
                else WorkerProcess(kafka, prefix, log)
            )
            report = asyncio.run(soak(kafka, worker, prefix, options.rate, options.seconds))
        finally:
            broker.stop()
    print(json.dumps(asdict(report)), flush=True)
    return 1 if report.faults or report.exit_code else 0


if __name__ == "__main__":
    sys.exit(main())
