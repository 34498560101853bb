"""Token budget against "pad to 128, batches of 32, wait 50 ms" and against one by one, on one artefact and its threads.

    python -m benchmarks.batching --data FILE [--data FILE …] [--repeat 5] [--texts 128] [--seconds 10]

For each file two questions. How many texts per second, with the work waiting; the ways take turns within each
repetition. And how long a text waits under an open-loop Poisson stream at a share of that way's own capacity: from the
intended moment of arrival until the last run of its window has ended, so that a stalled device cannot hide its delay.
Texts are tokens already and there is no Kafka; a text above 128 tokens is not cut for the second way, its batch grows
as wide as it. Prints JSON lines.
"""

import argparse
import asyncio
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.machine import describe, emit
from models.encoder.build import build_encoder, find_base_model
from models.rows.dataset import read_dataset
from models.runtime import Encoder
from stream.batching import cut_batches, device_limits

WINDOW_TEXTS = 64
FIXED_ROWS, FIXED_TOKENS, FIXED_WAIT_S = 32, 128, 0.05
MAX_LENGTH_TOKENS = 256
WARM_SHARE = 5  # the first fifth of a stream warms the way

Row = list[int]


@dataclass(frozen=True)
class Way:
    """One way to form batches.

    Args:
        name: in the figures.
        take: texts that are taken from those waiting, at most.
        wait_s: how long the first of them may wait for company.
        ahead: windows that may be on the device at once.
        cut: token rows of one window -> the rows of each run; rows come padded where the way pads.
    """

    name: str
    take: int
    wait_s: float
    ahead: int
    cut: Callable[[Sequence[Row]], list[list[Row]]]


@dataclass
class Measured:
    """What was seen of one way."""

    texts_per_s: list[float] = field(default_factory=list[float])
    cpu_ms_per_text: list[float] = field(default_factory=list[float])
    padded_tokens: int = 0


def ways(threads: int, max_batch_tokens: int, pad_id: int = 0) -> list[Way]:
    """The three, ours first."""

    def by_budget(rows: Sequence[Row]) -> list[list[Row]]:
        places = cut_batches([len(row) for row in rows], max_batch_tokens)
        return [[rows[place] for place in batch] for batch in places]

    def padded(rows: Sequence[Row]) -> list[list[Row]]:
        # A run costs the same whether the mask hides its padding or not, so padding can be tokens here.
        width = max(FIXED_TOKENS, *map(len, rows))
        return [[row + [pad_id] * (width - len(row)) for row in rows]]

    return [
        Way(f"budget of {max_batch_tokens} tokens", WINDOW_TEXTS, 0.0, 2, by_budget),
        Way("pad to 128, 32 texts, 50 ms", FIXED_ROWS, FIXED_WAIT_S, threads, padded),
        Way("one by one", 1, 0.0, threads, lambda rows: [[row] for row in rows]),
    ]


def throughput(encoder: Encoder, way: Way, rows: Sequence[Row], pool: ThreadPoolExecutor) -> float:
    """Texts per second when all of them wait."""
    windows = [rows[start : start + way.take] for start in range(0, len(rows), way.take)]
    start_s = time.perf_counter()
    done = sum(map(len, pool.map(encoder.embed, [run for w in windows for run in way.cut(w)])))
    assert done == len(rows), f"{done} of {len(rows)} texts came back; this is a bug"
    return done / (time.perf_counter() - start_s)


def arrivals(count: int, rate_per_s: float, seed: int) -> list[float]:
    """Intended moments of a Poisson stream, in seconds from its begin."""
    draw, moment_s = random.Random(seed), 0.0
    return [moment_s := moment_s + draw.expovariate(rate_per_s) for _ in range(count)]


