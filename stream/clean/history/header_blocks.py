"""Recognises the header block of a quoted mail: `Von: … Gesendet: … An: … Betreff: …`. Knows lines, not mails."""

import re
from collections.abc import Sequence

from stream.clean.history.words import HEADER_WORDS, MAX_HEADER_WORD_CHARS, HeaderKind

MAX_LINE_CHARS = 300
"""A longer line is prose: it introduces nothing."""
CLOCK = re.compile(r"(?<![\d.])\d{1,2}[:.h]\d{2}(?![.\d])")
YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)|\d{1,2}[./-]\d{1,2}[./-]\d{2}(?!\d)")
_WITHIN = re.compile(r"[\s*]([^\W\d_]{2,12}) ?:(?=[\s*])")
_MAX_BLOCK_LINES = 14
_TRANSPORT = (
    "Received:",
    "Return-Path:",
    "Message-ID:",
    "Message-Id:",
    "X-",
    "DKIM-",
    "Delivered-To:",
)


def header_kind(line: str) -> HeaderKind | None:
    """Which header a line holds, if it is one (`Von: …`, `*Sent:* …`, `Objet : …`)."""
    head, colon, _ = line[: MAX_HEADER_WORD_CHARS + 8].partition(":")
    if not colon:
        head, colon, _ = head.partition("：")
        if not colon:
            return None
    word = head.strip(" \t*_>|-").casefold()
    return HEADER_WORDS.get(word)


def header_block(lines: Sequence[str], at: int) -> int:
    """How many lines from `at` on are the header block of a quoted mail; 0 if they are none.

    A block names a sender, a date, and an address or a subject; or who sent it, when, and to whom. Unless it has all
    four, it holds an address, a time of day or a year. So `From: Berlin / To: Paris / Date: 3 May` of a traveller and
    `From: … Subject: …` of a contact form are none, nor are the headers of a mail's transport.
    """
    if header_kind(lines[at]) in (None, "other"):
        return 0
    kinds: set[HeaderKind] = set()
    has_address = False
    text = ""
    end = at
    strangers = 0
    for number in range(at, min(len(lines), at + _MAX_BLOCK_LINES)):
        line = lines[number]
        kind = header_kind(line) if len(line) <= 2_000 else None
        if kind is not None:
            kinds.add(kind)
            kinds.update(_kinds_within(line))
            has_address = has_address or (kind == "from" and "@" in line[:MAX_LINE_CHARS])
            text += line[:MAX_LINE_CHARS] + "\n"
            end, strangers = number + 1, 0
        elif line.startswith(_TRANSPORT):
            return 0  # somebody pasted the headers of a mail to show them
        elif not line.strip(" >*") and len(kinds) >= 2:
            if _is_block(kinds, has_address):
                break
            strangers += 1
        else:
            strangers += 1
        if strangers > 2:
            break
    is_whole = {"from", "sent", "to", "subject"} <= kinds
    is_dated = is_whole or "@" in text or bool(CLOCK.search(text) or YEAR.search(text))
    return end - at if is_dated and _is_block(kinds, has_address) else 0


def _is_block(kinds: set[HeaderKind], has_address: bool) -> bool:
    if "from" not in kinds:
        return False
    if "subject" in kinds or has_address:
        return "date" in kinds or "sent" in kinds
    return {"sent", "to"} <= kinds


def _kinds_within(line: str) -> set[HeaderKind]:
    """Headers further on in a line, where a program wrote several on one."""
    words = (word.casefold() for word in _WITHIN.findall(line[:MAX_LINE_CHARS]))
    return {HEADER_WORDS[word] for word in words if word in HEADER_WORDS}
