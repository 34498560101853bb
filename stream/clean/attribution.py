"""Recognises the lines that introduce history: attributions, header blocks, separators. Knows lines, not mails.

Every question looks at a bounded number of bounded lines, so its cost does not grow with the mail.
"""

import re
from collections.abc import Sequence
from typing import Literal

from stream.clean.words import (
    FIRST_PERSON,
    FORWARDED_MESSAGE,
    HEADER_WORDS,
    INTRODUCTIONS,
    MAX_HEADER_WORD_CHARS,
    ORIGINAL_MESSAGE,
    REPLY_ABOVE,
    WROTE_WORDS,
    HeaderKind,
)

MAX_LINE_CHARS = 300
"""A longer line is prose: it introduces nothing."""
_MAX_ATTRIBUTION_LINES = 4
_MAX_BLOCK_LINES = 14

_DATE = re.compile(r"\b\d{4}\b|\d{1,2}[:.h]\d{2}\b|\d{1,2}[./-]\d{1,2}\b|\d{4}年")
_CLOCK = re.compile(r"(?<![\d.])\d{1,2}[:.h]\d{2}(?![.\d])")
_ISO_START = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}")
_ADDRESS_END = re.compile(r"[<(\[][^<>()\[\]\s]{1,150}@[^<>()\[\]\s]{1,150}[>)\]]+$")
_WORDS = re.compile(r"[^\W\d_]+(?:\([^\W\d_]+\))?")
_WITHIN = re.compile(r"[\s*]([^\W\d_]{2,12}) ?:(?=[\s*])")
_MAX_TAIL_WORDS = 8

Separator = Literal["original", "forward", "above"]


def separator(line: str) -> Separator | None:
    """What a line announces: `-----Original Message-----`, `Begin forwarded message:`, `reply above this line`."""
    if len(line) > 120:
        return None
    core = line.strip(" \t-_*=#<>:—–|").casefold()
    if not core:
        return None
    if core in FORWARDED_MESSAGE:
        return "forward" if _is_ruled(line) or line.rstrip("* ").endswith((":", "：")) else None
    if core in ORIGINAL_MESSAGE:
        return "original" if _is_ruled(line) else None
    if (
        "repl" in core
        or "antwo" in core
        or "répond" in core
        or "respon" in core
        or "rispon" in core
        or "ov" in core
    ):
        return "above" if any(phrase in core for phrase in REPLY_ABOVE) else None
    return None


def _is_ruled(line: str) -> bool:
    stripped = line.strip(" \t*>")
    return stripped[:2] in ("--", "==", "__", "~~", "——") and stripped[-2:] in (
        "--",
        "==",
        "__",
        "~~",
        "——",
        "-:",
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

    A block names a sender, a date, and an address or a subject; or who sent it, when, and to whom. So
    `From: Berlin / To: Paris / Date: 3 May` of a traveller and `From: … Subject: …` of a contact form are none.
    """
    if header_kind(lines[at]) in (None, "other"):
        return 0
    kinds: set[HeaderKind] = set()
    has_address = False
    end = at
    strangers = 0
    for number in range(at, min(len(lines), at + _MAX_BLOCK_LINES)):
        line = lines[number]
        kind = header_kind(line) if len(line) <= 2_000 else None
        if kind is not None:
            kinds.add(kind)
            kinds.update(_kinds_within(line))
            has_address = has_address or (kind == "from" and "@" in line[:MAX_LINE_CHARS])
            end, strangers = number + 1, 0
        elif not line.strip(" >*") and len(kinds) >= 2:
            if _is_block(kinds, has_address):
                break
            strangers += 1
        else:
            strangers += 1
        if strangers > 2:
            break
    return end - at if _is_block(kinds, has_address) else 0


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


def attribution_lines(lines: Sequence[str], end: int) -> int:
    """How many lines, the last of them at index `end`, are an attribution (`On … wrote:`); 0 if they are none.

    Args:
        lines: the mail's lines.
        end: the line that may end it; wrapped ones are looked for above, up to an empty line.
    """
    last = lines[end]
    if not last or len(last) > MAX_LINE_CHARS or not _may_end(last):
        return 0
    found = 0
    joined = ""
    for count in range(1, min(_MAX_ATTRIBUTION_LINES, end + 1) + 1):
        line = lines[end - count + 1]
        if not line.strip(" >") or len(joined) + len(line) > 2 * MAX_LINE_CHARS:
            break
        joined = f"{line} {joined}" if joined else line
        if is_attribution(joined) and (not found or _starts_attribution(line)):
            found = count
    return found


def _may_end(line: str) -> bool:
    stripped = line.rstrip(" *-_")
    if stripped.endswith((":", "：", ">")):
        return True
    tail = stripped[-24:].casefold()
    word = _WORDS.findall(tail)
    return (bool(word) and word[-1] in WROTE_WORDS) or bool(_ISO_START.match(line.lstrip(" >-")))


def is_surely_attribution(text: str) -> bool:
    """Whether an attribution names an address, or a time of day and no first person, as mail programs do."""
    if "@" in text:
        return True
    is_own = not FIRST_PERSON.isdisjoint(_WORDS.findall(text.casefold()))
    return _CLOCK.search(text) is not None and not is_own


def is_attribution(text: str) -> bool:
    """Whether a text of one line introduces a quote, in any of the languages, or by its shape in others."""
    lowered = text.lstrip(" \t>*_-—–|").rstrip(" \t*_-—–|").casefold()
    ends_with_colon = lowered.endswith((":", "："))
    lowered = lowered.rstrip(": ：")
    has_address = "@" in lowered
    has_date = _DATE.search(lowered) is not None
    if _has_verb(lowered) and (ends_with_colon or text.rstrip().endswith("--") or has_address):
        if has_address and (has_date or ends_with_colon):
            return True
        return has_date and lowered.startswith(INTRODUCTIONS + tuple("0123456789"))
    if not has_date:
        return False
    if ends_with_colon and _ADDRESS_END.search(lowered) is not None:
        return True
    return _ISO_START.match(lowered) is not None and (
        " gmt" in lowered or _ADDRESS_END.search(lowered) is not None
    )


def _has_verb(lowered: str) -> bool:
    """Whether a verb of writing stands near the end, or (German, Dutch) before the name."""
    words = _WORDS.findall(lowered)
    tail = words[-_MAX_TAIL_WORDS * 3 :]
    return any(word in WROTE_WORDS for word in tail) or lowered.endswith(("写道", "写到"))


def _starts_attribution(line: str) -> bool:
    core = line.strip(" \t>*_-—–|").casefold()
    return (core.startswith(INTRODUCTIONS) and any(char.isdigit() for char in core)) or core[
        :1
    ].isdigit()


def introduces_history(head: Sequence[str]) -> bool:
    """Whether the first lines of a block are an attribution, a header block or a separator."""
    if not head:
        return False
    joined = ""
    for line in head[:3]:
        joined = f"{joined} {line}".strip()
        if len(joined) < 500 and is_attribution(joined) and is_surely_attribution(joined):
            return True
    return separator(head[0]) is not None or header_block(head, 0) > 0
