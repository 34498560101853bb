"""The page of a report in a real browser: nothing leaves it, nothing runs in it, and what it says can be read."""

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright import sync_api

from models.evaluate import measure_heads
from models.evaluation.compare import ModelAnswers, compare_answer_rows
from models.evaluation.comparison_page import render_comparison
from models.evaluation.page import Page, render_page
from models.heads import Head, HeadAnswer, LinearWeights
from models.labels import HeadSpec, TrainingRow
from tests.kafka_fixture import refuse

EVIL = "<script>window.ran = 1; console.error('ran')</script>"
WORSE = "\"><img src=x onerror='window.ran = 1'>"
SECRET = "my salary is 4711"
ROWS = 400


def chromium() -> str:
    """The browser of this machine."""
    found = shutil.which("chromium")
    if found is None:
        refuse("chromium is not installed; nobody has looked at report.html in a browser")
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[sync_api.Browser]:
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=chromium(),
            args=["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND"],
        )
        yield started
        started.close()


class Opened:
    """A page in the browser, with what it asked for and complained about."""

    def __init__(self, browser: sync_api.Browser, file: Path, scheme: str = "light") -> None:
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.tab = browser.new_page(color_scheme=scheme, viewport={"width": 1200, "height": 900})
        self.tab.on("request", lambda request: self.asked.append(request.url))
        self.tab.on("console", lambda message: self.complaints.append(message.text))
        self.tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.tab.goto(file.as_uri(), wait_until="networkidle")


def head(name: str, labels: tuple[str, ...]) -> Head:
    weights = LinearWeights(
        np.zeros((len(labels), 2), np.float32), np.zeros(len(labels), np.float32), None
    )
    return Head(HeadSpec(name, "multiclass", labels), weights, 1.0, None)


def page_of(heads: list[Head], *, texts: bool = False, seed: int = 0) -> tuple[Page, ModelAnswers]:
    """A page on rows that each head answers right four times in five."""
    draw = np.random.default_rng(seed)
    rows: list[TrainingRow] = []
    answers: list[dict[str, HeadAnswer]] = []
    for place in range(ROWS):
        truth = {one.spec.name: one.spec.labels[place % len(one.spec.labels)] for one in heads}
        given = {
            one.spec.name: truth[one.spec.name]
            if draw.random() < 0.8
            else one.spec.labels[draw.integers(len(one.spec.labels))]
            for one in heads
        }
        rows.append(TrainingRow(id=f"{EVIL}{place}", body=f"{SECRET} {EVIL}", labels=truth))
        answers.append(
            {
                name: HeadAnswer("multiclass", ((label, 0.8),), False)
                for name, label in given.items()
            }
        )
    measured = measure_heads(rows, answers, heads)
    shown = {row.id: row.body or "" for row in rows} if texts else {}
    page = Page(
        title=f"support/1 {EVIL}",
        heads=measured.figures,
        facts={f"Training {WORSE}": {EVIL: WORSE}},
        warnings=[f"beware {EVIL}"],
        curves={f"loss {EVIL}": [2.0, 1.0, 0.5]},
        texts=shown,
    )
    labels = {one.spec.name: frozenset(one.spec.labels) for one in heads}
    return page, ModelAnswers(f"support/1 {EVIL}", labels, measured.answers)


HEADS = [
    head(f"queue {EVIL}", ("card", EVIL, WORSE)),
    head("intent", tuple(f"label number {place}" for place in range(151))),
]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render_page(page_of(HEADS)[0]), encoding="utf-8")
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_leaves_the_page_and_no_word_of_users_runs_in_it(
    browser: sync_api.Browser, report: Path, scheme: str
) -> None:
    opened = Opened(browser, report, scheme)
    assert opened.asked == [report.as_uri()]
    assert opened.complaints == []
    assert opened.tab.evaluate("window.ran") is None
    assert opened.tab.locator("script, img, link, iframe").count() == 0
    assert opened.tab.locator("th", has_text=EVIL).count() >= 2  # it stays text, in the tables
    assert opened.tab.locator(".matrix text", has_text="<script>").count() >= 1


