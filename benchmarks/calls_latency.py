"""From a fragment until its score is read, at shares of capacity, with e-mail beside it on the same worker.

    python -m benchmarks.calls_latency --train FILE --data FILE [--seconds 30] [--calls 2000] [--fragments-a-mail 4]

A text model learned from the file and a churn model learned from past calls of the built-in world are live; 50 calls of
the world are in progress at every moment, and their fragments come mixed with the file's mails, open-loop (Poisson).
Capacity is what a worker makes of the same mix when all of it waits; broker and clients then rest, who under load use
the same cores: `cores_used` says how much. Latency runs from the intended moment of sending
until a read_committed consumer has the answer. The bound is that of e-mail: 3 x (p99 of a window + p99 of a commit).
Prints JSON lines.
"""

import argparse
import asyncio
import itertools
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.end_to_end import backlog
from benchmarks.machine import describe, emit
from benchmarks.mails import Mail, mails_of, send_all
from benchmarks.runs import MODEL, SEED, Run, cpu_s, quantile, say, trained
from benchmarks.scrape import scrape
from benchmarks.swap import decide
from benchmarks.two_callers import NAME, train
from stream.broker import EmbeddedBroker
from stream.demo.worker_process import WorkerProcess
from stream.simulate import case, records_of
from stream.topics import CALL_TRANSCRIPTS, CUSTOMER_PROFILES

LOADS = (0.3, 0.7)
IN_PROGRESS = 50
WARM_SHARE = 0.2


def fragments() -> Iterator[list[Mail]]:
    """Calls of the world without end, 50 at a time, turn by turn; before a call's first fragment its profile."""
    numbers = itertools.count()
    calls = [_records(next(numbers)) for _ in range(IN_PROGRESS)]
    for place in itertools.cycle(range(IN_PROGRESS)):
        if not calls[place]:
            calls[place] = _records(next(numbers))
        records = calls[place]
        upto = next(n for n, one in enumerate(records) if one.topic == CALL_TRANSCRIPTS) + 1
        yield records[:upto]
        del records[:upto]


def _records(number: int) -> list[Mail]:
    made = [
        Mail(one.key or b"", one.value or b"", one.topic)
        for one in records_of(case(SEED, "live", number))
        if one.topic in {CALL_TRANSCRIPTS, CUSTOMER_PROFILES}
    ]
    last = max(n for n, one in enumerate(made) if one.topic == CALL_TRANSCRIPTS)
    return made[: last + 1]


def mixed(mails: list[Mail], count: int, fragments_a_mail: int) -> tuple[list[Mail], list[Mail]]:
    """So many records, and the profiles that they need."""
    told, own = fragments(), itertools.cycle(mails)
    load: list[Mail] = []
    profiles: list[Mail] = []
    for place in range(count):
        if place % (fragments_a_mail + 1) == 0:
            load.append(next(own))
            continue
        *known, said = next(told)
        profiles += known
        load.append(said)
    return load, profiles


async def prepared(run: Run, profiles: list[Mail]) -> None:
    """Topics, profiles, and both models live."""
    await run.prepare()
    await send_all(run.settings, profiles)
    for name in (MODEL, NAME):
        await decide(run.settings, "approve", f"{name}/1", "--force")


async def measure(
    run: Run, broker: EmbeddedBroker, worker: WorkerProcess, load: list[Mail], rate: float
) -> dict[str, object]:
    """Latencies of both kinds, ms, after the first fifth."""

    def clocks() -> tuple[float, ...]:
        return time.monotonic(), cpu_s(worker.pid), cpu_s(broker.pid), time.process_time()

    before, began = scrape(worker.metrics_port), clocks()
    moments = await run.moments_s(load, rate, [worker])
    grown = scrape(worker.metrics_port).since(before)
    took_s, *used_s = (after - then for after, then in zip(clocks(), began, strict=True))
    told = list(moments.items())[int(WARM_SHARE * len(load)) :]
    calls = run.settings.topic(CALL_TRANSCRIPTS)
    sides = ("worker", "broker", "clients")
    found: dict[str, object] = {
        "records_per_s": round(rate, 1),
        "cores_used": {
            side: round(used / took_s, 2) for side, used in zip(sides, used_s, strict=True)
        },
    }
    for name, is_call in (("fragment", True), ("mail", False)):
        own = [
            seen_s - due_s
            for cause, (due_s, seen_s) in told
            if cause.startswith(f"{calls}/") == is_call
        ]
        found |= {
            f"{name}s": len(own),
            f"{name}_p50_ms": round(1000 * quantile(own, 0.5), 1),
            f"{name}_p99_ms": round(1000 * quantile(own, 0.99), 1),
        }
    window_s = grown.quantile_s("record_latency", 0.99, stage="infer")
    commit_s = grown.quantile_s("commit", 0.99)
    return found | {
        "window_p99_ms": round(1000 * window_s, 1),
        "commit_p99_ms": round(1000 * commit_s, 1),
        "limit_ms": round(3000 * (window_s + commit_s), 1),
    }


async def main() -> None:
    """Run, print, end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--calls", type=int, default=2000, help="past calls to learn from")
    parser.add_argument("--records", type=int, default=3000, help="to measure the capacity with")
    parser.add_argument("--fragments-a-mail", type=int, default=4)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, EmbeddedBroker(ephemeral=True) as broker:
        folder = Path(name)
        base, _ = trained(args.train, folder)
        train(base.models_path, folder, args.calls)
        mails = mails_of(args.data, 1000)
        run = Run(broker, base, "capacity", folder)
        load, profiles = mixed(mails, args.records, args.fragments_a_mail)
        await prepared(run, profiles)
        # whole: mails and calls have equal shares of a window, so that the mails are answered first
        pace = await backlog(run, load, lambda run: run.worker(model=None), broker, 0.0)
        say("capacity", records_per_s=pace.records_per_s)
        for share in LOADS:
            rate = share * pace.records_per_s
            run = Run(broker, base, f"load{share:.0%}".rstrip("%"), folder)
            load, profiles = mixed(mails, int(rate * args.seconds), args.fragments_a_mail)
            await prepared(run, profiles)
            worker = run.worker(model=None)
            try:
                await asyncio.to_thread(worker.wait_ready)
                found = await measure(run, broker, worker, load, rate)
            finally:
                worker.stop()
            emit(
                "calls_latency",
                load=share,
                data=args.data.name,
                capacity_per_s=round(pace.records_per_s, 1),
                fragments_a_mail=args.fragments_a_mail,
                **found,
                **describe(),
            )


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
