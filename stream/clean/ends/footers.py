"""Takes off what nobody wrote for this mail: notices and company particulars at its end; banners by `banners`.

Works on the lines of one letter in place, paragraph by paragraph from the end. Never the only paragraph, and none that
speaks of itself (`I`, `ich`, …): a customer may write of his IBAN, of an intended recipient, of a virus, or of his HRB.
"""

import re
from collections.abc import Sequence

from stream.clean.ends import footer_families as families
from stream.clean.ends import footer_phrases as phrases
from stream.clean.ends.banners import bare, count
from stream.clean.ends.links import link_rule
from stream.clean.ends.persons import (
    announces_below,
    closes,
    contacts,
    is_contact,
    is_name,
    is_reference,
    speaks,
)
from stream.clean.ends.phrases import FIRST_PERSON
from stream.clean.lines import Letter, has_words

_MAX_NOTICE_CHARS = 4_000
_MAX_NOTICE_LINES = 40
_MAX_PARAGRAPHS = 10
_ABOVE_LINES = 12
_MAX_LAST_LINES = 10
_SHORT_CHARS = 300
_TELLING_CHARS = 600
_MAX_TELLING_CHARS = 1_500
_MIN_NOTICE_CHARS = 20
_WRAPPED_CHARS = 45
_MAX_BLOCK_LINE_CHARS = 60
_PREFIX_CHARS = 7
_COMPANY = "company particulars"
_MORE = "more of them"
_NOTICES = (
    (phrases.NOTICES, "confidentiality notice"),
    (phrases.PRINT_NOTICES, "think before you print"),
    (phrases.SYSTEM_NOTICES, "automatic notice"),
)
_FAMILIES = (
    (families.PRINT, "think before you print"),
    (families.PRIVACY, "privacy notice"),
    (families.LIABILITY, "disclaimer"),
)
_TOKEN = re.compile(r"[\w'’-]+")


def _starts(text: str) -> list[str]:
    """The starts of the words of a folded text. `translate` took five times as long."""
    for mark in ",.-:;()*_\"'’/":
        if mark in text:
            text = text.replace(mark, " ")
    return [word[:_PREFIX_CHARS] for word in text.split()]


def _key(phrase: str, least: int) -> str:
    """The start of the longest word of a phrase that says something; empty where it holds only common ones."""
    starts = _starts(phrase)
    telling = [word for word in starts if not word.startswith(phrases.COMMON_WORDS)]
    longest = max(telling, key=len, default="")
    return longest if len(longest) >= least else ""


# One look at the words of a paragraph instead of 600 searches; most hold none of these.
_KEYS = frozenset(
    _key(phrase, least)
    for table, least in (
        (phrases.IMPRINT_MARKS, 3),
        (phrases.NOTICES, 5),
        (phrases.PRINT_NOTICES, 5),
        (phrases.VIRUS_WORDS, 5),
        (phrases.LIST_NOTICES, 5),
        (phrases.SYSTEM_NOTICES, 5),
        (phrases.WEAK_NOTICES, 4),
    )
    for phrase in table
) - {""}


def strip_notice(letter: Letter, first: int) -> None:
    """Take off the last paragraphs below others, where they are a notice or the particulars of a company.

    Args:
        letter: the letter; it is cut at its end.
        first: the place of its first line with words.
    """
    lines = letter.lines
    link = link_rule(lines[-1]) if lines else ""
    if link and first < len(lines) - 1:
        letter.cut(len(lines) - 1, len(lines), "footer", link)
        return
    start, rule = _notice(lines)
    if not rule:
        _strip_last_lines(letter)
    elif first < start and not _is_asked_for(lines, start, rule):
        start += _own_lines(lines[start:], rule)
        letter.cut(start, len(lines), "footer", rule)


def _is_asked_for(lines: Sequence[str], start: int, rule: str) -> bool:
    """Whether the text above wants what looks like a footer: a colon announces it, or the mail is about a company."""
    above = next((line for line in reversed(lines[max(0, start - 4) : start]) if line), "")
    if above.endswith(":") and bare(above) not in phrases.NOTICE_ENDS:
        return True
    if rule != _COMPANY:
        return False
    below = " ".join(lines[start:]).casefold()
    if any(word in below for word in families.ACCOUNT_WORDS):
        return True
    text = " ".join(lines[max(0, start - _ABOVE_LINES) : start]).casefold()
    if not any(word in text for word in families.COMPANY_WORDS):
        return announces_below(above) and not is_name(above) and not is_contact(above)
    is_signed = any(map(closes, lines[max(0, start - _ABOVE_LINES) : start]))
    return not is_signed or not families.CHANGES.isdisjoint(_TOKEN.findall(text))


