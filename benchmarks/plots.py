"""Draws the README's two plots from the figures in `benchmarks/results/*.jsonl`, lines as the benchmarks print them.

    python -m benchmarks.plots [--results benchmarks/results] [--out benchmarks/plots]

`latency.png`: p50 and p99 at each share of capacity, and the mean split by stage. `throughput.png`: the bare
runtime beside what is left of it at least once and exactly once, by data set. Of several rows for one bar the last line
counts. A plot without rows is not drawn. Needs matplotlib, of the development environment.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import orjson

mpl.use("Agg")  # before pyplot: no display is needed

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

HERE = Path(__file__).parent
STAGES = ("queue", "clean", "tokenize", "infer", "produce")
# Okabe and Ito's palette: told apart by every kind of colour vision; hatches where it is printed in grey.
STAGE_COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#0072B2", "#CC79A7")
HATCHES = ("", "//", "..", "", "\\\\")
INK = "#333333"
RATES = {
    "bare_texts_per_s": ("runtime alone", "#BBBBBB"),
    "at_least_once_per_s": ("Kafka to Kafka, at least once", "#56B4E9"),
    "exactly_once_per_s": ("Kafka to Kafka, exactly once", "#0072B2"),
}

Row = Mapping[str, Any]


def read_rows(folder: Path, benchmark: str) -> list[Row]:
    """All rows of one benchmark, files by name, lines in order; other lines are passed over."""
    files = sorted(folder.glob("*.jsonl"))
    rows = (orjson.loads(line) for file in files for line in file.read_bytes().splitlines())
    return [row for row in rows if row.get("benchmark") == benchmark]


def newest(rows: Sequence[Row], *keys: str) -> list[Row]:
    """One row for each value of the keys, the last; in order of the first."""
    return list({tuple(row[key] for key in keys): row for row in rows}.values())


def latency_figure(rows: Sequence[Row]) -> Figure:
    """A column per data set, a place per load: above p50 and p99, below the stages' shares of the mean."""
    names = list(dict.fromkeys(row["data"] for row in rows))
    figure, panels = plt.subplots(
        2, len(names), figsize=(1.4 + 3.4 * len(names), 5.6), squeeze=False, sharey="row"
    )
    for above, below, name in zip(panels[0], panels[1], names, strict=True):
        own = newest([row for row in rows if row["data"] == name], "load")
        own = sorted(own, key=lambda row: row["load"])
        loads = [f"{100 * row['load']:.0f} %" for row in own]
        _percentiles(above, own)
        _stages(below, own)
        above.set_title(_data_name(name), fontsize=10, color=INK)
        above.set_xticks(range(len(own)), loads)
        below.set_xticks(range(len(own)), loads)
        below.set_xlabel("load, share of capacity", fontsize=9, color=INK)
    panels[0][0].set_ylabel("latency in ms (logarithmic)", fontsize=9, color=INK)
    panels[1][0].set_ylabel("share of the mean, and the mean", fontsize=9, color=INK)
    handles, labels = panels[1][0].get_legend_handles_labels()
    _finish(
        figure, handles, labels, _caption(rows, "open loop, from the intended moment of sending")
    )
    return figure


def _percentiles(panel: Axes, rows: Sequence[Row]) -> None:
    panel.set_yscale("log")
    panel.margins(x=0.15, y=0.25)
    for key, mark, side in (("p99_ms", "D", 1), ("p50_ms", "o", -1)):
        values = [float(row[key]) for row in rows]
        panel.plot(range(len(rows)), values, f"{mark}-", color=INK, markersize=5, linewidth=1)
        for place, value in enumerate(values):
            text = f"{key.split('_')[0]} {value:.0f}" if place == 0 else f"{value:.0f}"
            spot = {"xytext": (0, 10 * side), "textcoords": "offset points"}
            panel.annotate(text, (place, value), ha="center", va="center", fontsize=8, **spot)


