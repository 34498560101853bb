"""Says where the card below a closing ends: name, job, firm and contact lines; and what is words of the author again.

Pure questions about lines, put by `closings`. In doubt a line is the author's.
"""

from collections.abc import Sequence

from stream.clean.ends.footer_families import LEGAL_FORMS
from stream.clean.ends.footer_phrases import IMPRINT_MARKS, SOCIAL_NAMES
from stream.clean.ends.footers import is_contact_or_placeholder, is_notice
from stream.clean.ends.links import link_rule
from stream.clean.ends.persons import (
    contacts,
    ends_sentence,
    is_contact,
    is_item,
    is_place,
    is_reference,
    is_street,
    speaks,
)
from stream.clean.ends.phrases import (
    CONTACT_MARKS,
    NAME_PARTICLES,
    PLEAS,
    POSTSCRIPTS,
    REQUESTS,
)
from stream.clean.lines import listed

_ABOVE_LINES = 6
_MAX_SHORT_WORDS = 3
_BEFORE_CHARS = 25
_BELOW_LINES = 8
_MIN_NOTICE_CHARS = 30
_MAX_SENTENCE_WORDS = 8

# A new address in the text, and where it stands: then the block at the end is what the customer wants to say.
ADDRESS_WORDS = listed(
    "address|phone number|telephone number|contact details|moved|adresse|anschrift|telefonnummer|kontaktdaten"
    "|umgezogen|umzug|déménag|coordonnées|dirección|mudado|datos de contacto|indirizzo|recapit|endereço|morada"
    "|adres|verhuisd|adress|flytta|flyttet|adresi|osoite"
)
# Before such a word: it is not the customer's own.
YOURS = frozenset(listed("your|ihre|ihrer|eure|deine|votre|vos|vostro|vuestra|sua|uw|jullie|er"))


def card_end(lines: Sequence[str], start: int, *, has_name: bool) -> int:
    """Where the card below a closing ends: at a postscript, an order number, a list, a line of the author's own.

    Args:
        lines: the letter.
        start: the line below the closing formula.
        has_name: whether the formula holds the name as well.

    Returns:
        The place behind the card; the end of the letter if all below belongs to it.
    """
    size = len(lines)
    number = start if has_name else _below_name(lines, start)
    is_below_name, is_below_notice = True, False
    end = number
    while number < size:
        if not lines[number]:
            number += 1
            continue
        stop = number
        while stop < size and lines[stop]:
            stop += 1
        paragraph = lines[number:stop]
        is_below_notice = is_below_notice or (
            len(paragraph[0]) > _MIN_NOTICE_CHARS and is_notice(paragraph[0])
        )
        own = _first_own(paragraph, is_below_notice=is_below_notice)
        is_joined = lines[number - 1] != "" and number > start
        if own < len(paragraph):
            if own and is_joined:
                end = number + own
            return _back(lines, end)
        below = lines[stop : stop + _BELOW_LINES] if is_below_name else ()
        if not is_joined and not is_below_notice and not _is_card(paragraph, below):
            return _back(lines, end)
        end = number = stop
        is_below_name = is_joined and is_below_name
    return size


def _below_name(lines: Sequence[str], start: int) -> int:
    """The place below the first line with text, which is the name, unless it is surely the author's."""
    number = start
    while number < len(lines) and not lines[number]:
        number += 1
    return number + (number < len(lines) and not _is_hard_end(lines[number]))


def goes_on(rest: Sequence[str]) -> bool:
    """Whether a letter goes on below a card, with a sentence or a question: then it was none."""
    first = next((line for line in rest if line), "")
    if not first or _is_hard_end(first):
        return False
    return any(
        line.endswith("?") or (len(line.split()) > _MAX_SENTENCE_WORDS and ends_sentence(line))
        for line in rest
    )


def _back(lines: Sequence[str], end: int) -> int:
    """The end of a card with the empty lines below it."""
    while end < len(lines) and not lines[end]:
        end += 1
    return end


def _is_hard_end(line: str) -> bool:
    """Whether a line is surely of the author: a postscript, an order number, an item of a list."""
    return (
        line.casefold().startswith(POSTSCRIPTS)
        or is_reference(line)
        or (is_item(line) and not is_contact(line))
    )


