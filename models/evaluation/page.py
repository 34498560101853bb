"""Writes `report.html`: figures of heads and facts about the model in, one page that needs nothing else out.

Knows Jinja2; nothing of bundles, training or files. Needs the extra `heads`. A page makes no request: its content
security policy forbids them, and scripts too. Names, ids and texts are users' words and are escaped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from models.evaluation.figures import HeadFigures
from models.evaluation.matrix import lay_out
from models.evaluation.plots import draw_coverage, draw_curve, draw_reliability
from models.evaluation.resampling import Interval

OPEN_LABELS = 25  # longer tables are folded up
SHOWN_SLICES = 30
Facts = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Page:
    """What a page says.

    Args:
        title: the model.
        heads: head -> figures.
        facts: section -> name -> value, in this order, above the figures: how the model was made, from what.
        warnings: sentences that must not be overlooked.
        curves: name -> its value after each epoch, from 1 on.
        texts: row id -> text, shown beside examples; empty unless somebody asked for texts.
    """

    title: str
    heads: Mapping[str, HeadFigures]
    facts: Facts = field(default_factory=dict[str, Mapping[str, str]])
    warnings: Sequence[str] = ()
    curves: Mapping[str, Sequence[float]] = field(default_factory=dict[str, Sequence[float]])
    texts: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class _HeadPart:
    """One head as the template reads it."""

    name: str
    figures: HeadFigures
    reliability: Markup
    coverage: Markup
    matrix: object
    is_open: bool


def render_page(page: Page) -> str:
    """The page as HTML, UTF-8 once encoded."""
    # Markup: plots hold numbers and our own words only.
    curves = {
        name: Markup(draw_curve(range(1, len(values) + 1), values))  # noqa: S704
        for name, values in page.curves.items()
    }
    return open_template("report.html").render(
        page=page,
        heads=[_part(name, figures) for name, figures in page.heads.items()],
        curves=curves,
        shown_slices=SHOWN_SLICES,
    )


def open_template(name: str) -> Template:
    """One of the templates beside this file; everything put into it is escaped."""
    environment = Environment(
        loader=PackageLoader("models.evaluation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.filters.update(number=_number, signed=_signed, share=_share, interval=_interval)
    return environment.get_template(name)


def _part(name: str, figures: HeadFigures) -> _HeadPart:
    return _HeadPart(
        name,
        figures,
        Markup(draw_reliability(figures.reliability)),  # noqa: S704
        Markup(draw_coverage(figures.coverage_curve, figures.targets)),  # noqa: S704
        lay_out(figures.confusion_labels, figures.confusion),
        len(figures.by_label) <= OPEN_LABELS,
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _signed(value: float) -> str:
    return f"{value:+.3f}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def _interval(value: Interval | None) -> str:
    return "" if value is None else f"{value.low:.3f}–{value.high:.3f}"
