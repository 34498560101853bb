"""The fence: limits for any input, a time budget, and plain text made safe. Takes text from the readers, knows no mail.

Everything behind the fence is linear in what it lets through, so the limits below are also the limit on time.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from stream.clean.boilerplate import NO_BOILERPLATE, Boilerplate

Removable = Literal["quote", "signature", "footer", "boilerplate"]
REMOVABLE: frozenset[Removable] = frozenset({"quote", "signature", "footer", "boilerplate"})

CHECK_EVERY = 256
"""Lines or nodes between two looks at the clock: about 0.3 ms of work."""


@dataclass(frozen=True)
class CleanOptions:
    """How one mail is cleaned.

    Args:
        time_budget_ms: most computing time for one mail; past it the rest is taken as it stands.
        max_raw_bytes: RFC 822 bytes that are read; a text part behind them is not seen.
        max_part_bytes: bytes of one text part that are decoded.
        max_html_chars: characters of visible HTML (styles, scripts and comments do not count) that are parsed.
        max_text_chars: characters of text that are kept: three quarters from the head, one from the tail.
        max_lines: lines of text that are kept, cut in the same way.
        remove: what is taken out beside markup.
        boilerplate: what a tenant's own systems write into every mail.
        clock: seconds, rising. The thread's computing time, so that a busy machine does not change results.
    """

    time_budget_ms: float = 250.0
    max_raw_bytes: int = 16 * 1024 * 1024
    max_part_bytes: int = 2 * 1024 * 1024
    max_html_chars: int = 256 * 1024
    max_text_chars: int = 100_000
    max_lines: int = 2_000
    remove: frozenset[Removable] = REMOVABLE
    boilerplate: Boilerplate = NO_BOILERPLATE
    clock: Callable[[], float] = time.thread_time


class OverTimeError(Exception):
    """The time budget is spent. Internal: the front door catches it and falls back."""


class Deadline:
    """The moment when the budget of one mail is spent."""

    def __init__(self, options: CleanOptions) -> None:
        self._clock = options.clock
        self._end_s = options.clock() + options.time_budget_ms / 1000

    def is_over(self) -> bool:
        """Whether the budget is spent."""
        return self._clock() > self._end_s

    def check(self) -> None:
        """Raise when the budget is spent.

        Raises:
            OverTimeError: it is.
        """
        if self.is_over():
            raise OverTimeError


# C0 and C1 controls without tab, newline and the three marks of `markup`, soft hyphen, zero-width marks (not the
# joiners that emoji need), direction marks, byte order mark, the syllable that a tracking service leaves, and lone
# surrogates, which cannot be written as UTF-8.
_INVISIBLE = re.compile(
    "[\x00\x04-\x08\x0b-\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\xad\u034f\u061c\u1427\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_SPACE = re.compile("[\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_LINE_END = re.compile("(?<![ \t])[ \t]+(?=\n|$)")
_MANY_BREAKS = re.compile("\n{5,}")
_MANY_SPACES = re.compile("(?: {33,}|\t{9,})")
_LONG_SPACE, _LONG_TAB = " " * 33, "\t" * 9
# The ASCII ones of `_INVISIBLE`.
_CONTROLS = bytes({*range(32), 127} - {1, 2, 3, 9, 10})


def line_feeds(text: str) -> str:
    """Text with one kind of line end."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.isascii():
        text = text.replace("\x85", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return text


def tidy(text: str) -> str:
    """Give text one kind of line end and of space, and take out what cannot be seen. Doing it twice changes nothing."""
    text = line_feeds(text)
    if text.isascii():  # most mails: asked cheaply whether there is anything to do
        raw = text.encode("ascii")
        if len(kept := raw.translate(None, _CONTROLS)) < len(raw):
            text = kept.decode("ascii")
    else:
        text = _INVISIBLE.sub("", _SPACE.sub(" ", text))
    if " \n" in text or "\t\n" in text or text.endswith((" ", "\t")):
        text = _LINE_END.sub("", text)
    if _LONG_SPACE in text or _LONG_TAB in text:
        text = _MANY_SPACES.sub(" ", text)
    if "\n\n\n\n\n" in text:
        text = _MANY_BREAKS.sub("\n\n\n\n", text)
    return text.strip("\n")


def cut_text(text: str, options: CleanOptions) -> tuple[str, int]:
    """Keep head and tail of text that is longer than the limits.

    Returns:
        The text within `max_text_chars` and `max_lines`, and the number of characters left out.
    """
    limit = options.max_text_chars
    kept = text = line_feeds(text)
    if len(kept) > limit:
        head, tail = limit * 3 // 4, limit // 4 - 1
        kept = f"{kept[:head]}\n{kept[-tail:]}"
    if kept.count("\n") >= options.max_lines:
        lines = kept.split("\n")
        head, tail = options.max_lines * 3 // 4, options.max_lines // 4
        kept = "\n".join([*lines[:head], *lines[-tail:]])
    return kept, max(0, len(text) - len(kept))


def one_line(text: str, max_chars: int) -> str:
    """Text on one line with single spaces, as subjects are kept."""
    return " ".join(tidy(text[: max_chars * 2]).split())[:max_chars].strip()
