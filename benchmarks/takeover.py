"""How long records wait when a worker dies or joins: with slots, without, and while the group shares anew.

    python -m benchmarks.takeover --train FILE --data FILE [--repeat 5] [--rate 20]

Two real workers under open load. `kill_slot`: kill -9 and start again at once under the same slot; `kill_dynamic`:
kill -9 of a worker without a slot, nobody starts it again; `join`: a third worker joins. The wait is the longest
latency of a record meant to be sent from 2 s before the event on. Prints JSON lines.
"""

import argparse
import asyncio
import itertools
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.machine import describe, emit
from benchmarks.mails import Mail, mails_of
from benchmarks.runs import Run, quantile, say, trained
from stream.broker import EmbeddedBroker

BEFORE_S, AFTER_S = 8.0, 25.0
EVENTS = ("kill_slot", "kill_dynamic", "join")
LOOK_BACK_S = 2.0


async def once(run: Run, event: str, mails: Sequence[Mail], rate_per_s: float) -> dict[str, float]:
    """One event under load.

    Returns:
        `wait_s`, the longest latency around it; `p99_s` of the records meant for the 10 s from it on; for a restart
        `ready_s`: from the kill until the new process is ready.
    """
    await run.prepare()
    slots: list[int | None] = [None, None] if event == "kill_dynamic" else [0, 1]
    workers = [run.worker(slot) for slot in slots]
    ready_s = 0.0
    count = int(rate_per_s * (BEFORE_S + AFTER_S))
    mails = list(itertools.islice(itertools.cycle(mails), count))
    watched = list(workers)
    try:
        for worker in workers:
            await asyncio.to_thread(worker.wait_ready)
        load = asyncio.create_task(run.latencies_s(mails, rate_per_s, watched))
        await asyncio.sleep(BEFORE_S)
        event_s = time.monotonic()
        if event == "join":
            workers.append(run.worker(2))
        else:
            watched.remove(workers[0])
            workers[0].kill()
        if event == "kill_slot":
            workers.append(run.worker(0))
            await asyncio.to_thread(workers[-1].wait_ready)
            ready_s = time.monotonic() - event_s
        found = await load
    finally:
        for worker in workers:
            worker.stop()
    near = [latency_s for due_s, latency_s in found if due_s > event_s - LOOK_BACK_S]
    soon = [latency_s for due_s, latency_s in found if 0 < due_s - event_s < 10]
    return {"wait_s": max(near), "p99_s": quantile(soon, 0.99), "ready_s": ready_s}


async def main() -> None:
    """Run, print, end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--rate", type=float, default=20)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, EmbeddedBroker(ephemeral=True) as broker:
        folder = Path(name)
        base, _ = trained(args.train, folder)
        mails = mails_of(args.data, 500)
        for event in EVENTS:
            runs = []
            for turn in range(args.repeat):
                run = Run(broker, base, f"{event}-{turn}", folder)
                runs.append(await once(run, event, mails, args.rate))
                say(event, **runs[-1])
            emit(
                "takeover",
                event=event,
                repeats=args.repeat,
                rate_per_s=args.rate,
                **{
                    f"{name}_{what}": round(function(run[name] for run in runs), 2)
                    for name in ("wait_s", "p99_s", "ready_s")
                    for what, function in (("median", statistics.median), ("max", max))
                },
                **describe(),
            )


if __name__ == "__main__":
    asyncio.run(main())
