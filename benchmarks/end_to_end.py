"""Kafka to Kafka against the runtime alone and against at-least-once: what exactly-once, cleaning and Kafka cost.

    python -m benchmarks.end_to_end --train FILE --data FILE [--records 1000] [--repeat 5] [--walk-only]

A real broker and a real worker process on this machine find all mails waiting. All three sides use the same texts,
the same artefact, the same rule of independence and the same number of threads, and take turns within one run. Says
also where the processor time of a record went: worker, broker, the reader of the answers. Prints a JSON line, with
every turn: on a machine with neighbours the medians of the turns, the best of each side and the least processor time
of each side say different things, and all three are there.
"""

import argparse
import asyncio
import contextlib
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import describe, emit
from benchmarks.mails import Mail, mails_of, send_all, texts_of
from benchmarks.runs import Run, cpu_s, say, trained
from benchmarks.runtime import Pace, measure
from models.bundle import Bundle
from stream.batching import device_limits
from stream.broker import EmbeddedBroker
from stream.cli.wiring import cores
from stream.demo.worker_process import WorkerProcess

WARM_SHARE = 0.12


@dataclass(frozen=True)
class Throughput:
    """Records per second of wall-clock, and processor milliseconds per record by process."""

    records_per_s: float
    worker_ms: float
    broker_ms: float
    reader_ms: float


async def backlog(
    run: Run,
    mails: Sequence[Mail],
    start: Callable[[Run], WorkerProcess],
    broker: EmbeddedBroker,
    warm_share: float = WARM_SHARE,
) -> Throughput:
    """The pace of a worker that finds all mails waiting, after its first tenth, or another share."""
    await run.prepare()
    await send_all(run.settings, mails)
    worker = start(run)

    def clocks() -> tuple[float, ...]:
        return time.monotonic(), cpu_s(worker.pid), cpu_s(broker.pid), time.process_time()

    first = last = clocks()
    warm_at = seen = 0
    try:
        polls = run.polls([worker], poll_wait_ms=250, started=asyncio.Event())
        async with contextlib.aclosing(polls):
            async for answers in polls:
                seen += len(answers)
                if not warm_at and seen >= warm_share * len(mails):
                    first, warm_at = clocks(), seen
                if seen == len(mails):
                    break
            last = clocks()
    finally:
        worker.stop()
    records = len(mails) - warm_at
    wall_s, *costs_s = (after - before for before, after in zip(first, last, strict=True))
    return Throughput(records / wall_s, *(1000 * cost_s / records for cost_s in costs_s))


async def main() -> None:
    """Run, print, end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--records", type=int, default=1000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--walk-only", action="store_true", help="without Faust beside the walk")
    args = parser.parse_args()
    extra = ["--walk-only"] if args.walk_only else []
    ways: dict[str, Callable[[Run], WorkerProcess]] = {
        "exactly_once": lambda run: run.worker(0, *extra),
        "at_least_once": lambda run: run.worker(0, *extra, program="benchmarks.at_least_once"),
    }
    with tempfile.TemporaryDirectory() as name, EmbeddedBroker(ephemeral=True) as broker:
        folder = Path(name)
        base, bundle = trained(args.train, folder)
        mails = mails_of(args.data, args.records)
        texts = texts_of(mails, bundle)
        budget = device_limits(bundle.encoder.provider, cores()).max_batch_tokens
        bundle.encoder.warm_up(budget)
        bare: list[Pace] = []
        paces: dict[str, list[Throughput]] = {way: [] for way in ways}
        for turn in range(args.repeat):
            bare.append(measure(bundle.encoder, texts, cores(), budget))
            for way, start in ways.items():
                run = Run(broker, base, f"{way}-{turn}", folder)
                paces[way].append(await backlog(run, mails, start, broker))
            say("turn", bare=bare[-1], **{way: done[-1] for way, done in paces.items()})
    emit(
        "end_to_end",
        data=args.data.name,
        mean_tokens=_mean_tokens(bundle, texts),
        records=args.records,
        repeats=args.repeat,
        faust=not args.walk_only,
        **_figures(bare, paces["exactly_once"], paces["at_least_once"]),
        **describe(),
    )


def _figures(
    bare: Sequence[Pace], exactly: Sequence[Throughput], loose: Sequence[Throughput]
) -> dict[str, object]:
    rates = {
        "bare_texts_per_s": [pace.texts_per_s for pace in bare],
        "exactly_once_per_s": [pace.records_per_s for pace in exactly],
        "at_least_once_per_s": [pace.records_per_s for pace in loose],
    }
    alone, ours, without = rates.values()
    costs_ms = [pace.worker_ms + pace.broker_ms + pace.reader_ms for pace in exactly]
    return {
        **{name: round(statistics.median(values), 1) for name, values in rates.items()},
        "to_bare": _ratios(ours, alone),
        "to_at_least_once": _ratios(ours, without),
        "least_cpu_to_bare": round(min(p.cpu_ms_per_text for p in bare) / min(costs_ms), 3),
        "least_cpu_ms": {
            "bare": round(min(pace.cpu_ms_per_text for pace in bare), 2),
            "worker": round(min(pace.worker_ms for pace in exactly), 2),
            "broker": round(min(pace.broker_ms for pace in exactly), 2),
            "reader": round(min(pace.reader_ms for pace in exactly), 2),
        },
        "turns": {name: [round(value, 1) for value in values] for name, values in rates.items()},
    }


def _mean_tokens(bundle: Bundle, texts: Sequence[str]) -> float:
    return round(statistics.mean(len(row.ids) for row in bundle.encoder.tokenize(texts)), 1)


def _ratios(ours: Sequence[float], theirs: Sequence[float]) -> dict[str, float]:
    paired = [a / b for a, b in zip(ours, theirs, strict=True)]
    return {
        "median": round(statistics.median(paired), 3),
        "min": round(min(paired), 3),
        "max": round(max(paired), 3),
        "best_to_best": round(max(ours) / max(theirs), 3),
    }


if __name__ == "__main__":
    asyncio.run(main())
