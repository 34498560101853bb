"""Takes the lines of a mail without its history and takes off signatures, mobile footers and, by `footers`, notices.

Works from the end upwards and never beyond a bounded number of lines, so that a wrong guess costs little. A forwarded
mail within the lines is a letter of its own, with its own end.
"""

from itertools import pairwise

from stream.clean.ends.closings import strip_closing, strip_contact_block, strip_name
from stream.clean.ends.footers import is_notice, strip_notice
from stream.clean.ends.mobile import is_mobile_footer
from stream.clean.ends.persons import (
    announces_below,
    closes,
    contacts,
    ends_sentence,
    greets,
    is_contact,
    is_item,
    is_name,
    is_reference,
    names_of,
    pleads,
)
from stream.clean.fence import Removable
from stream.clean.history.separators import separator
from stream.clean.hypertext.markup import MARK_SIGNATURE
from stream.clean.lines import Letter, has_words, is_quoted

_FORWARD_STARTS = ("-", "B", "A", "D", "I", "=", "*")
_DELIMITERS = frozenset(("--", "—", "–", "__", "-- -", "—-", "–-", "- --", "----------------"))
_RULE_CHARS = "-_—–=*"
# A line of only these is a rule; `?`, `...` or `+` somebody typed.
_DRAWN = frozenset("-_=*~—–―#| \t\u00a0\u200b\ufeff") | frozenset(map(chr, range(0x2500, 0x2580)))
_MAX_SIGNATURE_LINES = 25
_MAX_SIGNATURE_CHARS = 2_500
_MAX_FEW_LINES = 4
_MAX_SENTENCE_WORDS = 8
_MAX_FEW_CHARS = 200
_MAX_WRAPPED_CHARS = 60


def strip_letter(letter: Letter, remove: frozenset[Removable], sender: str = "") -> None:
    """Take off what does not belong to the words of each letter in a mail.

    Args:
        letter: the mail without its history; a forwarded mail within it is a letter of its own.
        remove: the reasons that are wanted; signatures and footers concern this room.
        sender: the value of From, for the name below the words; empty where it is not known.
    """
    names = names_of(sender) if sender else frozenset[str]()
    starts = [
        number
        for number, line in enumerate(letter.lines)
        if line[:1] in _FORWARD_STARTS and separator(line) == "forward"
    ]
    if not starts:
        _strip_one(letter, remove, names)
        return
    lines: list[str] = []
    numbers: list[int] = []
    for start, end in pairwise((0, *starts, len(letter.lines))):
        part = letter.part(start, end)
        _strip_one(part, remove, names)
        if lines and lines[-1] and not letter.lines[start - 1]:
            lines.append("")
            numbers.append(letter.numbers[start - 1])
        lines += part.lines
        numbers += part.numbers
    letter.lines, letter.numbers = lines, numbers


def _strip_one(letter: Letter, remove: frozenset[Removable], names: frozenset[str]) -> None:
    lines = letter.lines
    if any(line[:1] == MARK_SIGNATURE for line in lines):
        _strip_marked(letter, remove)
    is_wanted = not remove.isdisjoint(("signature", "footer"))
    first = (
        0 if lines and lines[0][:1].isalnum() else -1
    )  # cuts come from the end, so that its place stays
    while lines:
        size = len(lines)
        if not lines[-1]:
            lines.pop()
            letter.numbers.pop()
            continue
        if first < 0:
            first = next((n for n, line in enumerate(lines) if has_words(line)), size)
        if lines[-1][0] in _DRAWN and _DRAWN.issuperset(lines[-1]) and first < size and is_wanted:
            letter.cut(size - 1, size, "footer", "line without words")
            continue
        if "footer" in remove:
            strip_notice(letter, first)
            if len(lines) == size:
                _strip_mobile(letter, remove)
        if "signature" in remove:
            for strip in _RULES:
                if len(lines) < size:
                    break
                strip(letter, names)
        if len(lines) == size:
            break


def _strip_marked(letter: Letter, remove: frozenset[Removable]) -> None:
    """Lines that the mail program itself marks as a signature, unless somebody typed the whole mail in there."""
    lines = letter.lines
    number = len(lines)
    if "signature" in remove and any(
        has_words(line) for line in lines if not line.startswith(MARK_SIGNATURE)
    ):
        while number > 0:
            number -= 1
            if not lines[number].startswith(MARK_SIGNATURE):
                continue
            start = end = number + 1
            while start > 0 and (
                not lines[start - 1] or lines[start - 1].startswith(MARK_SIGNATURE)
            ):
                start -= 1
            while not lines[start]:
                start += 1
            lines[start:end] = [line.removeprefix(MARK_SIGNATURE) for line in lines[start:end]]
            letter.cut(start, end, "signature", "marked by the mail program")
            number = start
    lines[:] = [line.removeprefix(MARK_SIGNATURE) for line in lines]


