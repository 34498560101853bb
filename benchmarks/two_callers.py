"""One customer calls twice, content and disappointed: what the model says after each fragment, and a plot of it.

    python -m benchmarks.two_callers [--calls 2000] [--pairs 200] [--out benchmarks/plots] [--models-dir FOLDER]

Trains on past calls of the built-in world, as `train-churn` does, and scores pairs of its live calls, as `score-calls`
does: same caller, profile and opening, word for word, until the agent solves the matter or refuses it. All of it is
synthetic. `two_callers.png` shows the pair whose distance at the end is the median of all English ones. Prints JSON
lines. Needs matplotlib, of the development environment.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")  # before pyplot: no display is needed

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from benchmarks.machine import describe, emit
from benchmarks.plots import INK
from benchmarks.runs import say
from models.bundle import Bundle
from models.churn.dataset import ChurnFiles
from models.churn.profile_rows import Profile
from models.churn.report import ChurnRequest
from models.train_churn import train_churn
from stream.calls.offline import FileCalls
from stream.cli.call_files import FileProfiles
from stream.cli.wiring import Loader, cores, warm_engine
from stream.metrics import Metrics
from stream.records import CallFragment, ChurnScore, Source, decode
from stream.settings import load_settings
from stream.simulate import Case, case, records_of, write_history
from stream.simulate.customers import Course
from stream.topics import CALL_TRANSCRIPTS

HERE = Path(__file__).parent
SEED = 1
NAME = "two-callers"
COURSES: tuple[Course, Course] = ("content", "disappointed")
COLOURS = {"content": "#0072B2", "disappointed": "#D55E00"}  # Okabe and Ito
LEAST_APART = 0.10


@dataclass(frozen=True)
class Told:
    """One call with its scores, one for each fragment that is spoken."""

    case: Case
    scores: tuple[ChurnScore, ...]

    @property
    def end(self) -> float:
        """The last probability."""
        return self.scores[-1].probability

    @property
    def strongest(self) -> int:
        """The turn that raised the probability most."""
        return max(range(len(self.scores)), key=lambda turn: self.scores[turn].contribution)


def main() -> None:
    """Train, score, tell, draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--out", type=Path, default=HERE / "plots")
    parser.add_argument(
        "--models-dir", type=Path, help="where encoders are kept (default: a new folder)"
    )
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(models_dir=args.models_dir or Path(folder) / "models")
        version = train(settings.models_path, Path(folder), args.calls)
        bundle = Loader(settings).load(f"{NAME}/{version}")
        engine = warm_engine({bundle.tenant: bundle}, settings, Metrics())
        pairs = asyncio.run(score_pairs(engine, bundle, args.pairs))
        engine.close()
    emit("two_callers", **figures(pairs), calls=args.calls, **describe())
    shown = median_pair([pair for pair in pairs if pair[0].case.language == "en"])
    for turn, (content, disappointed) in enumerate(
        zip(*(one.scores for one in shown), strict=False)
    ):
        say("turn", turn=turn, content=content.probability, disappointed=disappointed.probability)
    args.out.mkdir(parents=True, exist_ok=True)
    figure = draw(shown, f"model trained on {args.calls} calls of the built-in world; synthetic")
    figure.savefig(args.out / "two_callers.png", dpi=150, metadata={"Software": None})
    print(args.out / "two_callers.png", file=sys.stderr)


def train(models_dir: Path, folder: Path, calls: int) -> str:
    """Train on the world's past; the version."""
    files = write_history(folder / "past", calls, SEED)
    request = ChurnRequest(
        name=NAME,
        models_dir=models_dir,
        files=ChurnFiles(files.features, files.outcomes, files.profiles, files.calls),
        threads=cores(),
    )
    report = train_churn(
        request, lambda stage, done, total: None, lambda told: say("warning", told=told)
    )
    took_s = round(sum(report.seconds.values()))
    say("trained", took_s=took_s, candidate=report.candidate, **report.figures.figures)
    return report.version


async def score_pairs(engine: Any, bundle: Bundle, pairs: int) -> list[tuple[Told, Told]]:
    """The first live customers of the world, each as a content and as a disappointed caller."""
    found: list[tuple[Told, Told]] = []
    for number in islice(count(), pairs):
        one, other = [
            await score_call(engine, bundle, case(SEED, "live", number, course))
            for course in COURSES
        ]
        found.append((one, other))
    return found