def test_the_summary_comes_first_and_leads_to_each_head(
    browser: sync_api.Browser, report: Path
) -> None:
    tab = Opened(browser, report).tab
    rows = tab.locator("table.summary tbody tr")
    assert rows.count() == len(HEADS)
    assert "0.8" in rows.nth(1).inner_text()
    rows.nth(1).locator("a").click()
    assert tab.locator("#head-2").bounding_box()["y"] < 100
    assert tab.locator("table").first.get_attribute("class") == "summary"


def test_names_of_151_labels_can_be_read_and_do_not_overlap(
    browser: sync_api.Browser, report: Path
) -> None:
    tab = Opened(browser, report).tab
    names = tab.locator("#head-2 ~ .matrix text[text-anchor=end]")
    boxes = names.evaluate_all(
        "all => all.map(one => { const box = one.getBoundingClientRect(); return [box.top, box.bottom] })"
    )
    assert len(boxes) == 151
    assert all(bottom - top >= 8 for top, bottom in boxes)  # pixels; smaller letters cannot be read
    tops = [top for top, _ in boxes]
    assert min(second - first for first, second in itertools.pairwise(tops)) >= 11
    assert "rows" in (tab.locator("#head-2 ~ .matrix title").first.text_content() or "")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_ink_stands_out_from_paper(browser: sync_api.Browser, report: Path, scheme: str) -> None:
    """WCAG 2.1: a contrast of 4.5 at least; plots draw with the ink of the page."""
    tab = Opened(browser, report, scheme).tab
    colours = tab.evaluate(
        """() => {
            const style = getComputedStyle;
            const words = document.querySelectorAll(
                "p, td, th, dd, dt, small, .plots text, .matrix text");
            return [style(document.body).backgroundColor, ...[...words].map(
                one => one instanceof SVGElement ? style(one).fill : style(one).color)];
        }"""
    )
    paper, *inks = [luminance(colour) for colour in dict.fromkeys(colours)]
    assert (paper > 0.5) == (scheme == "light")
    for ink in inks:
        assert (max(ink, paper) + 0.05) / (min(ink, paper) + 0.05) >= 4.5


def luminance(colour: str) -> float:
    parts = [float(part) / 255 for part in colour.removeprefix("rgb(").rstrip(")").split(",")]
    linear = [one / 12.92 if one <= 0.03928 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_page_is_no_wider_than_the_window_or_the_paper(
    browser: sync_api.Browser, report: Path
) -> None:
    tab = Opened(browser, report).tab
    for width in (400, 1200):
        tab.set_viewport_size({"width": width, "height": 800})
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
    tab.emulate_media(media="print")
    tab.set_viewport_size({"width": 720, "height": 1000})  # A4 less its margins
    assert tab.evaluate("document.documentElement.scrollWidth") <= 720


def test_texts_are_shown_only_when_somebody_asked(
    tmp_path: Path, browser: sync_api.Browser
) -> None:
    quiet, _ = page_of(HEADS)
    assert SECRET not in render_page(quiet)
    path = tmp_path / "texts.html"
    path.write_text(render_page(page_of(HEADS, texts=True)[0]), encoding="utf-8")
    opened = Opened(browser, path)
    assert opened.tab.locator("blockquote", has_text=SECRET).count() > 0
    assert opened.tab.evaluate("window.ran") is None
    assert opened.complaints == []


def test_a_comparison_is_as_safe_a_page(tmp_path: Path, browser: sync_api.Browser) -> None:
    _, before = page_of(HEADS)
    _, after = page_of(HEADS, seed=1)
    path = tmp_path / "comparison.html"
    path.write_text(render_comparison(compare_answer_rows(before, after)), encoding="utf-8")
    opened = Opened(browser, path)
    assert opened.asked == [path.as_uri()]
    assert opened.complaints == []
    assert opened.tab.evaluate("window.ran") is None
    assert opened.tab.locator("table.summary tbody tr").count() == len(HEADS)
    assert opened.tab.locator("th", has_text="<script>").count() >= 1


def test_the_same_figures_give_the_same_page() -> None:
    assert render_page(page_of(HEADS)[0]) == render_page(page_of(HEADS)[0])