def _strip_mobile(letter: Letter, remove: frozenset[Removable]) -> None:
    """`Sent from my iPhone` as the last line, or wrapped into two, with the name that the same paragraph holds."""
    lines = letter.lines
    last = len(lines) - 1
    if not is_mobile_footer(lines[last]):
        is_wrapped = last > 1 and len(lines[last]) < _MAX_WRAPPED_CHARS and not lines[last - 2]
        if not (
            is_wrapped and lines[last - 1] and is_mobile_footer(f"{lines[last - 1]} {lines[last]}")
        ):
            return
        last -= 1
    while last > 0 and is_mobile_footer(lines[last - 1]):
        last -= 1
    if last and lines[last - 1] and not _stands_alone(lines[last - 1], lines[last]):
        return
    letter.cut(last, len(lines), "footer", "mobile footer")
    if (
        "signature" in remove
        and last > 1
        and not lines[last - 2]
        and len(lines[last - 1].split()) > 1
        and is_name(lines[last - 1])
    ):
        letter.cut(last - 1, last, "signature", "name above a mobile footer")


def _stands_alone(above: str, line: str) -> bool:
    """Whether a footer directly below a line is no part of its sentence (`The mail was not` / `sent from my phone`)."""
    if is_name(above) or closes(above) or not has_words(above):
        return True
    start = line.lstrip("<([*_- ")
    return ends_sentence(above) and (not start[:1].islower() or start.startswith("iP"))


def _strip_delimited(letter: Letter, names: frozenset[str]) -> None:
    """All below `-- ` (RFC 3676, section 4.3), its look-alikes, or a rule above an address block."""
    lines = letter.lines
    first = max(0, len(lines) - _MAX_SIGNATURE_LINES)
    for number in range(len(lines) - 1, first - 1, -1):
        line = lines[number].strip()
        if (
            not line
            or line[0] not in _RULE_CHARS
            or (line not in _DELIMITERS and not _is_rule(line))
        ):
            continue
        below = [text for text in lines[number + 1 :] if text]
        if sum(map(len, below)) > _MAX_SIGNATURE_CHARS or any(map(is_quoted, below)):
            continue
        if lines.count(lines[number]) > 1:  # a table, or points one below the other
            return
        above = next((text for text in reversed(lines[max(0, number - 4) : number]) if text), "")
        if number < _MAX_FEW_LINES and greets(above) and sum(map(bool, lines[:number])) == 1:
            return
        if line == "--":
            is_signature = _may_sign(below) and not above.endswith(":")
        else:
            has_delimiter = line in _DELIMITERS or line[0] == "_"
            is_end = not announces_below(above) or any(
                map(closes, lines[max(0, number - 8) : number])
            )
            is_signature = is_end and _is_signature(below, names, has_delimiter=has_delimiter)
        if is_signature:
            letter.cut(number, len(lines), "signature", f"{line[:4]} delimiter")
            return


def _is_rule(line: str) -> bool:
    return len(line) >= 3 and line == line[0] * len(line)


def _may_sign(below: list[str]) -> bool:
    """Whether nothing below a delimiter is surely said: an order number, a request, a question."""
    for line in below:
        is_said = pleads(line) or (
            not is_contact(line)
            and (line.endswith("?") or is_reference(line) or _is_sentence(line))
        )
        if is_said and not (is_mobile_footer(line) or is_notice(line)):
            return False
    return True


def _is_sentence(line: str) -> bool:
    return len(line.split()) > _MAX_SENTENCE_WORDS and (ends_sentence(line) or line[0].islower())


def _is_signature(below: list[str], names: frozenset[str], *, has_delimiter: bool) -> bool:
    """Whether the lines below a rule are a signature: contact lines or few words, and no question, list or sentence."""
    if len(below) == 1 and below[0].strip(" ,.*_").casefold() in names:
        return True
    if not _may_sign(below):
        return False
    if any(map(is_item, below)):
        return False
    if contacts(below) >= 2 or any(map(is_notice, below)):
        return True
    has_digits = any(char.isdigit() for line in below if not is_contact(line) for char in line)
    is_short = len(below) <= _MAX_FEW_LINES and sum(map(len, below)) <= _MAX_FEW_CHARS
    return has_delimiter and is_short and not has_digits


_RULES = (_strip_delimited, strip_closing, strip_name, strip_contact_block)
