"""Small questions about people in a mail: who speaks, what a name looks like, what an address block is made of.

Takes lines and folded texts; gives answers to `signatures`, `footers` and `machines`. By shape and by tables; a name is
known for sure only from the sender.
"""

import re
from collections.abc import Sequence

from stream.clean.phrases import (
    CONTACT_MARKS,
    ENGLISH_WORDS,
    FIRST_PERSON,
    NAME_PARTICLES,
    REFERENCES,
    REQUESTS,
    STREETS,
)

_WORD = re.compile(r"[^\W\d_]+")
_DIGIT = re.compile(r"\d")
_PHONE = re.compile(r"\+?\(?\d[\d ()/.-]{6,20}\d")
_PLACE = re.compile(r"\b\d{4,5} [A-Z\u00c0-\u00dc]")
_MAIL = re.compile(r"[\w-]@[\w-]{1,63}\.\w")
_ITEM = re.compile(r"(?:[-*•·+]|\d{1,2}[.)]) ")
_MAX_NAME_CHARS = 50
_MAX_NAME_WORDS = 5
_MAX_STREET_CHARS = 60


def speaks(folded: str) -> bool:
    """Whether somebody speaks of himself in a folded text. `i` is a word of four other languages, `mit` of German."""
    words = set(_WORD.findall(folded))
    if not FIRST_PERSON.isdisjoint(words):
        return True
    return not words.isdisjoint(("i", "me")) and not ENGLISH_WORDS.isdisjoint(words)


def is_name(line: str) -> bool:
    """Whether a line is written like a name: one to five words, letters only, capitals where a name has them."""
    text = line.strip(" ,.*_-–—/|()'\"")
    if not text or len(text) > _MAX_NAME_CHARS or not text[0].isalpha():
        return False
    words = text.replace(",", " ").split()
    if len(words) > _MAX_NAME_WORDS or words[0].casefold() in REQUESTS:
        return False
    for number, word in enumerate(words):
        plain = word.strip(".()'\"")
        if not plain.replace("-", "").replace("'", "").replace("’", "").replace(".", "").isalpha():
            return False
        if plain[0].islower() and not (number and plain in NAME_PARTICLES):
            return False
    return True


def is_contact(line: str) -> bool:
    """Whether a line holds an address, a telephone number, a link, or begins with a mark of one (`Tel:`)."""
    text = line[:300]
    if "http" in text or "www." in text or ("@" in text and _MAIL.search(text)):
        return True
    head, colon, _ = text.partition(":")
    if colon and head.strip(" *").casefold() in CONTACT_MARKS:
        return True
    if not _DIGIT.search(text):
        return False
    return bool(_PHONE.search(text) or _PLACE.search(text)) or _is_street(text)


def _is_street(line: str) -> bool:
    if len(line) > _MAX_STREET_CHARS:
        return False
    folded = line.casefold()
    return any(street in folded for street in STREETS)


def contacts(block: Sequence[str]) -> int:
    """How many lines of a block are contact lines."""
    return sum(map(is_contact, block))


def is_reference(line: str) -> bool:
    """Whether a line names an order, a contract, an account: what the customer writes of, not who he is."""
    if not _DIGIT.search(line):
        return False
    folded = line.casefold()
    return any(word in folded for word in REFERENCES)


def is_item(line: str) -> bool:
    """Whether a line is an item of a list."""
    return _ITEM.match(line) is not None


def names_of(sender: str) -> frozenset[str]:
    """The ways in which a sender may write his name below a mail, folded.

    Args:
        sender: the value of From: `Jane Doe <jane@example.com>`, `"Doe, Jane" <…>`, or an address alone.

    Returns:
        Whole name, first and last name, initials; of an address alone its local part. Empty where it says nothing.
    """
    display, _, address = sender.partition("<")
    display = display.strip(" \"'").casefold()
    if not address and "@" in display:
        display, address = "", display
    if not display:
        display = (
            address.partition("@")[0].replace(".", " ").replace("_", " ").strip(" >").casefold()
        )
    last, comma, first = display.partition(",")
    words = f"{first} {last}".split() if comma else display.split()
    words = [word for word in words if word.replace("-", "").replace("'", "").isalpha()]
    if not words or len(words) > _MAX_NAME_WORDS:
        return frozenset()
    found = {" ".join(words), words[0], words[-1]}
    if len(words) > 1:
        initials = "".join(word[0] for word in words)
        found |= {
            initials,
            ".".join(initials),
            f"{words[0]} {words[-1]}",
            f"{words[0]} {words[-1][0]}",
        }
        found |= {f"{words[0][0]} {words[-1]}", f"{words[0][0]}. {words[-1]}"}
    return frozenset(name for name in found if len(name) > 1)
