"""Scores of fragments in, a handful of calls with their rolling probability out. Pure: nothing is printed."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

from stream.records import ChurnScore

SHOWN_CALLS = 6
CHART_WIDTH = 24
_LEVELS = "▁▂▃▄▅▆▇█"


@dataclass
class CallChart:
    """One call as the reader sees it.

    Args:
        call_id: whose.
        probabilities: after each fragment that was scored, oldest first.
        said: the last words.
        moved: what they added.
        is_final: the call has ended.
    """

    call_id: str
    probabilities: list[float] = field(default_factory=list[float])
    said: str = ""
    moved: float = 0.0
    is_final: bool = False

    @property
    def line(self) -> str:
        """Chart, probability and whether it is over, in columns."""
        chart = sparkline(self.probabilities[-CHART_WIDTH:])
        end = "ended" if self.is_final else f"{100 * self.moved:+.0f}"
        return f"{chart:<{CHART_WIDTH}} {100 * self.probabilities[-1]:>3.0f} %  {end:<5}"


@dataclass
class Calls:
    """The calls of one demo, by (tenant, call_id) in the order in which they began."""

    charts: dict[tuple[str, str], CallChart] = field(
        default_factory=dict[tuple[str, str], CallChart]
    )
    scores: int = 0

    def note(self, caption: str, score: ChurnScore) -> CallChart:
        """A fragment was scored; one that was seen before moves nothing."""
        self.scores += 1
        chart = self.charts.setdefault((score.tenant, score.call_id), CallChart(score.call_id))
        if not score.duplicate or not chart.probabilities:
            chart.probabilities.append(score.probability)
            chart.said, chart.moved = caption or chart.said, score.contribution
        chart.is_final = chart.is_final or score.final
        return chart

    @property
    def recent(self) -> list[CallChart]:
        """Those that began last, oldest first."""
        return list(islice(reversed(self.charts.values()), SHOWN_CALLS))[::-1]

    @property
    def ended(self) -> int:
        """How many are over."""
        return sum(chart.is_final for chart in self.charts.values())


def sparkline(probabilities: Iterable[float]) -> str:
    """One character for each probability, of eight heights between 0 and 1."""
    return "".join(_LEVELS[min(int(8 * one), 7)] for one in probabilities)
