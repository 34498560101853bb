"""Takes off the end of a letter that shows as a closing, a name or contact lines: what no delimiter announces.

Works on the lines of one letter in place. Stays below the last words: an order number, a list, a question or a new
address below a closing is what the customer writes of.
"""

from collections.abc import Sequence

from stream.clean.footers import is_contact_or_placeholder, is_notice
from stream.clean.lines import Letter, has_words, is_quoted
from stream.clean.persons import contacts, is_contact, is_item, is_name, is_reference
from stream.clean.phrases import (
    ADDRESS_WORDS,
    CLOSING_PLACES,
    CLOSINGS,
    POSTSCRIPTS,
    REQUESTS,
    SHORT_CLOSINGS,
    WEAK_CLOSINGS,
    WISHES,
)

_MAX_BLOCK_LINES = 18
_MAX_LINE_CHARS = 110
_MAX_FORMULA_CHARS = 70
_MAX_FORMULA_WORDS = 9
_MAX_WISH_WORDS = 7
_MAX_NAME_LINE_CHARS = 60
_MAX_NAME_LINE_WORDS = 6
_MAX_CONTACT_LINES = 12
_ABOVE_LINES = 6
_DASHES = ("-", "/", "~", "–", "—")
_SENTENCE_ENDS = (".", "!", "?", "…", ":")


def strip_closing(letter: Letter, names: frozenset[str]) -> None:
    """A closing formula, the name below it and the address block; what the customer writes of stays."""
    lines = letter.lines
    first = max(0, len(lines) - _MAX_BLOCK_LINES)
    for number in range(len(lines) - 1, first - 1, -1):
        line = lines[number]
        if not line or len(line) > _MAX_FORMULA_CHARS:
            continue
        strength, has_name = _closing(line, names)
        if not strength:
            if not _is_wish(lines, number):
                continue
            strength = 2
        end = _block_end(lines, number + 1)
        block = [line for line in lines[number + 1 : end] if line]
        if _fits(block, strength, has_name=has_name, names=names) and not (
            contacts(block) and _gives_address(lines[:number])
        ):
            letter.cut(number, end, "signature", "closing and name" if block else "closing")
            return


def _is_wish(lines: Sequence[str], number: int) -> bool:
    """Whether a line closes a letter by its place: a short line below an empty one, above a first and a last name.

    It ends with a comma, or wishes something (`Have a great day`, `Einen schönen Tag noch`).
    """
    line = lines[number]
    words = line.split()
    if number == 0 or lines[number - 1] or len(words) > _MAX_WISH_WORDS or line[0] in ">*-":
        return False
    below = next((text for text in lines[number + 1 : number + 3] if text), "")
    if not (is_name(below) and 2 <= len(below.split()) <= 4):
        return False
    folded = line.casefold().strip(" ,.!")
    if words[0].casefold() in REQUESTS or line[-1] in "?:;" or any(map(str.isdigit, line)):
        return False
    return line[-1] == "," or not WISHES.isdisjoint(folded.split())


def _closing(line: str, names: frozenset[str]) -> tuple[int, bool]:
    """How sure a line is a closing (2, 1, or 0 for not), and whether it holds the name as well."""
    text = line.strip(" ,.!*_/-–—;:~☺").replace("ß", "ss").casefold()
    if text in CLOSINGS:
        return 2, False
    if text in WEAK_CLOSINGS:
        return 1, False
    words = text.split()
    if not words or len(words) > _MAX_FORMULA_WORDS or words[0][0] in ">*-":
        return 0, False
    for place in CLOSING_PLACES:
        head, found, tail = text.partition(place)
        if found and head in CLOSINGS and len(tail.split()) <= 3:
            return 2, False
    for mark in (" / ", " | ", "/", " - "):
        pieces = text.split(mark) if mark in text else []
        if pieces and all(piece.strip(" ,") in CLOSINGS for piece in pieces):
            return 2, False
    return _closing_with_name(line, words, names)


def _closing_with_name(line: str, words: list[str], names: frozenset[str]) -> tuple[int, bool]:
    """`Best regards, Jane Doe` on one line."""
    original = line.replace("ß", "ss").split()
    for size in range(min(len(words) - 1, 6), 0, -1):
        head = " ".join(words[:size])
        formula = head.strip(" ,.!-–—")
        is_weak = formula in WEAK_CLOSINGS
        if not is_weak and formula not in CLOSINGS:
            continue
        rest = " ".join(original[size:]).strip(" ,.!-–—")
        is_own = rest.casefold() in names
        if is_weak or (formula in SHORT_CLOSINGS and not head.endswith(",")):
            return (2, True) if is_own else (0, False)
        return (2, True) if is_own or (is_name(rest) and len(rest.split()) <= 4) else (0, False)
    return 0, False


