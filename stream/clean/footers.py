"""Takes off what nobody wrote for this mail: notices and company particulars at its end, a gateway's banner above it.

Works on the lines of one letter in place. The last paragraph only, never the only one, and none that speaks of itself
(`I`, `ich`, …): a customer may write of his IBAN, of an intended recipient, or of an unauthorised use.
"""

import re
from collections.abc import Sequence

from stream.clean.lines import Letter
from stream.clean.phrases import (
    BANNER_LINES,
    BANNERS,
    FIRST_PERSON,
    IMPRINT_MARKS,
    NOTICES,
    WEAK_NOTICES,
)

_MAX_NOTICE_CHARS = 4_000
_MAX_NOTICE_LINES = 25
_MAX_BANNER_LINES = 8
_WORDS = re.compile(r"[^\W\d_]+")


def strip_banner(letter: Letter) -> None:
    """Take off a gateway's warning at the head, up to the empty line below it."""
    lines, start = letter.lines, 0
    while start < len(lines) and not lines[start]:
        start += 1
    end = start
    while end < len(lines) and lines[end] and end - start < _MAX_BANNER_LINES:
        end += 1
    paragraph = " ".join(lines[start:end])[:1_000].casefold()
    is_banner = paragraph.strip(" []*!.:()<>-") in BANNER_LINES or _count(paragraph, BANNERS, 1)
    if end < len(lines) and is_banner:
        letter.cut(start, end, "footer", "external-sender banner")


def _last_paragraph(lines: list[str]) -> int:
    start = len(lines)
    while start > 0 and lines[start - 1] and len(lines) - start < _MAX_NOTICE_LINES:
        start -= 1
    return start


def strip_notice(letter: Letter) -> None:
    """Take off the last paragraph below others, where it is a notice or the particulars of a company."""
    lines = letter.lines
    start = _last_paragraph(lines)
    text = "\n".join(lines[start:])
    if not any(lines[:start]) or not text or len(text) > _MAX_NOTICE_CHARS:
        return
    folded = text.casefold()
    if _count(folded, NOTICES, 1) == 1 or _count(folded, WEAK_NOTICES, 2) == 2:
        rule = "notice"
    elif _count(folded, IMPRINT_MARKS, 2) == 2:
        rule = "company particulars"
    else:
        return
    if FIRST_PERSON.isdisjoint(_WORDS.findall(folded)):
        letter.cut(start, len(lines), "footer", rule)


def _count(text: str, phrases: Sequence[str], enough: int) -> int:
    """How many of the phrases a text holds, up to `enough`. A plain loop: `any` and `sum` took three times as long."""
    found = 0
    for phrase in phrases:
        if phrase in text:
            found += 1
            if found == enough:
                break
    return found