def _stages(panel: Axes, rows: Sequence[Row]) -> None:
    totals = [sum(row["stages_ms"][stage] for stage in STAGES) for row in rows]
    floor = [0.0] * len(rows)
    for stage, colour, hatch in zip(STAGES, STAGE_COLOURS, HATCHES, strict=True):
        shares = [
            100 * row["stages_ms"][stage] / total for row, total in zip(rows, totals, strict=True)
        ]
        look = {"color": colour, "hatch": hatch, "edgecolor": "white", "linewidth": 0.5}
        panel.bar(range(len(rows)), shares, 0.6, floor, label=stage, **look)
        floor = [a + b for a, b in zip(floor, shares, strict=True)]
    for place, total in enumerate(totals):
        panel.annotate(f"{total:.0f} ms", (place, 103), ha="center", fontsize=8, color=INK)
    panel.set_ylim(0, 115)
    panel.set_yticks([0, 50, 100], ["0", "50 %", "100 %"])


def throughput_figure(rows: Sequence[Row]) -> Figure:
    """Three bars per data set, the share of the bare runtime written on the last two."""
    rows = newest(rows, "data")
    figure, panels = plt.subplots(1, len(rows), figsize=(1.4 + 2.3 * len(rows), 4.0), squeeze=False)
    for panel, row in zip(panels[0], rows, strict=True):
        for place, (key, (name, colour)) in enumerate(RATES.items()):
            bar = panel.bar([place], [row[key]], 0.8, color=colour, label=name)
            share = row[key] / row["bare_texts_per_s"]
            text = f"{row[key]:.0f}" if place == 0 else f"{row[key]:.0f}\n{100 * share:.0f} %"
            panel.bar_label(bar, [text], fontsize=8, padding=2, color=INK)
        panel.set_title(_data_name(row["data"]), fontsize=10, color=INK)
        panel.set_xticks([])
        panel.margins(y=0.2)
    panels[0][0].set_ylabel("texts per second")
    handles, labels = panels[0][0].get_legend_handles_labels()
    _finish(figure, handles, labels, _caption(rows, "each panel has its own scale"))
    return figure


def _data_name(name: str) -> str:
    return name.split(".json", maxsplit=1)[0]


def _caption(rows: Sequence[Row], note: str) -> str:
    origins = {f"{row.get('machine', 'machine unknown')}, {row.get('commit', '?')}" for row in rows}
    return f"{'; '.join(sorted(origins))}\n{note}"


def _finish(figure: Figure, handles: Sequence[Any], labels: Sequence[str], caption: str) -> None:
    for panel in figure.axes:
        panel.spines[["top", "right"]].set_visible(False)
        panel.tick_params(colors=INK, labelsize=8)
    figure.legend(handles, labels, loc="upper center", ncols=len(labels), frameon=False, fontsize=8)
    figure.text(0.01, 0.01, caption, fontsize=7, color=INK)
    figure.tight_layout(rect=(0, 0.07, 1, 0.93))


def draw(results: Path, out: Path) -> list[Path]:
    """Write the plots that there are rows for; their paths."""
    out.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for benchmark, name, figure_of in (
        ("latency", "latency.png", latency_figure),
        ("end_to_end", "throughput.png", throughput_figure),
    ):
        rows = read_rows(results, benchmark)
        if not rows:
            continue
        figure = figure_of(rows)
        # without the date and the version in it, equal figures give equal bytes
        figure.savefig(out / name, dpi=150, metadata={"Software": None})
        plt.close(figure)
        written.append(out / name)
    return written


def main() -> None:
    """Draw, and name what was drawn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=HERE / "results")
    parser.add_argument("--out", type=Path, default=HERE / "plots")
    args = parser.parse_args()
    written = draw(args.results, args.out)
    print(*(written or ["no rows, no plots"]), sep="\n", file=sys.stderr)


if __name__ == "__main__":
    main()