class Stream:
    """Texts that arrive by the clock, and one way to serve them."""

    def __init__(
        self, way: Way, embed: Callable[[Sequence[Row]], object], pool: ThreadPoolExecutor
    ) -> None:
        self._way, self._embed, self._pool = way, embed, pool
        self._waiting: list[tuple[float, Row]] = []  # intended moment of arrival, tokens
        self._came = asyncio.Event()
        self._room = asyncio.Semaphore(way.ahead)

    async def serve(self, rows: Sequence[Row], moments_s: Sequence[float]) -> list[float]:
        """Seconds that each text waited for its answer, in order of the answers."""
        self._waits_s: list[float] = []
        begin_s = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._arrive(rows, [begin_s + moment for moment in moments_s]))
            taken = 0
            while taken < len(rows):
                await self._room.acquire()
                window = await self._take()
                taken += len(window)
                tasks.create_task(self._run(window))
        return self._waits_s

    async def _arrive(self, rows: Sequence[Row], moments_s: Sequence[float]) -> None:
        for row, due_s in zip(rows, moments_s, strict=True):
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            self._waiting.append((due_s, row))
            self._came.set()

    async def _take(self) -> list[tuple[float, Row]]:
        while not self._waiting:
            self._came.clear()
            await self._came.wait()
        until_s = self._waiting[0][0] + self._way.wait_s
        while len(self._waiting) < self._way.take and (left_s := until_s - time.monotonic()) > 0:
            self._came.clear()
            try:
                async with asyncio.timeout(left_s):
                    await self._came.wait()
            except TimeoutError:
                break
        window = self._waiting[: self._way.take]
        del self._waiting[: len(window)]
        return window

    async def _run(self, window: Sequence[tuple[float, Row]]) -> None:
        loop = asyncio.get_running_loop()
        runs = self._way.cut([row for _, row in window])
        await asyncio.gather(*(loop.run_in_executor(self._pool, self._embed, run) for run in runs))
        now_s = time.monotonic()
        self._waits_s.extend(now_s - due_s for due_s, _ in window)
        self._room.release()


def main() -> None:
    """Measure each file, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--texts", type=int, default=128, help="texts per file")
    parser.add_argument("--load", type=float, default=0.7, help="share of each way's capacity")
    parser.add_argument("--seconds", type=float, default=10, help="of each stream; 0: none")
    args = parser.parse_args()
    threads = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        build_encoder(find_base_model(), Path(folder), MAX_LENGTH_TOKENS, ["int8"])
        encoder = Encoder(Path(folder), "cpu", threads)
        budget = device_limits(encoder.provider, threads).max_batch_tokens
        encoder.warm_up(budget)
        with ThreadPoolExecutor(threads, "device") as pool:
            for data in args.data:
                texts = [row.text() for row in read_dataset([data]).rows[: args.texts]]
                rows = [text.ids for text in encoder.tokenize(texts)]
                seen = {way: Measured() for way in ways(threads, budget)}
                for _ in range(args.repeat):
                    for way, measured in seen.items():
                        _measure(encoder, way, rows, pool, measured)
                _report(data, rows, seen)
                for way, measured in seen.items() if args.seconds else ():
                    rate_per_s = args.load * statistics.median(measured.texts_per_s)
                    count = max(FIXED_ROWS, int(rate_per_s * args.seconds))
                    stream = [rows[number % len(rows)] for number in range(count)]
                    moments_s = arrivals(count, rate_per_s, seed=count)
                    waits_s = asyncio.run(Stream(way, encoder.embed, pool).serve(stream, moments_s))
                    _report_waits(data, way, rate_per_s, args.load, waits_s)


def _measure(
    encoder: Encoder, way: Way, rows: Sequence[Row], pool: ThreadPoolExecutor, measured: Measured
) -> None:
    start_cpu_s = time.process_time()
    measured.texts_per_s.append(throughput(encoder, way, rows, pool))
    measured.cpu_ms_per_text.append(1000 * (time.process_time() - start_cpu_s) / len(rows))
    windows = [rows[start : start + way.take] for start in range(0, len(rows), way.take)]
    runs = [run for window in windows for run in way.cut(window)]
    measured.padded_tokens = sum(len(run) * max(map(len, run)) for run in runs)


def _report(data: Path, rows: Sequence[Row], seen: dict[Way, Measured]) -> None:
    useful_tokens = sum(map(len, rows))
    ours = next(iter(seen.values()))
    for way, measured in seen.items():
        ratios = [a / b for a, b in zip(ours.texts_per_s, measured.texts_per_s, strict=True)]
        emit(
            "batching",
            data=data.name,
            way=way.name,
            texts=len(rows),
            mean_tokens=round(useful_tokens / len(rows), 1),
            texts_per_s=round(statistics.median(measured.texts_per_s), 1),
            cpu_ms_per_text_min=round(min(measured.cpu_ms_per_text), 3),
            useful_share=round(useful_tokens / measured.padded_tokens, 3),
            budget_is_faster_by=round(statistics.median(ratios), 3),
            budget_is_faster_by_min=round(min(ratios), 3),
            repeats=len(ratios),
            **describe(),
        )


def _report_waits(
    data: Path, way: Way, rate_per_s: float, load: float, waits_s: Sequence[float]
) -> None:
    settled = sorted(waits_s[len(waits_s) // WARM_SHARE :])
    emit(
        "batching_waits",
        data=data.name,
        way=way.name,
        load=load,
        rate_per_s=round(rate_per_s, 1),
        texts=len(settled),
        p50_ms=round(1000 * settled[len(settled) // 2], 1),
        p99_ms=round(1000 * settled[int(0.99 * len(settled))], 1),
        **describe(),
    )


if __name__ == "__main__":
    main()
