"""Draws figures as SVG that stands inside a page: numbers in, markup out, for `models.evaluation.page`.

The one room of matplotlib. No text of users reaches it: names stand beside a plot, in the page's own markup. Ink and
accents are colours of the page's style sheet, so that one plot serves light and dark.
"""

import io
import re
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from models.evaluation.figures import CoveragePoint, ReliabilityBin, TargetCost

_SIZE = (3.5, 2.7)  # inches; at 96 px three of them stand side by side on a wide page
# Colours that stand for the page's own; any that nobody would draw by accident.
_INK, _ACCENT, _SECOND, _FAINT = "#010101", "#020202", "#030303", "#040404"
_VARIABLES = {_INK: "--ink", _ACCENT: "--accent", _SECOND: "--second", _FAINT: "--line"}
_STYLE: dict[Any, Any] = {  # matplotlib names each setting in a type of its own
    "svg.fonttype": "none",  # text stays text: small, and in the page's font
    "svg.hashsalt": "switchboard",  # the same figures give the same bytes
    "text.color": _INK,
    "axes.edgecolor": _FAINT,
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "grid.color": _FAINT,
    "font.size": 9.0,
}
_METADATA = re.compile(r"<metadata>.*?</metadata>\s*", re.DOTALL)


def draw_reliability(bins: Sequence[ReliabilityBin]) -> str:
    """How often answers of a confidence are right; on the dashed line, confidences are true."""
    figure, axes = _open("confidence", "share right")
    axes.plot([0, 1], [0, 1], color=_FAINT, linestyle="--", linewidth=1.2)
    most = max((one.answers for one in bins), default=1)
    axes.bar(
        [one.low for one in bins],
        [0.25 * one.answers / most for one in bins],
        width=[0.9 * (one.high - one.low) for one in bins],
        align="edge",
        color=_SECOND,
        alpha=0.35,
        linewidth=0,
    )
    axes.plot(
        [one.confidence for one in bins],
        [one.accuracy for one in bins],
        color=_ACCENT,
        marker="o",
        markersize=3.5,
        linewidth=1.4,
    )
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    return _close(figure)


def draw_coverage(points: Sequence[CoveragePoint], targets: Sequence[TargetCost]) -> str:
    """Precision of the surest answers, by the share that is answered; dots are what targets cost."""
    figure, axes = _open("share answered alone", "precision")
    axes.plot(
        [point.coverage for point in points],
        [point.precision for point in points],
        color=_ACCENT,
        linewidth=1.4,
    )
    met = [target for target in targets if target.coverage > 0]
    axes.plot(
        [target.coverage for target in met],
        [target.precision for target in met],
        color=_SECOND,
        marker="o",
        markersize=5,
        linestyle="none",
    )
    low = min((point.precision for point in points), default=0.0)
    axes.set_xlim(0, 1.02)
    axes.set_ylim(max(0.0, low - 0.05), 1.01)
    return _close(figure)


def draw_curve(numbers: Sequence[int], values: Sequence[float]) -> str:
    """One figure over the epochs."""
    figure, axes = _open("epoch", "")
    axes.plot(list(numbers), list(values), color=_ACCENT, marker="o", markersize=3.5, linewidth=1.4)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return _close(figure)


def draw_line(across: str, up: str, names: Sequence[str], values: Sequence[float]) -> str:
    """A value for each name, in order; names are our own words and numbers."""
    figure, axes = _open(across, up)
    axes.plot(list(names), list(values), color=_ACCENT, marker="o", markersize=3.5, linewidth=1.4)
    return _close(figure)


def _open(across: str, up: str) -> tuple[Figure, Axes]:
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=_SIZE, layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        axes.set_xlabel(across)
        axes.set_ylabel(up)
        axes.grid(visible=True, linewidth=0.5)
        axes.spines[["top", "right"]].set_visible(False)
        axes.patch.set_visible(False)
        figure.patch.set_visible(False)
    return figure, axes


def _close(figure: Figure) -> str:
    buffer = io.StringIO()
    with mpl.rc_context(_STYLE):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    svg = _METADATA.sub("", buffer.getvalue())
    svg = svg[svg.index("<svg") :]
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, f"var({variable})")
    return svg
