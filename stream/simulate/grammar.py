"""Turns a line with choices and slots into one of its many sentences, and reads the lines from the tables.

Takes the text tables `texts/*.txt` of this package and a seeded source of chance, gives sentences to
`letters`; knows nothing of mails, labels or topics.
"""

import random
import re
from collections.abc import Callable, Iterable
from functools import cache
from importlib import resources
from itertools import pairwise

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{(\w+)\}")
_SPACES = re.compile(r" {2,}")
_BEFORE_STOP = re.compile(r" +(?=[.,!?])")

Table = dict[str, tuple[str, ...]]


def chance(*seed_parts: object) -> random.Random:
    """A source of chance that gives the same numbers for the same parts, on every machine."""
    return random.Random("/".join(str(part) for part in seed_parts))  # noqa: S311  # repeatable on purpose


@cache
def read_table(name: str) -> Table:
    """One table: lines under their heading `= section`.

    Args:
        name: the file's name in `texts/`, without `.txt`.
    """
    text = resources.files("stream.simulate").joinpath("texts", f"{name}.txt").read_text("utf-8")
    lines = text.splitlines()
    starts = [place for place, line in enumerate(lines) if line.startswith("= ")]
    return {
        lines[start][2:]: tuple(lines[start + 1 : end])
        for start, end in pairwise([*starts, len(lines)])
    }


def expand(line: str, rng: random.Random, slot: Callable[[str], str]) -> str:
    """One sentence of a line: `[a|b]` is a choice, `{name}` is what `slot(name)` says.

    Values of slots are put in last and never read as choices.
    """
    while "[" in line:
        line = _CHOICE.sub(lambda match: rng.choice(match[1].split("|")), line)
    filled = _SLOT.sub(lambda match: slot(match[1]), line)
    return _BEFORE_STOP.sub("", _SPACES.sub(" ", filled)).strip()


def with_typos(text: str, count: int, rng: random.Random) -> str:
    """The text after `count` slips of the fingers: letters swapped, lost or doubled in longer words."""
    words = text.split(" ")
    places = [place for place, word in enumerate(words) if len(word) > 4 and word.isalpha()]
    for place in rng.sample(places, min(count, len(places))):
        words[place] = _slip(words[place], rng)
    return " ".join(words)


def _slip(word: str, rng: random.Random) -> str:
    at = rng.randrange(1, len(word) - 2)
    kind = rng.randrange(3)
    if kind == 0:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if kind == 1:
        return word[:at] + word[at + 1 :]
    return word[:at] + word[at] + word[at:]


def without_umlauts(text: str) -> str:
    """German as it is typed on a foreign keyboard."""
    pairs: Iterable[tuple[str, str]] = zip(
        "äöüÄÖÜß", ("ae", "oe", "ue", "Ae", "Oe", "Ue", "ss"), strict=True
    )
    for letter, spelled in pairs:
        text = text.replace(letter, spelled)
    return text