def _block_end(lines: Sequence[str], start: int) -> int:
    """Where a block below a closing ends: at a postscript, an order number, or a list."""
    for number in range(start, len(lines)):
        line = lines[number]
        if not line:
            continue
        if line.casefold().startswith(POSTSCRIPTS) or is_reference(line):
            return number
        if is_item(line) and not is_contact(line):
            return number
    return len(lines)


def _fits(block: list[str], strength: int, *, has_name: bool, names: frozenset[str]) -> bool:
    """Whether the lines below a closing are a name and its particulars: short, no sentences, no quotes."""
    if not block:
        return has_name
    has_contacts = contacts(block) > 0
    if not has_name and not _is_name_line(block[0], strength, names, has_contacts=has_contacts):
        return False
    for line in block:
        is_known = is_contact_or_placeholder(line)
        if is_quoted(line) or line.endswith("?"):
            return False
        if not is_known and len(line) > _MAX_LINE_CHARS and not is_notice(line):
            return False
        if not is_known and len(line.split()) > 8 and line.endswith(_SENTENCE_ENDS):
            return is_notice(line)
    return True


def _is_name_line(line: str, strength: int, names: frozenset[str], *, has_contacts: bool) -> bool:
    """Whether the line below a closing may be who wrote: `Jane Doe`, `jane`, `Your Team`.

    Below thanks, which could open a request, it needs contact lines as well, or is the sender's own name.
    """
    bare = line.strip(" ,.*_-–—/()")
    if bare.casefold() in names:
        return True
    words = bare.split()
    if line.endswith(("?", ":")) or len(line) > _MAX_NAME_LINE_CHARS or not words:
        return is_contact(line) and strength == 2
    if strength < 2:
        return has_contacts and is_name(line) and len(words) <= 4
    if len(words) > _MAX_NAME_LINE_WORDS or is_item(line) or words[0].casefold() in REQUESTS:
        return is_contact(line)
    if len(words) == 1 or is_name(line) or is_contact(line) or not has_words(line):
        return True
    capitals = sum(not word[0].islower() for word in words)
    return capitals * 2 > len(words) and not line.endswith((".", "!"))


def _gives_address(above: Sequence[str]) -> bool:
    """Whether the text above speaks of an address or a number: then the one below may be what it is about."""
    folded = " ".join(above[-_ABOVE_LINES:]).casefold()
    return any(word in folded for word in ADDRESS_WORDS)


def strip_name(letter: Letter, names: frozenset[str]) -> None:
    """The sender's name or initials as the last line, or a dashed name: `-Jane Doe`, `//Jef`."""
    lines = letter.lines
    if len(lines) < 2 or len(lines[-1]) > _MAX_NAME_LINE_CHARS:
        return
    last, above = lines[-1], lines[-2]
    if last[0] in _DASHES:
        bare = last.lstrip("-/~–—")
        bare = bare.lstrip() if last.startswith("//") else bare  # `- Milk` is an item
        is_dashed = last[0] in "-/~" and bare[:1].isupper() and is_name(bare)
        is_own = bare.strip(" .").casefold() in names
        if not above and len(lines) > 2 and (is_own or (is_dashed and len(bare.split()) <= 3)):
            letter.cut(len(lines) - 1, len(lines), "signature", "dashed name")
        return
    is_own = names and last.strip(" ,.!*_").casefold() in names
    if is_own and (not above or above.endswith((".", "!", "?", "…"))):
        letter.cut(len(lines) - 1, len(lines), "signature", "sender's name")


def strip_contact_block(letter: Letter, names: frozenset[str]) -> None:
    """A name and two contact lines or more below the words, without a closing above them."""
    lines = letter.lines
    if not is_contact_or_placeholder(lines[-1]):
        return
    first = max(1, len(lines) - _MAX_CONTACT_LINES)
    for number in range(len(lines) - 2, first - 1, -1):
        line = lines[number]
        if line.endswith(_SENTENCE_ENDS) or len(line) > _MAX_LINE_CHARS:
            return
        if lines[number - 1] or not line:
            continue
        is_own = line.strip(" ,.*_").casefold() in names
        if not is_own and not (is_name(line) and len(line.split()) > 1):
            continue
        block = [text for text in lines[number + 1 :] if text]
        above = [text for text in lines[:number] if text]
        if (
            above
            and contacts(block) >= 2
            and not any(is_reference(text) or is_item(text) for text in block)
            and not above[-1].endswith((":", ","))
            and not _gives_address(above)
        ):
            letter.cut(number, len(lines), "signature", "name and contact lines")
            return
