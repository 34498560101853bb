"""Latency under open load: at shares of capacity, split by stage; of one mail on an idle worker; beside a bulk load.

    python -m benchmarks.latency --train FILE --data FILE [--capacity RECORDS_PER_S] [--seconds 30] [--bulk 100000]

Latency runs from the intended moment of sending (Poisson, seeded) until a read_committed consumer has the answer.
The split comes from the worker's own metrics. One JSON line per measurement.
"""

import argparse
import asyncio
import itertools
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.end_to_end import backlog
from benchmarks.machine import describe, emit
from benchmarks.mails import Mail, mails_of, send_all, texts_of
from benchmarks.runs import Run, quantile, say, trained
from benchmarks.scrape import Scrape, scrape
from models.bundle import Bundle
from stream.broker import EmbeddedBroker
from stream.demo.worker_process import WorkerProcess
from stream.metrics import STAGES
from stream.topics import INBOUND_EMAILS_BULK

LOADS = (0.3, 0.7, 0.9, 1.0)
WARM_SHARE = 0.2
IDLE_MAILS, IDLE_GAP_S = 60, 0.25
BULK_LOAD = 0.3


@dataclass
class Bench:
    """What all measurements share."""

    run: Run
    worker: WorkerProcess
    mails: Sequence[Mail]
    facts: dict[str, object]

    async def load(self, rate_per_s: float, seconds: float) -> tuple[list[float], Scrape]:
        """Latencies in seconds after the first fifth, and what the worker's metrics grew by meanwhile."""
        count = max(50, int(rate_per_s * seconds))
        before = scrape(self.worker.metrics_port)
        mails = list(itertools.islice(itertools.cycle(self.mails), count))
        found = await self.run.latencies_s(mails, rate_per_s, [self.worker])
        latencies = [latency_s for _, latency_s in found][int(WARM_SHARE * count) :]
        return latencies, scrape(self.worker.metrics_port).since(before)

    def report(
        self, name: str, latencies_s: Sequence[float], grown: Scrape, **more: object
    ) -> None:
        """One line."""
        emit(
            name,
            p50_ms=_ms(quantile(latencies_s, 0.5)),
            p99_ms=_ms(quantile(latencies_s, 0.99)),
            max_ms=_ms(max(latencies_s)),
            records=len(latencies_s),
            stages_ms={stage: _ms(grown.mean_s("record_latency", stage=stage)) for stage in STAGES},
            clean_p50_ms=_ms(grown.quantile_s("record_latency", 0.5, stage="clean")),
            clean_p99_ms=_ms(grown.quantile_s("record_latency", 0.99, stage="clean")),
            window_p99_ms=_ms(grown.quantile_s("record_latency", 0.99, stage="infer")),
            commit_p99_ms=_ms(grown.quantile_s("commit", 0.99)),
            records_per_window=round(grown.mean_s("window", unit="records"), 1),
            **more,
            **self.facts,
        )


async def main() -> None:
    """Run, print, end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--records", type=int, default=1000, help="to measure the capacity with")
    parser.add_argument("--capacity", type=float, help="records/s, instead of measuring it")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--bulk", type=int, default=0, help="bulk mails that wait; 0: not measured")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, EmbeddedBroker(ephemeral=True) as broker:
        folder = Path(name)
        base, bundle = trained(args.train, folder)
        mails = mails_of(args.data, args.records)
        capacity = args.capacity
        if capacity is None:
            run = Run(broker, base, "capacity", folder)
            pace = await backlog(run, mails, lambda run: run.worker(), broker)
            capacity = pace.records_per_s
            say("capacity", records_per_s=capacity)
        run = Run(broker, base, "latency", folder)
        await run.prepare()
        worker = run.worker()
        try:
            await asyncio.to_thread(worker.wait_ready)
            facts = {"data": args.data.name, "capacity_per_s": round(capacity, 1), **describe()}
            bench = Bench(run, worker, mails, facts)
            await bench.load(0.5 * capacity, 10)
            for load in LOADS:
                latencies, grown = await bench.load(load * capacity, args.seconds)
                bench.report("latency", latencies, grown, load=load)
            await _idle(bench, bundle)
            if args.bulk:
                await _beside_bulk(bench, capacity, args.seconds, args.bulk)
        finally:
            worker.stop()


async def _idle(bench: Bench, bundle: Bundle) -> None:
    """One mail at a time against tokenising and running its text alone, in this process and in the same minute."""
    mails = list(bench.mails[:IDLE_MAILS])
    alone_s = _alone_s(bundle, texts_of(mails, bundle))
    before = scrape(bench.worker.metrics_port)
    found = await bench.run.latencies_s(mails, 1 / IDLE_GAP_S, [bench.worker])
    grown = scrape(bench.worker.metrics_port).since(before)
    latencies = [latency_s for _, latency_s in found]
    # two mails that meet are no longer alone: the middle of the distribution is
    beyond_ms = _ms(quantile(latencies, 0.5) - statistics.median(alone_s))
    alone_ms = _ms(statistics.median(alone_s))
    bench.report("idle", latencies, grown, alone_ms=alone_ms, beyond_alone_ms=beyond_ms)


def _alone_s(bundle: Bundle, texts: Sequence[str]) -> list[float]:
    taken: list[float] = []
    for text in texts:
        start = time.perf_counter()
        bundle.encoder.embed([bundle.encoder.tokenize([text])[0].ids])
        taken.append(time.perf_counter() - start)
    return taken


async def _beside_bulk(bench: Bench, capacity: float, seconds: float, bulk: int) -> None:
    """Live mail alone, then the same live load while bulk mail waits the whole time."""
    rate = BULK_LOAD * capacity
    alone, grown = await bench.load(rate, seconds)
    bench.report("live_alone", alone, grown, load=BULK_LOAD)
    mails = itertools.islice(itertools.cycle(bench.mails), bulk)
    waiting = [replace(mail, topic=INBOUND_EMAILS_BULK) for mail in mails]
    await send_all(bench.run.settings, waiting)
    beside, grown = await bench.load(rate, seconds)
    one_window_s = grown.quantile_s("record_latency", 0.99, stage="infer")
    allowed_s = 1.5 * quantile(alone, 0.99) + one_window_s
    bench.report(
        "live_beside_bulk", beside, grown, load=BULK_LOAD, bulk=bulk, allowed_p99_ms=_ms(allowed_s)
    )


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 1)


if __name__ == "__main__":
    asyncio.run(main())
