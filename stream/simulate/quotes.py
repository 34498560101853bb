"""The history below an answer as mail programs write it in plain text: introduced, indented, broken into lines.

Takes earlier messages (the newest first) and `Stationery`, gives lines to `clients`.
"""

import textwrap
from collections.abc import Callable, Sequence

from stream.simulate.stationery import Message, Stationery

GMAIL_WIDTH, FLOWED_WIDTH = 78, 72
_RULE = "_" * 32

Quoter = Callable[[Stationery, Sequence[Message]], list[str]]


def wrapped(lines: Sequence[str], width: int) -> list[str]:
    """Lines broken at spaces so that none is wider, where words allow; a width of 0 breaks none."""
    if not width:
        return [*lines]
    return [part for line in lines for part in _broken(line, width) or [""]]


def _broken(line: str, width: int) -> list[str]:
    return textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False)


def inner(paper: Stationery, history: Sequence[Message], quote: Quoter) -> list[str]:
    """The newest message with what it quotes in its turn."""
    older = ["", *quote(paper, history[1:])] if len(history) > 1 else []
    return [*history[0].lines, *older]


def _quoted(lines: Sequence[str]) -> list[str]:
    return [f"> {line}".rstrip() if not line.startswith(">") else f">{line}" for line in lines]


def gmail(paper: Stationery, history: Sequence[Message]) -> list[str]:
    """`On Mon, … wrote:`, an empty line, the text behind `> `."""
    line = paper.attribution("gmail", history[0])
    # Gmail breaks a long line at a space or behind the `<` of the address
    broken = _broken(line.replace("<", "< "), GMAIL_WIDTH)
    lines = [part.replace("< ", "<") for part in broken]
    return [*lines, "", *_quoted(wrapped(inner(paper, history, outlook), GMAIL_WIDTH - 2))]


def apple(paper: Stationery, history: Sequence[Message]) -> list[str]:
    """The introducing line is quoted too."""
    line = paper.attribution("apple", history[0])
    return _quoted([line, "", *inner(paper, history, apple)])


def thunderbird(paper: Stationery, history: Sequence[Message]) -> list[str]:
    """The introducing line directly above the text behind `> `."""
    line = paper.attribution("thunderbird", history[0])
    return [line, *_quoted(wrapped(inner(paper, history, thunderbird), FLOWED_WIDTH))]


def yahoo(paper: Stationery, history: Sequence[Message]) -> list[str]:
    """All is indented by spaces; nothing is quoted."""
    line = paper.attribution("yahoo", history[0])
    return [f"    {line}  ", " ", *(f" {part}" for part in inner(paper, history, yahoo))]


def outlook(paper: Stationery, history: Sequence[Message]) -> list[str]:
    """A block of header lines above the bare text."""
    return [*paper.block("outlook", history[0]), "", *inner(paper, history, outlook)]


def outlook_plain(paper: Stationery, history: Sequence[Message]) -> list[str]:
    """The same in a plain message, below a separator."""
    separator = paper.line("original_message")
    block = paper.block("outlook", history[0])
    return [separator, *block, "", *inner(paper, history, outlook_plain)]


def outlook_web(paper: Stationery, history: Sequence[Message]) -> list[str]:
    """The same below a long rule, as on the web and on telephones."""
    return [_RULE, *outlook(paper, history)]


def samsung(paper: Stationery, history: Sequence[Message]) -> list[str]:
    """A separator and a shorter block."""
    return [*paper.block("samsung", history[0]), "", *inner(paper, history, outlook)]


def gmx(paper: Stationery, history: Sequence[Message]) -> list[str]:
    """A block that begins with the date, as GMX and WEB.DE write it."""
    return [*paper.block("gmx", history[0]), "", *inner(paper, history, thunderbird)]