async def score_call(engine: Any, bundle: Bundle, told: Case) -> Told:
    """One call, by the rooms of `score-calls`."""
    profiles = FileProfiles([Profile(told.tenant.name, told.customer_id, told.features)])
    said = [
        decode(record.value, CallFragment)
        for record in records_of(told)
        if record.topic == CALL_TRANSCRIPTS
    ]
    places = [
        (Source(topic="benchmark", partition=0, offset=at), one)
        for at, one in enumerate(said)
        if one.event == "segment"
    ]
    results = await FileCalls(engine, bundle, profiles).score(places, 0)
    scores = tuple(one for one in results if isinstance(one, ChurnScore))
    assert len(scores) == len(places) == len(told.turns), "every turn has a score"
    return Told(told, scores)


def figures(pairs: Sequence[tuple[Told, Told]]) -> dict[str, object]:
    """What holds over all pairs."""
    apart = sorted(disappointed.end - content.end for content, disappointed in pairs)
    after = [other.strongest >= other.case.turning_point for _, other in pairs]
    before = [
        abs(one.scores[turn].probability - other.scores[turn].probability)
        for one, other in pairs
        for turn in range(one.case.turning_point)
    ]
    return {
        "pairs": len(pairs),
        "apart_median": round(statistics.median(apart), 3),
        "apart_p10": round(apart[len(apart) // 10], 3),
        "share_10_points_apart": round(sum(one >= LEAST_APART for one in apart) / len(apart), 3),
        "share_right_direction": round(sum(one > 0 for one in apart) / len(apart), 3),
        "share_strongest_after_turning": round(sum(after) / len(after), 3),
        "apart_before_turning_max": round(max(before), 6),
        "end_content_mean": round(statistics.fmean(one.end for one, _ in pairs), 3),
        "end_disappointed_mean": round(statistics.fmean(one.end for _, one in pairs), 3),
    }


def median_pair(pairs: Sequence[tuple[Told, Told]]) -> tuple[Told, Told]:
    """The one in the middle by the distance at the end."""
    return sorted(pairs, key=lambda pair: pair[1].end - pair[0].end)[len(pairs) // 2]


def draw(pair: tuple[Told, Told], caption: str) -> Figure:
    """Probability over fragments, what was said at each, the turning point between."""
    figure, panels = plt.subplots(1, 2, figsize=(11, 4.6), width_ratios=(5, 6))
    panel, words = panels
    turning = pair[0].case.turning_point
    for told in pair:
        course = told.case.course
        values = [100 * one.probability for one in told.scores]
        mark = "o" if course == "content" else "D"
        panel.plot(
            range(1, len(values) + 1),
            values,
            f"{mark}-",
            color=COLOURS[course],
            markersize=5,
            linewidth=1.5,
        )
        panel.annotate(
            f"{course} {values[-1]:.0f} %",
            (len(values), values[-1]),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
            color=COLOURS[course],
        )
    panel.axvline(turning + 0.5, color="#BBBBBB", linestyle=":", linewidth=1)
    panel.set_ylim(0, 100)
    longest = max(len(told.scores) for told in pair)
    panel.set_xlim(0.5, longest + 3.5)
    panel.set_xticks(range(1, longest + 1))
    panel.set_xlabel("fragment", fontsize=9, color=INK)
    panel.set_ylabel("probability that the caller leaves, %", fontsize=9, color=INK)
    _transcript(words, pair, turning)
    panel.spines[["top", "right"]].set_visible(False)
    panel.tick_params(colors=INK, labelsize=8)
    origin = describe()
    figure.text(
        0.01,
        0.01,
        f"{caption}; {origin.get('machine', '')}, {origin.get('commit', '')}",
        fontsize=7,
        color=INK,
    )
    figure.tight_layout(rect=(0, 0.04, 1, 1))
    return figure


def _transcript(panel: Any, pair: tuple[Told, Told], turning: int) -> None:
    """What was said: the common opening, then each ending in its colour."""
    lines = [(turn, INK, pair[0]) for turn in range(turning)]
    for told in pair:
        lines += [
            (turn, COLOURS[told.case.course], told) for turn in range(turning, len(told.scores))
        ]
    panel.axis("off")
    step = 1 / max(len(lines), 14)
    for place, (turn, colour, told) in enumerate(lines):
        said = told.case.turns[turn]
        text = said.text if len(said.text) <= 62 else f"{said.text[:60]}…"
        moved = 100 * told.scores[turn].contribution
        panel.text(
            0,
            1 - step * (place + 0.5),
            f"{turn + 1:>2}  {moved:+5.1f}  {said.speaker:<8}  {text}",
            fontsize=7,
            family="monospace",
            color=colour,
            va="center",
            transform=panel.transAxes,
        )


if __name__ == "__main__":
    main()
