"""Result lines of `benchmarks.recipes` in, the ledger's tables out: intervals, paired differences, won and lost.

The baseline that a recipe is held against is the one that is better in that figure on these very rows: a choice in the
baselines' favour.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from benchmarks.recipe_results import OURS, RECIPES, Difference, HeadRun, HeadTable, head_tables
from models.evaluation.significance import mcnemar

PUBLISHED_BANKING77 = (0.930, 0.937)  # BERT-base, of the whole test part
HIGH_MAJORITY = 0.85
TIE = 0.0005  # equal in the three digits that are shown


def table_lines(runs: Sequence[HeadRun]) -> list[str]:
    """The tables as Markdown."""
    tables = head_tables(runs)
    ours = [recipe for recipe in OURS if any(table.runs[recipe] for table in tables)]
    lines = [*_quality(tables, ours), "", *_calibration(tables), "", *_cost(runs)]
    for table in tables:
        if table.first.data == "banking77":
            lines += ["", *_banking(table, ours)]
    return lines


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _head_row(cells: Sequence[str]) -> list[str]:
    return [_row(cells), _row(["---"] * len(cells))]


def _quality(tables: Sequence[HeadTable], ours: Sequence[str]) -> list[str]:
    """Accuracy / macro F1 (multi-label: macro / micro F1), and both differences from the better baseline."""
    titles = ["data set · head", "classes", "majority", *RECIPES]
    lines = _head_row([*titles, *(f"{recipe} − better baseline" for recipe in ours)])
    differences: dict[tuple[str, str], Difference] = {}
    for table in tables:
        first = table.first
        cells = [table.name, str(first.classes), f"{first.majority:.3f}" if first.majority else "–"]
        cells += [_pair(table, recipe) for recipe in RECIPES]
        for recipe in ours:
            shown: list[str] = []
            for metric in first.metrics:
                better = table.better_baseline(metric)
                if better and table.runs[recipe]:
                    found = table.difference(recipe, better, metric)
                    differences[table.name, recipe] = (
                        found  # the last metric is the one that decides
                    )
                    shown.append(f"{metric.replace('_', ' ')} {found}")
            cells.append("; ".join(shown) or "–")
        lines.append(_row(cells))
    return [*lines, *_counts(tables, ours, differences)]


def _counts(
    tables: Sequence[HeadTable],
    ours: Sequence[str],
    differences: Mapping[tuple[str, str], Difference],
) -> list[str]:
    """On how many heads a recipe is at least as good, of those where guessing the majority is not enough."""
    lines: list[str] = []
    counted = [t for t in tables if t.first.majority and t.first.majority < HIGH_MAJORITY]
    for recipe in ours:
        found = [differences[t.name, recipe] for t in counted if (t.name, recipe) in differences]
        good = sum(one.mean >= -TIE for one in found)
        lines += [
            "",
            f"{recipe}: of {len(found)} multi-class heads with a majority below {HIGH_MAJORITY} at least as good as "
            f"the better baseline in macro F1 on {good} ({good / max(1, len(found)):.0%}; limit 75 %), "
            f"won {sum(one.mark == 'won' for one in found)}, lost {sum(one.mark == 'lost' for one in found)}, "
            "the rest within chance.",
        ]
    return lines


def _pair(table: HeadTable, recipe: str) -> str:
    if not table.runs[recipe]:
        return "–"
    one, two = (table.mean(recipe, metric) for metric in table.first.metrics)
    return f"{one:.3f} / {two:.3f}" + ("" if table.first.kind == "multiclass" else " micro")


def _calibration(tables: Sequence[HeadTable]) -> list[str]:
    lines = _head_row(["expected calibration error", *RECIPES])
    for table in tables:
        if table.first.kind == "multiclass":
            cells = [
                f"{table.mean(recipe, 'calibration_error'):.3f}" if table.runs[recipe] else "–"
                for recipe in RECIPES
            ]
            lines.append(_row([table.name, *cells]))
    return lines


def _cost(runs: Sequence[HeadRun]) -> list[str]:
    lines = _head_row(["data set (seconds, peak MB; median)", *RECIPES])
    for data in dict.fromkeys(run.data for run in runs):
        cells: list[str] = []
        for recipe in RECIPES:
            own = [run for run in runs if (run.data, run.recipe) == (data, recipe)]
            seconds, memory = ([getattr(r, f) for r in own] for f in ("seconds", "peak_rss_mb"))
            cells.append(f"{np.median(seconds):.0f} s, {np.median(memory):.0f}" if own else "–")
        lines.append(_row([data, *cells]))
    return lines


def _banking(table: HeadTable, ours: Sequence[str]) -> list[str]:
    low, high = PUBLISHED_BANKING77
    lines = [
        f"Banking77, {len(table.first.truth)} test rows; published BERT-base {low:.3f}–{high:.3f}.",
        "",
    ]
    lines += _head_row(["recipe", "accuracy by seed", "mean", "ECE by seed", "seconds by seed"])
    for recipe in (one for one in ours if table.runs[one]):
        runs = table.runs[recipe]
        by_seed = [
            ", ".join(form.format(run.figure(name)) for run in runs)
            for form, name in (
                ("{:.4f}", "accuracy"),
                ("{:.4f}", "calibration_error"),
                ("{:.0f}", "seconds"),
            )
        ]
        mean = f"{table.mean(recipe, 'accuracy'):.4f}"
        lines.append(_row([recipe, by_seed[0], mean, by_seed[1], by_seed[2]]))
    for recipe in ("balanced", "best"):
        if table.runs[recipe] and table.runs["quick"]:
            quick = {run.seed: run for run in table.runs["quick"]}
            pairs = [(quick[run.seed], run) for run in table.runs[recipe] if run.seed in quick]
            lines += [
                "",
                f"{recipe} − quick: {_paired(pairs)}; {table.difference(recipe, 'quick', 'accuracy')}",
            ]
    return lines


def _paired(pairs: Sequence[tuple[HeadRun, HeadRun]]) -> str:
    """Difference and McNemar's probability of each seed."""
    said: list[str] = []
    for before, after in pairs:
        sides = list(zip(before.is_right(), after.is_right(), strict=True))
        chance = mcnemar(sides.count((True, False)), sides.count((False, True)))
        said.append(f"seed {after.seed} {after.accuracy - before.accuracy:+.4f} (p = {chance:.3f})")
    return ", ".join(said)
