"""Small questions about people in a mail: who speaks, what a name looks like, what an address block is made of.

Takes lines and folded texts; gives answers to `signatures`, `footers` and `machines`. By shape and by tables; a name is
known for sure only from the sender.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

from stream.clean.ends.phrases import (
    CLOSINGS,
    CONTACT_MARKS,
    ENGLISH_WORDS,
    FIRST_PERSON,
    GREETINGS,
    NAME_PARTICLES,
    PLEAS,
    REFERENCES,
    REQUESTS,
    STREET_ENDS,
    STREET_WORDS,
    WEAK_CLOSINGS,
)

_WORD = re.compile(r"[^\W\d_]+")
_DIGIT = re.compile(r"\d")
_PIECES = re.compile(r"[,;|·•]|\s[-–—/]\s")
_PHONE = re.compile(r"[+(]{0,2}\d[\d ()/.\u00a0-]{4,28}")
_AMERICAN = re.compile(r"\d{3}[-. ]\d{3}[-. ]\d{4}")
_DATE = re.compile(r"\d{1,4}[./-] ?\d{1,2}[./-] ?\d{2,4}(?!\d)")
_MARKED = re.compile(
    r"\b(?:tel|phone|telefon|tél|fon|fax|mobil|mobile|cell|handy)\b[. :]{0,3}[+(0]", re.IGNORECASE
)
_PLACE = re.compile(
    r"(?:[A-Z]{1,3}-)?(?:\d{5}|\d{4}(?! ?(?:EUR|USD|GB|MB|KM))|\d{2}-\d{3}|\d{3} \d{2}) (?=[A-Z\u00c0-\u00dc])"
)
_MAIL = re.compile(r"[\w-]@[\w-]{1,63}\.\w")
_ITEM = re.compile(r"(?:[-*•·+]|\d{1,2}[.)]) ")
_MAX_NAME_CHARS = 50
_MAX_NAME_WORDS = 5
_MAX_STREET_CHARS = 60
_MAX_STREET_WORDS = 7
_MIN_STREET_CHARS = 5
_MIN_PHONE_DIGITS = 6
_MAX_PHONE_DIGITS = 15
_SENTENCE_ENDS = (".", "!", "?", "…", "。", "！", "？")


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
    if colon and head.strip(" *.").casefold() in CONTACT_MARKS:
        return True
    if not _DIGIT.search(text):
        return False
    if sum(map(str.isdigit, text)) >= _MIN_PHONE_DIGITS and _MARKED.search(text):
        return True
    if "  " in text.strip():
        return False  # columns
    return any(_is_contact_piece(piece.strip()) for piece in _PIECES.split(text))


def _is_contact_piece(piece: str) -> bool:
    if not _DIGIT.search(piece):
        return False
    return _is_phone(piece) or is_street(piece) or is_place(piece, 5)


def _is_phone(piece: str) -> bool:
    """Whether a piece of a line is a telephone number: `+49 30 123456`, `T 0301234`, `(030) 1234`, `555-123-4567`."""
    mark, _, rest = piece.partition(" ")
    is_marked = mark.casefold().strip(".:()") in CONTACT_MARKS
    number = rest.strip() if is_marked else piece
    found = _PHONE.match(number)
    if not found or _DATE.match(number):
        return False
    digits = sum(map(str.isdigit, found.group()))
    if not _MIN_PHONE_DIGITS <= digits <= _MAX_PHONE_DIGITS:
        return False
    tail = number[found.end() :].strip(" ().").casefold()
    if tail and tail not in CONTACT_MARKS and not tail.startswith(("ext", "x", "dw")):
        return False
    return is_marked or number[0] in "+0(" or _AMERICAN.match(number) is not None


def is_place(piece: str, digits: int = 4) -> bool:
    """Whether a piece of a line is a postal code with a town; codes of four digits are also quantities and years."""
    found = _PLACE.match(piece)
    if not found or sum(map(str.isdigit, found.group())) < digits:
        return False
    return is_name(piece[found.end() :])


def is_street(piece: str) -> bool:
    """Whether a piece of a line is a street with a number at one of its ends."""
    words = piece.casefold().replace("ß", "ss").split()
    if not 2 <= len(words) <= _MAX_STREET_WORDS or len(piece) > _MAX_STREET_CHARS:
        return False
    last = words[-2] if len(words[-1]) == 1 and words[-1].isalpha() else words[-1]
    if not (words[0][0].isdigit() or last.strip("#")[:1].isdigit()):
        return False
    for word in words:
        bare = word.strip(".,")
        if bare in STREET_WORDS or bare.rpartition("-")[2] in STREET_WORDS:
            return True
        if bare.endswith(STREET_ENDS) and len(bare) > _MIN_STREET_CHARS:
            return True
    return False


def contacts(block: Sequence[str]) -> int:
    """How many lines of a block are contact lines."""
    found = sum(map(is_contact, block))
    return found + sum(is_street(above) and is_place(line) for above, line in pairwise(block))


def is_reference(line: str) -> bool:
    """Whether a line names an order, a contract, an account: what the customer writes of, not who he is."""
    if not _DIGIT.search(line):
        return False
    folded = line.casefold()
    return any(word in folded for word in REFERENCES)


def ends_sentence(line: str) -> bool:
    """Whether a line ends with a full stop, a mark like it, or a smiley."""
    text = line.rstrip(" *_)\"'”»’")
    if line.rstrip().endswith((":)", ":-)", ";)", ";-)")) or text.endswith(_SENTENCE_ENDS):
        return True
    return text[-1:] > "\u2190" and not text[-1].isalnum()


def closes(line: str) -> bool:
    """Whether a line is a closing formula and nothing else."""
    text = line.strip(" ,.!*_/-–—;:~").replace("ß", "ss").casefold()
    return text in CLOSINGS or text in WEAK_CLOSINGS or text.partition(" / ")[0] in CLOSINGS


def greets(line: str) -> bool:
    """Whether a line is a greeting: `Hello,`, `Dear Sir or Madam,`."""
    words = line.casefold().replace(",", " ").replace("!", " ").split()
    return 0 < len(words) <= _MAX_NAME_WORDS and words[0] in GREETINGS


def announces_below(line: str) -> bool:
    """Whether the line below may belong to a sentence of this one: a colon or no end of a sentence, and no greeting."""
    text = line.rstrip()
    if not text or text.endswith((":", "：")):
        return bool(text)
    return (
        not ends_sentence(text)
        and text.split()[0].casefold().strip(",") not in GREETINGS
        and not closes(text)
    )


def pleads(line: str) -> bool:
    """Whether a line speaks of its author, or asks for something with a word for please."""
    folded = line.casefold()
    return not PLEAS.isdisjoint(_WORD.findall(folded)) or speaks(folded)


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
