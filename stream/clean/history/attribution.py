"""Recognises the lines that introduce history: attributions; header blocks by `header_blocks`. Knows lines, not mails.

Every question looks at a bounded number of bounded lines, so its cost does not grow with the mail.
"""

import re
from collections.abc import Sequence

from stream.clean.history.header_blocks import CLOCK, MAX_LINE_CHARS, YEAR, header_block
from stream.clean.history.separators import separator
from stream.clean.history.words import (
    FIRST_PERSON,
    INTRODUCTIONS,
    WROTE_WORDS,
)

_MAX_ATTRIBUTION_LINES = 4

_DATE = re.compile(r"\b\d{4}\b|\d{1,2}[:.h]\d{2}\b|\d{1,2}[./-]\d{1,2}\b|\d{4}年")
_ISO_START = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}")
_SLASHED_START = re.compile(r"\d{4}/\d{1,2}/\d{1,2} ")
# Where a sentence ends before another begins; names of months and of days are cut shorter.
_SENTENCE_BEFORE = re.compile(r"[a-zà-ÿ]{5}[.!?] [A-ZÀ-Þ]")
_ADDRESS_END = re.compile(r"[<(\[][^<>()\[\]\s]{1,150}@[^<>()\[\]\s]{1,150}[>)\]]+$")
# An address in brackets, at most a few words and a colon, then the quoted words.
_WITH_QUOTE = re.compile(r"(.{10,200}?<[^<>\s]{3,150}@[^<>\s]{3,150}>[^:<>@]{0,30}:)\s+\S")
_BRACKETED = re.compile(r"[<(\[] ?[^<>()\[\]\s]{1,150}@[^<>()\[\]\s]{1,150}[ >)\]]")
_WORDS = re.compile(r"[^\W\d_]+(?:\([^\W\d_]+\))?")
_MAX_TAIL_WORDS = 8
_MAX_NAME_WORDS = 6
_MAX_VERB_CHARS = 24
_PROSE_ENDS = frozenset(".,!?;…")
_BEGINNINGS = (*INTRODUCTIONS, *"0123456789")
_DATE_STARTS = frozenset("0123456789 >-")
_NOTES_LINE = re.compile(r"---\d{1,4}[./-]\d{1,2}[./-]\d{1,4} \d{1,2}[:.]\d{2}")


def attribution_lines(lines: Sequence[str], end: int) -> int:
    """How many lines, the last of them at index `end`, are an attribution (`On … wrote:`); 0 if they are none.

    Args:
        lines: the mail's lines.
        end: the line that may end it; wrapped ones are looked for above, up to an empty line.
    """
    last = lines[end]
    if not last or len(last) > MAX_LINE_CHARS or not may_end_attribution(last):
        return 0
    found = 0
    joined = below = ""
    for count in range(1, min(_MAX_ATTRIBUTION_LINES, end + 1) + 1):
        line = lines[end - count + 1]
        is_other = line[:1] == ">" and last[:1] != ">"
        if is_other or not line.strip(" >") or len(joined) + len(line) > 2 * MAX_LINE_CHARS:
            break
        joined = f"{line} {joined}" if joined else line
        goes_on = found == count - 1 and _is_wrapped_name(line, below)
        if is_attribution(joined) and (not found or goes_on or _starts_attribution(line)):
            found = count
        below = line
    return found


def _is_wrapped_name(line: str, below: str) -> bool:
    """Whether a line is the name, or name and address, of what goes on in the line below it."""
    is_name = below.lstrip(" >*").startswith(("<", "(")) and line[-1] not in ".!?:;"
    return is_name or (line[-1] in ">)" and "@" in line)


def may_end_attribution(line: str) -> bool:
    """Whether a line, not an empty one, may be the last of an attribution; asked of most, hence by its ends first."""
    if line[-1] in ":：> *-_":
        stripped = line.rstrip(" *-_")
        if stripped.endswith((":", "：", ">")):
            return True
        return _ends_with_verb(stripped) or ("---" in line and bool(_NOTES_LINE.search(line)))
    if line[0] in _DATE_STARTS and _ISO_START.match(line.lstrip(" >-")):
        return True
    return _ends_with_verb(line) or ("---" in line and bool(_NOTES_LINE.search(line)))


def _ends_with_verb(line: str) -> bool:
    word = line[line.rfind(" ") + 1 :]
    return len(word) < _MAX_VERB_CHARS and word.casefold() in WROTE_WORDS


