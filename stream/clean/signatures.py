"""Takes the lines of a mail without its history and takes off signatures, mobile footers and, by `footers`, notices.

Works from the end upwards and never beyond a bounded number of lines, so that a wrong guess costs little. A forwarded
mail within the lines is a letter of its own, with its own end.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

from stream.clean.attribution import separator
from stream.clean.fence import Removable
from stream.clean.footers import strip_notice
from stream.clean.lines import Letter, has_words, is_emoji, is_quoted
from stream.clean.phrases import (
    CLOSINGS,
    CONTACT_MARKS,
    MOBILE_DEVICES,
    MOBILE_ENDS,
    MOBILE_STARTS,
    POSTSCRIPTS,
    WEAK_CLOSINGS,
)

_DELIMITERS = frozenset(("--", "—", "–", "__", "-- -", "—-", "–-", "----------------"))
_FORWARD_STARTS = ("-", "B", "A", "D", "I", "=", "*")
_MAX_SIGNATURE_LINES = 25
_MAX_SIGNATURE_CHARS = 2_500
_MAX_CLOSING_BLOCK_LINES = 16
_MAX_BLOCK_LINE_CHARS = 110
_MAX_MOBILE_CHARS = 90
_PHONE = re.compile(r"\+?\(?\d[\d ()/.-]{6,20}\d")
_ADDRESS = re.compile(
    r"[\w.+-]{1,64}@[\w-]{1,63}\.[\w.-]{2,63}|https?://|www\.|\b\d{4,5} [A-Z\u00c0-\u00dc]"
)
_LINK = re.compile(r"[<(\[]?https?:[^\s<>()\[\]]{1,500}[>)\]]?|[\[\]]")
_DASHED_NAME = re.compile(
    r"(?:-|//?|~)[A-Z\u00c0-\u00dc][\w'.-]{1,20}(?: [A-Z\u00c0-\u00dc][\w'.-]{0,20}){0,2}"
)
_SENTENCE_END = (".", "!", "?", "…")


def strip_letter(letter: Letter, remove: frozenset[Removable]) -> None:
    """Take off what does not belong to the words of each letter in a mail.

    Args:
        letter: the mail without its history; a forwarded mail within it is a letter of its own.
        remove: the reasons that are wanted; signatures and footers concern this room.
    """
    starts = [
        number
        for number, line in enumerate(letter.lines)
        if line[:1] in _FORWARD_STARTS and separator(line) == "forward"
    ]
    if not starts:
        _strip_one(letter, remove)
        return
    lines: list[str] = []
    numbers: list[int] = []
    for start, end in pairwise((0, *starts, len(letter.lines))):
        part = letter.part(start, end)
        _strip_one(part, remove)
        if lines and lines[-1] and not letter.lines[start - 1]:
            lines.append("")
            numbers.append(letter.numbers[start - 1])
        lines += part.lines
        numbers += part.numbers
    letter.lines, letter.numbers = lines, numbers


def _strip_one(letter: Letter, remove: frozenset[Removable]) -> None:
    lines = letter.lines
    while lines:
        size = len(lines)
        if not lines[-1]:
            lines.pop()
            letter.numbers.pop()
        elif not remove.isdisjoint(("signature", "footer")) and not (
            has_words(lines[-1]) or is_emoji(lines[-1])
        ):
            letter.cut(size - 1, size, "footer", "line without words")
        if "footer" in remove:
            strip_notice(letter)
        if "signature" in remove:
            _strip_mobile(letter)
            _strip_delimited(letter)
            _strip_closing(letter)
            _strip_dashed_name(letter)
        if len(lines) == size:
            break


def _strip_mobile(letter: Letter) -> None:
    """`Sent from my iPhone` as the last line."""
    lines = letter.lines
    if lines and is_mobile_footer(lines[-1]):
        letter.cut(len(lines) - 1, len(lines), "signature", "mobile footer")


def is_mobile_footer(line: str) -> bool:
    """Whether a line is only what a telephone or a mail program adds of itself."""
    if len(line) > _MAX_MOBILE_CHARS * 8:
        return False
    text = " ".join(_LINK.sub(" ", line).split()).strip(" *_-–—.:()<>").casefold()
    if not text or len(text) > _MAX_MOBILE_CHARS or ";" in text or "?" in text:
        return False
    if "," in text and not any(word in text for word in ("excuse", "typo", "tippfehler", "kürze")):
        return False
    if text.startswith(MOBILE_STARTS):
        return len(text.split()) <= 12 and (
            text.startswith(("sent from my ", "get ")) or _names_device(text)
        )
    return (
        text.endswith(MOBILE_ENDS)
        and (_names_device(text) or text.startswith(("von ", "via ", "from ")))
        and len(text.split()) <= 8
    )


def _names_device(text: str) -> bool:
    return any(device in text for device in MOBILE_DEVICES)


def _strip_delimited(letter: Letter) -> None:
    """All below `-- ` (RFC 3676, section 4.3), its look-alikes, or a rule above an address block."""
    lines = letter.lines
    first = max(0, len(lines) - _MAX_SIGNATURE_LINES)
    for number in range(len(lines) - 1, first - 1, -1):
        line = lines[number].strip()
        is_delimiter = line in _DELIMITERS
        if not is_delimiter and not (
            len(line) >= 3 and line == line[0] * len(line) and line[0] in "_—–-="
        ):
            continue
        below = lines[number + 1 :]
        if sum(map(len, below)) > _MAX_SIGNATURE_CHARS or any(
            is_quoted(below_line) for below_line in below
        ):
            continue
        if is_delimiter or line[0] == "_" or _contacts(below) >= 2:
            letter.cut(number, len(lines), "signature", "delimiter")
            return


def _strip_closing(letter: Letter) -> None:
    """A closing formula, the name below it and the address block; a postscript stays."""
    lines = letter.lines
    first = max(0, len(lines) - _MAX_CLOSING_BLOCK_LINES)
    for number in range(len(lines) - 1, first - 1, -1):
        formula = lines[number]
        if len(formula) > 45:
            continue
        word = formula.strip(" ,.!*_/-–—").replace("ß", "ss").casefold()
        if word not in CLOSINGS and word not in WEAK_CLOSINGS:
            continue
        end = next(
            (i for i in range(number + 1, len(lines)) if _is_postscript(lines[i])), len(lines)
        )
        block = [line for line in lines[number + 1 : end] if line]
        if _is_address_block(block) and (word in CLOSINGS or _contacts(block) >= 1):
            letter.cut(number, end, "signature", "closing and name")
            return


def _strip_dashed_name(letter: Letter) -> None:
    """`-Jane Doe` or `/John` on a line of its own below an empty one."""
    lines = letter.lines
    if len(lines) > 2 and not lines[-2] and _DASHED_NAME.fullmatch(lines[-1][:60]):
        letter.cut(len(lines) - 1, len(lines), "signature", "dashed name")


def _is_postscript(line: str) -> bool:
    return line.casefold().startswith(POSTSCRIPTS)


def _is_address_block(block: list[str]) -> bool:
    """Whether the lines below a closing are a name and its particulars: short, no sentences, no quotes."""
    if (
        not block
        or len(block[0].split()) > 6
        or len(block[0]) > 60
        or block[0].endswith(("?", ":"))
    ):
        return False
    for line in block:
        if len(line) > _MAX_BLOCK_LINE_CHARS and not _is_contact(line):
            return False
        if is_quoted(line) or line.rstrip().endswith("?"):
            return False
        if len(line.split()) > 8 and line.endswith(_SENTENCE_END) and not _is_contact(line):
            return False
    return True


def _contacts(block: Sequence[str]) -> int:
    return sum(_is_contact(line) for line in block)


def _is_contact(line: str) -> bool:
    text = line[:300]
    if _ADDRESS.search(text) or _PHONE.search(text):
        return True
    head = text.split(":", 1)[0].strip(" *").casefold()
    return ":" in text and head in CONTACT_MARKS
