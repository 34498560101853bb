"""Result lines of `benchmarks.recipes`: what one head of one training answered, and how far two recipes differ.

A difference is the mean of a recipe's seeds minus that of the other one. Whether chance explains it is asked by the
paired permutation test of `models compare`; the interval beside it is a paired bootstrap over test rows (all models
meet the same draws), to which labels with one row add no width.
"""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from models.evaluation.permutation import permutation_p
from models.evaluation.resampling import METRICS, interval_of, resample, sample_of, score
from models.evaluation.significance import SIGNIFICANCE

BASELINES = ("words", "frozen")
OURS = ("quick", "balanced", "best")
RECIPES = (*BASELINES, *OURS)
SEED = 0


class HeadRun(msgspec.Struct, frozen=True, kw_only=True):
    """One head of one training, measured on the test part.

    Args:
        majority: share of the most frequent label of the test rows; multi-class only.
        rows_key: hash of the ids of the test rows, in order: only equal ones are compared.
        labels: that occur; `truth` and `given` are places in it.
        confidence: of the first label given.
    """

    data: str
    head: str
    kind: str
    recipe: str
    seed: int
    limit: int | None
    train_rows: int
    classes: int
    majority: float | None
    accuracy: float
    macro_f1: float
    micro_f1: float | None
    calibration_error: float | None
    seconds: float
    peak_rss_mb: float
    rows_key: str
    labels: list[str]
    truth: list[list[int]]
    given: list[list[int]]
    confidence: list[float]

    @property
    def metrics(self) -> tuple[str, str]:
        """The two figures that the table shows, the one that decides last."""
        return ("accuracy", "macro_f1") if self.kind == "multiclass" else ("macro_f1", "micro_f1")

    def figure(self, metric: str) -> float:
        """One of the figures."""
        return float(getattr(self, metric))

    def names(self, places: Sequence[Sequence[int]]) -> list[tuple[str, ...]]:
        """Labels of each row by name: runs number their labels differently."""
        return [tuple(self.labels[place] for place in row) for row in places]

    def is_right(self) -> list[bool]:
        """Rows whose whole answer is right."""
        return [truth == given for truth, given in zip(self.truth, self.given, strict=True)]


@dataclass(frozen=True)
class Difference:
    """A mean difference, its 95 % interval, and how likely chance alone makes one as large."""

    mean: float
    low: float
    high: float
    p: float

    @property
    def mark(self) -> str:
        """`won` or `lost` where chance does not explain it: asked of each difference by itself, at 5 %."""
        if self.p >= SIGNIFICANCE:
            return "≈"
        return "won" if self.mean > 0 else "lost"

    def __str__(self) -> str:
        return f"{self.mean:+.3f} [{self.low:+.3f}, {self.high:+.3f}] {self.mark}"


class HeadTable:
    """All runs of one head: recipe -> its runs by seed."""

    def __init__(self, runs: Sequence[HeadRun]) -> None:
        self.runs = {
            recipe: sorted((run for run in runs if run.recipe == recipe), key=lambda run: run.seed)
            for recipe in RECIPES
        }
        self.first = runs[0]
        self.name = f"{self.first.data} · {self.first.head}"
        different = {run.recipe for run in runs if run.rows_key != self.first.rows_key}
        if different:
            raise ValueError(
                f"{self.name}: {', '.join(sorted(different))} was measured on other rows than "
                f"{self.first.recipe}; remove its lines and run it again"
            )

    def mean(self, recipe: str, metric: str) -> float:
        """Over the seeds."""
        return statistics.fmean(run.figure(metric) for run in self.runs[recipe])

    def better_baseline(self, metric: str) -> str | None:
        """The one with the higher figure; None: none was run."""
        there = [one for one in BASELINES if self.runs[one]]
        return max(there, key=lambda one: self.mean(one, metric), default=None)

    def difference(self, recipe: str, other: str, metric: str) -> Difference:
        """How far one recipe is above another, over the seeds of each, paired by row."""
        return paired_difference(self.runs[recipe], self.runs[other], metric)


def paired_difference(
    ours: Sequence[HeadRun], theirs: Sequence[HeadRun], metric: str
) -> Difference:
    """The mean figure of some runs minus that of others, all on the same rows of one head."""
    sides = [*ours, *theirs]
    given = [run.names(run.given) for run in sides]
    labels = sorted({label for run in sides for label in run.labels})
    truth = sides[0].names(sides[0].truth)
    sample = sample_of(truth, given, labels)
    count, place = len(ours), METRICS.index(metric)
    chance = permutation_p(truth, given[:count], given[count:], labels, SEED)[place]
    drawn = resample(sample, SEED)[:, place]  # [S, 3, R] -> [S, R]
    own = score(sample)[:, place]  # [S]
    reach = interval_of(drawn[:count].mean(axis=0) - drawn[count:].mean(axis=0))
    mean = float(own[:count].mean() - own[count:].mean())
    return Difference(mean, reach.low, reach.high, float(chance))


def read_runs(path: Path) -> list[HeadRun]:
    """The lines of a results file, the last one of each training and head."""
    if not path.exists():
        return []
    lines = path.read_bytes().splitlines()
    runs = [msgspec.json.decode(line, type=HeadRun) for line in lines if line]
    return list({(r.data, r.head, r.recipe, r.seed, r.limit): r for r in runs}.values())


def head_tables(runs: Iterable[HeadRun]) -> list[HeadTable]:
    """By head, in the order in which they were run."""
    heads: dict[tuple[str, str], list[HeadRun]] = {}
    for run in runs:
        heads.setdefault((run.data, run.head), []).append(run)
    return [HeadTable(found) for found in heads.values()]