def is_prose(line: str) -> bool:
    """Whether a line is surely nothing that concerns history: it begins with a letter and ends as sentences do.

    Asked of every line first, since most are so: the other questions cost ten times as much.
    """
    return (
        line[-1] in _PROSE_ENDS and line[0].isalpha() and "---" not in line and ":" not in line[:40]
    )


def is_surely_attribution(text: str) -> bool:
    """Whether an attribution is written as mail programs do: no first person, but an address, a date or a time."""
    bracketed = _BRACKETED.search(text)
    if (bracketed is not None and bracketed[0][0] == "<") or _is_between_rules(text):
        return True
    is_own = not FIRST_PERSON.isdisjoint(_WORDS.findall(text.casefold()))
    return not is_own and ("@" in text or bool(CLOCK.search(text) or YEAR.search(text)))


def _is_between_rules(text: str) -> bool:
    """`---- Jane Doe wrote ----`, as some telephones write it."""
    return text.startswith("---") and text.endswith("---") and _has_verb(text.casefold())


def begins_with_attribution(line: str) -> bool:
    """Whether an attribution and the mail it introduces stand on one line, as Yahoo writes them on Android."""
    if "@" not in line or ":" not in line:
        return False
    found = _WITH_QUOTE.match(line)
    if found is None or not FIRST_PERSON.isdisjoint(_WORDS.findall(found[1].casefold())):
        return False
    return is_attribution(found[1]) and is_surely_attribution(found[1])


def is_quoters_name(line: str) -> bool:
    """Whether a line above quoted ones says who wrote them: `Jane Doe wrote:`, `Quoting Jane <jane@example.com>:`."""
    if len(line) > 150 or line[-1] not in ":：":
        return False
    words = _WORDS.findall(line.casefold())
    if not FIRST_PERSON.isdisjoint(words):
        return False
    if 2 <= len(words) <= _MAX_NAME_WORDS and words[-1] in WROTE_WORDS:
        return True
    return "@" in line or (_DATE.search(line) is not None and _has_verb(line.casefold()))


def is_attribution(text: str) -> bool:
    """Whether a text of one line introduces a quote, in any of the languages, or by its shape in others."""
    lowered = text.lstrip(" \t>*_-—–|").rstrip(" \t*_-—–|").casefold()
    ends_with_colon = lowered.endswith((":", "："))
    has_address = "@" in lowered
    is_ruled = text.startswith("---") and _is_between_rules(text.strip())
    if not (ends_with_colon or has_address or is_ruled or lowered[:1].isdigit() or "---" in text):
        return False
    if ". " in text and _SENTENCE_BEFORE.search(text):
        return False
    lowered = lowered.rstrip(": ：")
    has_date = _DATE.search(lowered) is not None
    has_moment = has_date and bool(CLOCK.search(lowered) and YEAR.search(lowered))
    if has_moment and ends_with_colon and has_address and _BRACKETED.search(lowered):
        return True  # in any language
    if (ends_with_colon or is_ruled or has_address) and _has_verb(lowered):
        if is_ruled or has_moment or (has_address and (has_date or ends_with_colon)):
            return True
        return has_date and lowered.startswith(_BEGINNINGS)
    return has_date and _is_bare_attribution(lowered, ends_with_colon=ends_with_colon)


def _is_bare_attribution(lowered: str, *, ends_with_colon: bool) -> bool:
    """A date and a name or address without a verb, as Gmail and Notes write them in some languages."""
    ends_with_address = _ADDRESS_END.search(lowered) is not None
    if "---" in lowered and _NOTES_LINE.search(lowered):
        return True
    if ends_with_colon and ends_with_address:
        return True
    if " gmt+" in lowered or " gmt-" in lowered:
        return _ISO_START.match(lowered) is not None
    return ends_with_address and _SLASHED_START.match(lowered) is not None


def _has_verb(lowered: str) -> bool:
    """Whether a verb of writing stands near the end, or (German, Dutch) before the name."""
    words = _WORDS.findall(lowered)
    tail = words[-_MAX_TAIL_WORDS * 3 :]
    return any(word in WROTE_WORDS for word in tail) or lowered.endswith(("写道", "写到", "寫道"))


def _starts_attribution(line: str) -> bool:
    core = line.strip(" \t>*_-—–|").casefold()
    if core[:1].isdigit():
        return _DATE.search(core) is not None
    return core.startswith(INTRODUCTIONS) and any(map(str.isdigit, core))


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