def _first_own(paragraph: Sequence[str], *, is_below_notice: bool) -> int:
    """The place of the first line that the author wrote for this mail; the number of lines if there is none."""
    for number, line in enumerate(paragraph):
        is_own = speaks(line.casefold()) if is_below_notice else _is_own(line)
        if _is_hard_end(line) or (is_own and not is_notice(line)):
            return number
    return len(paragraph)


def _is_own(line: str) -> bool:
    """Whether somebody wrote a line for this mail: he speaks, asks, or names something that is no contact."""
    folded = line.casefold()
    words = folded.split()
    if speaks(folded):
        return True
    is_asking = words[0].strip(",.!:") in REQUESTS
    if is_contact_or_placeholder(line):
        return is_asking and sum(word.isalpha() for word in words) > _MAX_SHORT_WORDS
    if is_asking or line.endswith("?") or not PLEAS.isdisjoint(words) or line[0].islower():
        return True
    return _is_sentence(line, words) or _is_value(line, folded)


def _is_sentence(line: str, words: list[str]) -> bool:
    """Whether a line ends as a sentence does; `Example Ltd.` ends so too."""
    if not ends_sentence(line) or words[-1].strip(".") in LEGAL_FORMS or len(words) == 1:
        return False
    return len(words[-1]) > _MAX_SHORT_WORDS or line.endswith("!")


def _is_value(line: str, folded: str) -> bool:
    """Whether a line is a label and a value, a number, or a number of things, and no contact."""
    words = line.split()
    if words[0].isdigit() and not (is_place(line) or is_street(line)):
        return len(words) == 1 or any(word[0].islower() for word in words)
    label, colon, _ = folded.partition(":")
    return (
        bool(colon) and not _is_label(label) and not any(mark in folded for mark in IMPRINT_MARKS)
    )


def _is_label(label: str) -> bool:
    words = label.replace("/", " ").strip(" *").split()
    return not words or any(word.strip(".()") in CONTACT_MARKS for word in words)


def _is_card(paragraph: Sequence[str], below: Sequence[str]) -> bool:
    """Whether a paragraph belongs to a card: by a contact line; a job by one below it, a firm by its legal form."""
    if all(map(_is_page, paragraph)):
        return False
    if contacts(paragraph) or any(
        is_contact_or_placeholder(line) or is_notice(line) for line in paragraph
    ):
        return True
    if any(is_place(line) or is_street(line) for line in paragraph):
        return True
    words = " ".join(paragraph).casefold().replace(",", " ").split()
    if LEGAL_FORMS.isdisjoint(word.strip(".") for word in words) and not contacts(below):
        return False
    for line in paragraph:
        for number, word in enumerate(line.split()):
            plain = word.strip(".,()|/-–&")
            if any(map(str.isdigit, word)) or (
                plain[:1].islower() and not (number and plain in NAME_PARTICLES)
            ):
                return False
    return True


def _is_page(line: str) -> bool:
    """Whether a line is only a link, to a page within a site: an article, a picture, no home page."""
    scheme, found, rest = line.partition("://")
    host, _, path = rest.partition("/")
    if not found or " " in line or scheme not in ("http", "https") or link_rule(line):
        return False
    is_social = not SOCIAL_NAMES.isdisjoint(host.split("."))
    return not is_social and ("/" in path.strip("/") or "-" in path or any(map(str.isdigit, path)))


def gives_address(above: Sequence[str]) -> bool:
    """Whether the text above speaks of an address of the author's: then the one below may be what it is about."""
    folded = " ".join(above[-_ABOVE_LINES:]).casefold()
    if any(word in folded for word in (" below", "untenstehend", "unten stehend", "ci-dessous")):
        return True
    for word in ADDRESS_WORDS:
        place = folded.find(word)
        while place >= 0:
            before = folded[max(0, place - _BEFORE_CHARS) : place].split()
            if YOURS.isdisjoint(before[-2:]):
                return True
            place = folded.find(word, place + 1)
    return False
