"""Takes off the end of a letter that shows as a closing, a name or contact lines: what no delimiter announces.

Works on the lines of one letter in place. Stays below the last words: an order number, a list, a question or a new
address below a closing is what the customer writes of.
"""

from collections.abc import Sequence

from stream.clean.ends.cards import card_end, gives_address, goes_on
from stream.clean.ends.footers import is_contact_or_placeholder, is_notice
from stream.clean.ends.persons import (
    announces_below,
    contacts,
    ends_sentence,
    is_contact,
    is_item,
    is_name,
    is_reference,
)
from stream.clean.ends.phrases import (
    BARE_CLOSINGS,
    CLOSING_PLACES,
    CLOSINGS,
    PERSON_WORDS,
    REQUESTS,
    SHORT_CLOSINGS,
    WEAK_CLOSINGS,
    WISHES,
)
from stream.clean.lines import Letter, has_words, is_quoted

_MAX_BLOCK_LINES = 18
_MAX_LINE_CHARS = 110
_MAX_FORMULA_CHARS = 70
_MAX_FORMULA_WORDS = 9
_MAX_WISH_WORDS = 7
_MAX_NAME_LINE_CHARS = 60
_MAX_NAME_LINE_WORDS = 6
_MAX_CONTACT_LINES = 12
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
            if not _is_wish(lines, number, names):
                continue
            strength = 2
        elif not has_name and not _is_sure(lines, number, names):
            continue
        end = card_end(lines, number + 1, has_name=has_name)
        block = [line for line in lines[number + 1 : end] if line]
        if _fits(block, strength, has_name=has_name, names=names) and not (
            goes_on(lines[end:]) or (contacts(block) and gives_address(lines[:number]))
        ):
            letter.cut(number, end, "signature", "closing and name" if block else "closing")
            return


def _is_wish(lines: Sequence[str], number: int, names: frozenset[str]) -> bool:
    """Whether a line closes a letter by its place: a short wish below an empty line, above a first and a last name.

    The text above it is at its end, and the line is no name itself: lists of names and of goods look so too.
    """
    if number == 0 or lines[number - 1]:
        return False
    line = lines[number]
    words = line.casefold().strip(" ,.!").split()
    if not 0 < len(words) <= _MAX_WISH_WORDS:
        return False
    if WISHES.isdisjoint((words[0], words[-1])) or line[0] in ">*-" or line[-1] in "?:;":
        return False
    below = next((text for text in lines[number + 1 : number + 3] if text), "")
    is_own = below.strip(" ,.*_").casefold() in names
    if not is_own and not (is_name(below) and 2 <= len(below.split()) <= 4):
        return False
    if words[0] in REQUESTS or any(map(str.isdigit, line)) or is_name(line):
        return False
    return not announces_below(_above(lines, number))


def _above(lines: Sequence[str], number: int) -> str:
    """The last line with text above a place."""
    return next((line for line in reversed(lines[max(0, number - 4) : number]) if line), "")


def _is_sure(lines: Sequence[str], number: int, names: frozenset[str]) -> bool:
    """Whether a closing is no brand: `LG`, `BG`, `Best` without a comma need more than one word below."""
    line = lines[number]
    text = line.strip()
    if (
        text.casefold().strip(".!") not in BARE_CLOSINGS
        or text[-1] == ","
        or text in ("MfG", "Mfg")
    ):
        return True
    below = next((text for text in lines[number + 1 : number + 3] if text), "").strip(" ,.*_")
    if below.casefold() in names:
        return True
    if number and lines[number - 1]:
        return False
    above = _above(lines, number)
    is_whole = is_name(below) and len(below.split()) > 1
    return not above.endswith(":") and (
        is_whole or (ends_sentence(above) and not above.endswith("?"))
    )


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
        if place in text:
            head, _, tail = text.partition(place)
            if head in CLOSINGS and len(tail.split()) <= 3:
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
    bare = line.partition("|")[0].strip(" ,.*_-–—/()")
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
        is_known = is_own or (is_dashed and len(bare.split()) <= 3)
        if (is_known and not above and len(lines) > 2) or (is_own and ends_sentence(above)):
            letter.cut(len(lines) - 1, len(lines), "signature", "dashed name")
        return
    is_own = names and last.strip(" ,.!*_").casefold() in names
    if is_own and (not above or ends_sentence(above)):
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
            and (is_own or _is_sender_below(above[-1]))
            and not gives_address(above)
        ):
            letter.cut(number, len(lines), "signature", "name and contact lines")
            return


def _is_sender_below(above: str) -> bool:
    """Whether a name and contact lines may be the sender's: the text above is at its end and speaks of nobody else."""
    folded = above.casefold()
    return not announces_below(above) and not any(word in folded for word in PERSON_WORDS)
