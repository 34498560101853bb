"""A model that goes live under load: what is lost, doubled or answered by the wrong version, and what the others wait.

    python -m benchmarks.swap --train FILE --data FILE [--rate 30] [--every 20] [--swaps 3]

A real worker follows `model-deployments`; mail comes open-loop (Poisson) all the time while versions are approved by
`switchboard models approve` and one is taken back by `rollback`. Every classification names its version: it must be
one that was live between the sending of its mail and the answer. Latencies are from the intended moment of sending,
before the first swap, in the 10 s from each approval on, and in the rest. Prints a JSON line.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from benchmarks.machine import describe, emit
from benchmarks.mails import Mail, mails_of
from benchmarks.runs import MODEL, Run, quantile, say, trained
from benchmarks.scrape import scrape
from models.train import train
from models.training.report import TrainRequest
from stream.broker import EmbeddedBroker
from stream.cli.wiring import cores
from stream.demo.worker_process import WorkerProcess, environment_of
from stream.kafka.clients import reader
from stream.outputs import OUTPUT_ID
from stream.settings import Settings
from stream.topics import CLASSIFICATIONS, DEAD_LETTERS

BEFORE_S = 15.0
LOADING_S = 10.0


@dataclass(frozen=True)
class Swap:
    """One decision: the version it makes live, when the command began, when the worker's metrics showed it."""

    version: str
    asked_s: float
    live_s: float


async def decide(settings: Settings, *words: str) -> None:
    """`switchboard models …` as a person types it."""
    command = [
        sys.executable,
        "-m",
        "stream",
        "models",
        *words,
        "--by",
        "bench",
        "--reason",
        "swap",
    ]
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, **environment_of(settings)},
        stdout=subprocess.DEVNULL,
    )
    if await process.wait():
        raise RuntimeError(f"{' '.join(words)} ended with {process.returncode}")


async def until_live(worker: WorkerProcess, version: str) -> float:
    """The moment when the worker's metrics show the version."""
    while True:
        shown = (await asyncio.to_thread(scrape, worker.metrics_port)).samples
        for (name, labels), value in shown.items():
            if name == "switchboard_model_info" and value and dict(labels)["version"] == version:
                return time.monotonic()
        await asyncio.sleep(0.1)


async def swap_under_load(
    run: Run, worker: WorkerProcess, count: int, every_s: float
) -> list[Swap]:
    """Approve versions 2, 3, … and take the last one back."""
    await asyncio.sleep(BEFORE_S)
    swaps: list[Swap] = []
    words = [("approve", f"{MODEL}/{number}", "--force") for number in range(2, count + 2)]
    for place, each in enumerate([*words, ("rollback", MODEL)]):
        version = str(min(place + 2, count + 1) if each[0] == "approve" else count)
        asked_s = time.monotonic()
        await decide(run.settings, *each)
        swaps.append(Swap(version, asked_s, await until_live(worker, version)))
        say(each[0], version=version, live_after_s=round(swaps[-1].live_s - asked_s, 2))
        await asyncio.sleep(every_s)
    return swaps


async def versions_by_cause(settings: Settings) -> tuple[dict[str, str], int, int]:
    """Version by output id, and how many outputs were doubled or dead letters."""
    consumer = reader(settings, auto_offset_reset="earliest")
    await consumer.start()
    names = [settings.topic(name) for name in (CLASSIFICATIONS, DEAD_LETTERS)]
    consumer.subscribe(names)
    seen: Counter[str] = Counter()
    versions: dict[str, str] = {}
    dead = 0
    try:
        while found := await consumer.getmany(timeout_ms=3000):
            for place, records in found.items():
                for record in records:
                    cause = dict(record.headers)[OUTPUT_ID].decode()
                    seen[cause] += 1
                    if place.topic == names[1]:
                        dead += 1
                    else:
                        versions[cause] = orjson.loads(record.value)["model"]["version"]
    finally:
        await consumer.stop()
    return versions, sum(times - 1 for times in seen.values()), dead


def foreign(
    moments: Mapping[str, tuple[float, float]], versions: Mapping[str, str], swaps: Sequence[Swap]
) -> int:
    """Answers by a version that was not live at any moment between a mail's sending and its answer."""
    lives = [("1", 0.0, swaps[0].live_s)]
    ends = [swap.live_s for swap in swaps[1:]] + [float("inf")]
    lives += [(swap.version, swap.asked_s, end) for swap, end in zip(swaps, ends, strict=True)]
    return sum(
        not any(
            versions[cause] == version and begin_s <= seen_s and due_s <= end_s
            for version, begin_s, end_s in lives
        )
        for cause, (due_s, seen_s) in moments.items()
        if cause in versions
    )


async def main() -> None:
    """Run, print, end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rate", type=float, default=30)
    parser.add_argument("--every", type=float, default=20, help="seconds between two decisions")
    parser.add_argument("--swaps", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, EmbeddedBroker(ephemeral=True) as broker:
        folder = Path(name)
        base, _ = trained(args.train, folder)
        for seed in range(1, args.swaps + 1):
            train(
                TrainRequest(
                    name=MODEL,
                    models_dir=base.models_dir,
                    data=[args.train],
                    threads=cores(),
                    seed=seed,
                ),
                lambda *_: None,
            )
        run = Run(broker, base, "swap", folder)
        await run.prepare()
        await decide(run.settings, "approve", f"{MODEL}/1")
        worker = run.worker(model=None)
        try:
            await asyncio.to_thread(worker.wait_ready)
            figures = await _measure(run, worker, args)
        finally:
            worker.stop()
    emit(
        "swap", data=args.data.name, rate_per_s=args.rate, swaps=args.swaps, **figures, **describe()
    )


async def _measure(run: Run, worker: WorkerProcess, args: argparse.Namespace) -> dict[str, object]:
    seconds = BEFORE_S + (args.swaps + 1) * (args.every + 5)
    mails: list[Mail] = mails_of(args.data, int(seconds * args.rate))
    load = asyncio.create_task(run.moments_s(mails, args.rate, [worker]))
    swaps = await swap_under_load(run, worker, args.swaps, args.every)
    moments = await load
    versions, doubled, dead = await versions_by_cause(run.settings)

    def p99_ms(is_meant: Callable[[float], bool]) -> float:
        chosen = [seen_s - due_s for due_s, seen_s in moments.values() if is_meant(due_s)]
        return round(1000 * quantile(chosen, 0.99), 1)

    def is_loading(due_s: float) -> bool:
        return any(swap.asked_s <= due_s < swap.asked_s + LOADING_S for swap in swaps)

    begin_s = swaps[0].asked_s
    return {
        "records": len(mails),
        "lost": len(mails) - len(versions) - dead,
        "doubled": doubled,
        "dead_letters": dead,
        "by_version": dict(sorted(Counter(versions.values()).items())),
        "live_after_s": [round(swap.live_s - swap.asked_s, 2) for swap in swaps],
        "wrong_version": foreign(moments, versions, swaps),
        "p99_before_ms": p99_ms(lambda due_s: due_s < begin_s),
        "p99_loading_ms": p99_ms(is_loading),
        "p99_after_ms": p99_ms(lambda due_s: due_s >= begin_s and not is_loading(due_s)),
    }


if __name__ == "__main__":
    asyncio.run(main())
