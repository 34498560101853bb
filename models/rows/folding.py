"""What two copies of a text share: a text in, its folded form out, to `split` and `near_duplicates`."""

import re

_NOT_WORDS = re.compile(r"[\W\d_]+")


def fold_words(text: str) -> str:
    """The words alone: no case, digits, punctuation or spacing; one space between words."""
    return _NOT_WORDS.sub(" ", text.casefold()).strip()


def fold_label(label: str) -> str:
    """A label without case and surplus white space: what a person would read as the same label."""
    return " ".join(label.split()).casefold()
