"""R: texts/s of tokenise and session alone, without Kafka, cleaning or heads; end to end is measured against it.

    python -m benchmarks.runtime --data FILE [--data FILE …] [--repeat 5]

For each file: int8 against fp32, one text per run against token budgets, on 1…N threads. Configurations take turns
within each repetition, so that a busy moment of the machine hits all of them. Prints JSON lines. Batches are cut from
all texts at once by the planner that serves: the least padding that it can reach.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.machine import describe, emit
from models.dataset import read_dataset
from models.encoder_graph import build_encoder, find_base_model
from models.runtime import Encoder
from stream.batching import cut_batches, device_limits

ONE_BY_ONE = 1  # a budget that every text is above: each runs alone
TOKENIZE_AT_ONCE = 64


@dataclass(frozen=True)
class Pace:
    """One measurement: wall-clock, and the processor time that neighbours on the machine cannot stretch."""

    texts_per_s: float
    cpu_ms_per_text: float
    padded_share: float


@dataclass
class Configuration:
    """One way to run, and what was measured of it."""

    encoder: Encoder
    threads: int
    max_batch_tokens: int
    paces: list[Pace] = field(default_factory=list[Pace])


def bare_texts_per_s(
    encoder: Encoder, texts: Sequence[str], threads: int, max_batch_tokens: int | None = None
) -> float:
    """Texts/s of the encoder alone, warm-up excluded.

    Args:
        encoder: loaded, on its device.
        texts: cleaned, as the model reads them.
        threads: runs side by side.
        max_batch_tokens: padded tokens per run; None: what serving takes on this device.
    """
    budget = max_batch_tokens or device_limits(encoder.provider, threads).max_batch_tokens
    encoder.warm_up(budget)
    return measure(encoder, texts, threads, budget).texts_per_s


def measure(encoder: Encoder, texts: Sequence[str], threads: int, max_batch_tokens: int) -> Pace:
    """Tokenise and embed all texts once."""
    parts = [
        texts[start : start + TOKENIZE_AT_ONCE] for start in range(0, len(texts), TOKENIZE_AT_ONCE)
    ]
    with ThreadPoolExecutor(threads, "runtime") as pool:
        start, start_cpu = time.perf_counter(), time.process_time()
        rows = [text.ids for part in pool.map(encoder.tokenize, parts) for text in part]
        batches = cut_batches([len(row) for row in rows], max_batch_tokens)
        jobs = [[rows[place] for place in batch] for batch in batches]
        done = sum(map(len, pool.map(encoder.embed, jobs)))
        wall_s, cpu_s = time.perf_counter() - start, time.process_time() - start_cpu
    assert done == len(texts), f"{done} of {len(texts)} texts came back; this is a bug"
    padded = sum(len(job) * len(job[0]) for job in jobs)
    return Pace(done / wall_s, 1000 * cpu_s / done, 1 - sum(map(len, rows)) / padded)


def main() -> None:
    """Build the encoder, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--texts", type=int, default=256, help="texts per file")
    parser.add_argument("--base-model", default=None)
    parser.add_argument("--max-length-tokens", type=int, default=256)
    parser.add_argument("--precisions", nargs="*", default=["int8", "fp32"])
    parser.add_argument("--threads", nargs="*", type=int, default=_thread_counts())
    parser.add_argument("--budgets", nargs="*", type=int, default=[ONE_BY_ONE, 128, 256, 512, 1024])
    args = parser.parse_args()
    base = find_base_model(args.base_model) if args.base_model else find_base_model()
    with tempfile.TemporaryDirectory() as folder:
        build_encoder(base, Path(folder), args.max_length_tokens, args.precisions)
        encoders = [Encoder(Path(folder), "auto", 1, precision) for precision in args.precisions]
        for data in args.data:
            texts = [row.text() for row in read_dataset([data]).rows[: args.texts]]
            ways = [
                Configuration(encoder, threads, budget)
                for encoder in encoders
                for threads in args.threads
                for budget in args.budgets
            ]
            _measure_in_turn(ways, texts, args.repeat)
            _report(data, texts, ways)


def _thread_counts() -> list[int]:
    cores = len(os.sched_getaffinity(0))
    return sorted({1, cores})


def _measure_in_turn(ways: Sequence[Configuration], texts: Sequence[str], repeat: int) -> None:
    for way in ways:
        way.encoder.warm_up(way.max_batch_tokens)
    for _ in range(repeat):
        for way in ways:
            way.paces.append(measure(way.encoder, texts, way.threads, way.max_batch_tokens))


def _report(data: Path, texts: Sequence[str], ways: Sequence[Configuration]) -> None:
    about = describe()
    tokens = ways[0].encoder.tokenize(texts)
    for way in ways:
        speeds = sorted(pace.texts_per_s for pace in way.paces)
        alone = way.max_batch_tokens == ONE_BY_ONE
        emit(
            "runtime",
            data=data.name,
            texts=len(texts),
            mean_tokens=round(statistics.mean(len(text.ids) for text in tokens), 1),
            truncated=sum(text.truncated for text in tokens),
            precision=way.encoder.precision,
            provider=way.encoder.provider,
            threads=way.threads,
            max_batch_tokens="one by one" if alone else way.max_batch_tokens,
            padded_share=round(way.paces[0].padded_share, 3),
            texts_per_s_median=round(statistics.median(speeds), 1),
            texts_per_s_min=round(speeds[0], 1),
            texts_per_s_max=round(speeds[-1], 1),
            cpu_ms_per_text_min=round(min(pace.cpu_ms_per_text for pace in way.paces), 3),
            repeats=len(speeds),
            **about,
        )


if __name__ == "__main__":
    main()
