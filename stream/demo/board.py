"""Shows a demo's tally: a live table on a terminal, plain lines elsewhere. Decides nothing."""

from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from stream.demo.tally import Line, Tally

PLAIN_HEADLINE_S = 5.0
PLAIN_LINES_PER_S = 4


class Board:
    """A place to show the tally, open while the mail flows.

    Args:
        footer: addresses to look at.
    """

    def __init__(self, console: Console, tally: Tally, footer: str) -> None:
        self._console = console
        self._tally = tally
        self._footer = footer
        self._live = Live(console=console, refresh_per_second=4) if console.is_terminal else None
        self._lines_in_second = (0, 0)
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

    def show(self, line: Line | None, now_s: float) -> None:
        """A result has arrived, or time has passed."""
        if self._live:
            self._live.update(self._table(now_s))
            return
        second, shown = self._lines_in_second
        if int(now_s) != second:
            shown = 0
        if line is not None and shown < PLAIN_LINES_PER_S:
            self._console.print(
                f"{line.caption[:60]:<60}  ->  {line.answer}  ({line.latency_s * 1000:.0f} ms)",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )
            shown += 1
        self._lines_in_second = (int(now_s), shown)
        if now_s - self._headline_at_s >= PLAIN_HEADLINE_S:
            self._headline_at_s = now_s
            self._console.print(
                f"-- {self._tally.headline(now_s)}", highlight=False, soft_wrap=True
            )

    def _table(self, now_s: float) -> Group:
        table = Table("mail", "labels", "ms", expand=True)
        table.columns[2].justify = "right"
        for line in self._tally.recent:
            table.add_row(Text(line.caption), Text(line.answer), f"{line.latency_s * 1000:.0f}")
        return Group(
            table, Text(self._tally.headline(now_s), style="bold"), Text(self._footer, style="dim")
        )
