"""Shows a demo's tally: a live table on a terminal, plain lines elsewhere. Decides nothing."""

from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Column, Table
from rich.text import Text

from stream.demo.calls import CHART_WIDTH, SHOWN_CALLS, CallChart
from stream.demo.tally import Line, Tally

PLAIN_HEADLINE_S = 5.0
PLAIN_LINES_PER_S = 4
PLAIN_CALL_LINES_PER_S = 2
_OTHER_LINES = (
    4 + SHOWN_CALLS + 4 + 2
)  # of the board, beside the mails: two frames, the calls, the headline
_HIGH, _MIDDLING = 0.6, 0.35  # where the colour changes; nothing depends on it


class Board:
    """A place to show the tally, open while the mail flows."""

    def __init__(self, console: Console, tally: Tally) -> None:
        self._console = console
        self._tally = tally
        self._live = Live(console=console, refresh_per_second=4) if console.is_terminal else None
        self._second = 0
        self._room: dict[type, int] = {}
        self._headline_at_s = tally.started_s

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live:
            self._live.stop()

    def show(self, line: Line | CallChart | None, now_s: float) -> None:
        """A result has arrived, or time has passed."""
        if self._live:
            self._live.update(self._tables(now_s))
            return
        if int(now_s) != self._second:
            self._second = int(now_s)
            self._room = {Line: PLAIN_LINES_PER_S, CallChart: PLAIN_CALL_LINES_PER_S}
        if line is not None and self._room[type(line)]:
            self._room[type(line)] -= 1
            said = _mail_line(line) if isinstance(line, Line) else _call_line(line)
            self._console.print(said, markup=False, highlight=False, soft_wrap=True)
        if now_s - self._headline_at_s >= PLAIN_HEADLINE_S:
            self._headline_at_s = now_s
            self._console.print(
                f"-- {self._tally.headline(now_s)}", highlight=False, soft_wrap=True
            )

    def _tables(self, now_s: float) -> Group:
        """A line for each mail and each call: what is taller than the terminal, rich cuts off at its foot."""
        mails = Table(
            Column("mail", no_wrap=True, ratio=2),
            Column("labels", no_wrap=True, ratio=3),
            Column("ms", no_wrap=True, justify="right", min_width=4),
            expand=True,
        )
        room = max(self._console.height - _OTHER_LINES, 1)
        for line in list(self._tally.recent)[-room:]:
            mails.add_row(Text(line.caption), Text(line.answer), f"{line.latency_s * 1000:.0f}")
        calls = Table(
            Column("call", no_wrap=True, min_width=13),
            Column("probability to leave (synthetic)", no_wrap=True, min_width=CHART_WIDTH + 14),
            Column("last words", no_wrap=True, ratio=1),
            expand=True,
        )
        for chart in self._tally.calls.recent:
            style = "dim" if chart.is_final else ""
            calls.add_row(
                Text(chart.call_id, style=style),
                Text(chart.line, style=_colour(chart)),
                Text(chart.said, style=style),
            )
        return Group(mails, calls, Text(self._tally.headline(now_s), style="bold"))


def _colour(chart: CallChart) -> str:
    now = chart.probabilities[-1]
    return "red" if now >= _HIGH else "yellow" if now >= _MIDDLING else "green"


def _mail_line(line: Line) -> str:
    return f"{line.caption[:60]:<60}  ->  {line.answer}  ({line.latency_s * 1000:.0f} ms)"


def _call_line(chart: CallChart) -> str:
    return f"{f'call {chart.call_id}':<24}  {chart.line}  {chart.said[:60]}"
