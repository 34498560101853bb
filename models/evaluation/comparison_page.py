"""Writes the page of a comparison: two models on the same rows in, HTML that needs nothing else out."""

from dataclasses import dataclass

from models.evaluation.comparison import Comparison
from models.evaluation.page import open_template


@dataclass(frozen=True)
class _Page:
    title: str
    comparison: Comparison


def render_comparison(comparison: Comparison) -> str:
    """The page as HTML, UTF-8 once encoded; ids and labels are escaped, no text of a row is in it."""
    title = f"{comparison.after} in place of {comparison.before}"
    return open_template("comparison.html").render(page=_Page(title, comparison))