def _notice(lines: Sequence[str]) -> tuple[int, str]:
    """Where the last paragraphs begin that go, and the rule of the first; no rule if none goes."""
    best, rule, end, chars = 0, "", len(lines), 0
    for _ in range(_MAX_PARAGRAPHS):
        while end > 0 and not has_words(lines[end - 1]) and len(lines) - end < _MAX_NOTICE_LINES:
            end -= 1
        start = end
        while start > 0 and lines[start - 1] and end - start < _MAX_NOTICE_LINES:
            start -= 1
        chars += sum(map(len, lines[start:end]))
        if start in (0, end) or chars > _MAX_NOTICE_CHARS:  # the first paragraph is the author's
            break
        found = _paragraph_rule(lines[start:end])
        if found is None:
            break
        if found == _MORE and rule == _COMPANY:
            best = start
        elif found not in ("", _MORE):
            best, rule = start, found
        end = start
    return best, rule


def _paragraph_rule(lines: Sequence[str]) -> str | None:
    """The rule by which a paragraph goes; empty or `_MORE` if it may stand beside one; None if it stays."""
    folded = " ".join(lines).casefold()
    words = _starts(folded[:_TELLING_CHARS])
    rule = _rule_by_families(folded)
    if rule:
        return rule
    if _KEYS.isdisjoint(words):
        return _rest_rule(lines, folded)
    if not FIRST_PERSON.isdisjoint(words) or speaks(folded):
        return None
    rule = _notice_rule(folded)
    if rule:
        return rule
    marks = count(folded, phrases.IMPRINT_MARKS, 2)
    if marks and phrases.IMPRINT_TALK.isdisjoint(_TOKEN.findall(folded)) and "?" not in folded:
        is_block = len(lines) > 1 and max(map(len, lines)) <= _MAX_BLOCK_LINE_CHARS
        return _COMPANY if marks == 2 else _MORE if is_block else ""
    return "" if count(folded, phrases.WEAK_NOTICES, 1) and "?" not in folded else None


def _rule_by_families(folded: str) -> str:
    """The rule by which a short text in wording of its own is a notice; empty if it is none."""
    if len(folded) > _SHORT_CHARS or "?" in folded:
        return ""
    words = _TOKEN.findall(folded)
    for family, rule in _FAMILIES:
        if families.holds_each(words, family) and not speaks(folded):
            return rule
    return ""


def _rest_rule(lines: Sequence[str], folded: str) -> str | None:
    """Empty for a paragraph that closes a notice: thanks, or who sent it."""
    if len(folded) > _SHORT_CHARS or any(map(is_reference, lines)):
        return None
    is_rest = bare(folded) in phrases.NOTICE_ENDS or contacts(lines) * 2 >= len(lines)
    return "" if is_rest else None


def _notice_rule(folded: str) -> str:
    """The rule by which a text is a notice; empty if it is none."""
    folded = folded[:_MAX_TELLING_CHARS]
    if _is_virus_scan(folded):
        return "virus-scan line"
    if count(folded, phrases.LIST_NOTICES, 1) and ("http" in folded or "@" in folded):
        return "mailing-list footer"
    for words, rule in _NOTICES:
        if count(folded, words, 1):
            return rule
    is_weak = count(folded, phrases.WEAK_NOTICES, 3) == 3
    return "confidentiality notice" if is_weak and count(folded, phrases.MAIL_WORDS, 1) else ""


def _is_virus_scan(folded: str) -> bool:
    return (
        len(folded) < _SHORT_CHARS
        and count(folded, phrases.VIRUS_WORDS, 1) == 1
        and count(folded, phrases.VIRUS_SCANS, 1) == 1
        and count(folded, phrases.VIRUS_MAILS, 1) == 1
        and "?" not in folded
    )


def _own_lines(lines: Sequence[str], rule: str) -> int:
    """How many lines of a paragraph that goes are the author's own, above the line where the notice begins."""
    if rule == _COMPANY:
        return 0
    for number, line in enumerate(lines):
        if not line:
            return 0
        if number and lines[number - 1].endswith((".", "!", "?")) and _notice_rule(line.casefold()):
            is_wrapped = len(lines[number - 1]) >= _WRAPPED_CHARS
            return 0 if is_wrapped and _notice_rule(" ".join(lines[:number]).casefold()) else number
        if _notice_rule(line.casefold()):
            return 0
    return 0


def _strip_last_lines(letter: Letter) -> None:
    """A notice on the last lines of a paragraph that is the author's own above them."""
    lines = letter.lines
    first = max(0, len(lines) - _MAX_LAST_LINES)
    for number in range(len(lines) - 1, first, -1):
        line = lines[number].casefold()
        if not line:
            return
        if len(line) < _MIN_NOTICE_CHARS or _KEYS.isdisjoint(_starts(line[:_TELLING_CHARS])):
            continue
        rule = _notice_rule(line)
        if rule and not speaks(" ".join(lines[number:]).casefold()):
            letter.cut(number, len(lines), "footer", rule)
            return


def is_notice(line: str) -> bool:
    """Whether one line is a notice or the particulars of a company, as they stand below a name."""
    folded = line.casefold()
    return bool(_notice_rule(folded)) or count(folded, phrases.IMPRINT_MARKS, 2) == 2


def is_contact_or_placeholder(line: str) -> bool:
    """Whether a line belongs to a contact block."""
    return is_contact(line) or link_rule(line) != ""
