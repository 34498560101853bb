"""The walk without a model: what decoding, cleaning and the transaction cost, in records per second and core.

    python -m benchmarks.walk --data FILE... [--records 20000] [--repeat 5] [--profile]

The whole walk in this process on the embedded broker; no tenant has a model, so each mail is answered by an abstention.
A core is a second of this process's own processor time, all threads together: neighbours on the machine cannot
stretch it much. `without cleaning` takes subject and body as they came. Prints JSON lines.
"""

import argparse
import asyncio
import cProfile
import pstats
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import uvloop

from benchmarks.machine import describe, emit
from benchmarks.mails import Mail, mails_of, send_all
from models.bundle import Bundle
from stream import classify
from stream.broker import EmbeddedBroker
from stream.classify import ReadOptions
from stream.clean import CleanNotes, CleanOptions
from stream.engine import Engine
from stream.kafka.admin import prepare_topics
from stream.metrics import Metrics
from stream.pipeline import Walk
from stream.records import CleanedEmail, InboundEmail, Source
from stream.settings import Settings

WARM_SHARE = 0.1


class NoEncoder:
    """What the engine asks an encoder before it has a text for it."""

    provider = "cpu"


class ForNobody:
    """A model of a tenant that no mail belongs to."""

    encoder = NoEncoder()


def as_it_came(
    email: InboundEmail, received_at: datetime, source: Source | None, _: CleanOptions
) -> tuple[CleanedEmail, CleanNotes]:
    """The mail's own words, uncleaned: the walk's share of the cost."""
    cleaned = CleanedEmail(
        id=email.id,
        tenant=email.tenant,
        customer_id=email.customer_id,
        thread_id=email.thread_id,
        kind="message",
        subject=email.subject or "",
        body=email.body or email.html or "",
        language=email.language,
        attributes=email.attributes,
        malformed_html=False,
        removed={},
        received_at=received_at,
        source=source,
    )
    return cleaned, CleanNotes(is_over_time=False, problem=None, text="", cuts=(), parts=())


@dataclass
class Costs:
    """Moments of the process: when, and how much processor time it had used."""

    wall_s: float = field(default_factory=time.monotonic)
    cpu_s: float = field(default_factory=time.process_time)


class Progress:
    """The walk's log: counts committed records and notes the costs at the two ends of the measured part."""

    def __init__(self, records: int) -> None:
        self._warm, self._records = int(records * WARM_SHARE), records
        self._committed = 0
        self.first_at = 0
        self.first: Costs | None = None
        self.last: Costs | None = None
        self.done = asyncio.Event()

    def __call__(self, event: str, **facts: Any) -> None:
        """Take one line of the log."""
        if event != "window_committed":
            return
        self._committed += int(facts["records"])
        if self.first is None and self._committed >= self._warm:
            self.first, self.first_at = Costs(), self._committed
        if self._committed >= self._records:
            self.last = Costs()
            self.done.set()

    @property
    def measured(self) -> int:
        """Records between the two ends."""
        return self._committed - self.first_at


async def walk_through(settings: Settings, mails: Sequence[Mail]) -> tuple[float, float]:
    """Let the walk eat all mails that wait.

    Returns:
        Records per second of processor time, and of wall-clock.
    """
    topics = await prepare_topics(settings, lambda *_, **__: None)
    await send_all(settings, mails)
    metrics, progress = Metrics(), Progress(len(mails))
    bundles = cast(Mapping[str, Bundle], {"nobody": ForNobody()})
    options = ReadOptions(CleanOptions(), settings.skip_kinds)
    walk = Walk(settings, Engine(bundles, options, metrics, 1), topics, metrics, progress)
    walking = asyncio.ensure_future(walk.run())
    done = asyncio.ensure_future(progress.done.wait())
    await asyncio.wait({walking, done}, return_when=asyncio.FIRST_COMPLETED)
    walk.stop()
    await walking
    first, last = progress.first, progress.last
    assert first is not None, "all was one window; ask for more records"
    assert last is not None, "the walk ended before the last record"
    return (
        progress.measured / (last.cpu_s - first.cpu_s),
        progress.measured / (last.wall_s - first.wall_s),
    )


def main() -> None:
    """Measure each file with and without cleaning, in turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--profile", action="store_true", help="where the loop's time goes")
    args = parser.parse_args()
    base = Settings(skip_kinds=frozenset(), topic_partitions=4)
    with EmbeddedBroker(ephemeral=True) as broker:
        runs = 0

        def once(mails: Sequence[Mail]) -> tuple[float, float]:
            nonlocal runs
            runs += 1
            names = {"topic_prefix": f"run{runs}-", "group_id": f"run{runs}", "worker_slot": 0}
            settings = base.model_copy(
                update={"kafka_bootstrap_servers": broker.bootstrap_servers, **names}
            )
            return uvloop.run(walk_through(settings, mails))

        for data in args.data:
            mails = mails_of(data, args.records)
            if args.profile:
                _profile(lambda mails=mails: once(mails))
                continue
            cleaned: list[tuple[float, float]] = []
            plain: list[tuple[float, float]] = []
            for _ in range(args.repeat):
                cleaned.append(once(mails))
                with patch.object(classify, "clean_with_notes", as_it_came):
                    plain.append(once(mails))
            _report(data, args.records, {"with cleaning": cleaned, "without": plain})


def _profile(run: Callable[[], object]) -> None:
    profile = cProfile.Profile()
    profile.enable()
    run()
    profile.disable()
    pstats.Stats(profile, stream=sys.stderr).sort_stats("tottime").print_stats(40)


def _report(data: Path, records: int, runs: Mapping[str, Sequence[tuple[float, float]]]) -> None:
    for name, speeds in runs.items():
        per_core = [speed for speed, _ in speeds]
        emit(
            "walk",
            data=data.name,
            records=records,
            way=name,
            records_per_s_and_core=round(statistics.median(per_core)),
            records_per_s_and_core_min=round(min(per_core)),
            records_per_s_wall=round(statistics.median(speed for _, speed in speeds)),
            repeats=len(speeds),
            **describe(),
        )


if __name__ == "__main__":
    main()
