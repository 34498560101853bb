"""Takes off what a gateway wrote above a mail: `[EXTERNAL]`, `You don't often get email from …`.

Works on the lines of one letter in place. Never where nothing else has words,
and nothing that asks or speaks of itself.
"""

import re
from collections.abc import Sequence

from stream.clean.ends import footer_families as families
from stream.clean.ends import footer_phrases as phrases
from stream.clean.ends.persons import speaks
from stream.clean.lines import Letter, has_words

_MAX_BANNERS = 3
_MAX_BANNER_LINES = 10
_TELLING_CHARS = 300
_MAX_LABEL_CHARS = 40
_TOKEN = re.compile(r"[\w'’-]+")
_SENTENCE_ENDS = (
    *".!?:])*>",
    "important",
    "wichtig ist",
    "importante",
    "belangrijk is",
    "viktigt",
    "vigtigt",
)


def strip_banner(letter: Letter) -> None:
    """Take off a gateway's warnings at the head, whole paragraphs or the lines above the first words."""
    for _ in range(_MAX_BANNERS):
        lines, start = letter.lines, 0
        while start < len(lines) and not has_words(lines[start]):
            start += 1
        end = start
        while end < len(lines) and lines[end] and end - start < _MAX_BANNER_LINES:
            end += 1
        folded = " ".join(lines[start:end])[:1_000].casefold()
        words = _TOKEN.findall(folded[:_TELLING_CHARS])
        if phrases.BANNER_WORDS.isdisjoint(words) and families.BANNER_LABELS.isdisjoint(words[:3]):
            return
        end = start + _banner_lines(lines[start:end], folded)
        if start == end or not any(map(has_words, lines[end:])):
            return
        while start > 0 and lines[start - 1]:  # a rule above it
            start -= 1
        letter.cut(start, end, "footer", "external-sender banner")


def _banner_lines(lines: Sequence[str], folded: str) -> int:
    """How many lines of the first paragraph are a gateway's: 0, all, or those above the author's own."""
    if bare(lines[0]) in phrases.BANNER_LINES or bare(folded) in phrases.BANNER_LINES:
        number = 1 if bare(lines[0]) in phrases.BANNER_LINES else len(lines)
    elif count(folded, phrases.BANNERS, 1):
        number = 0
    elif _has_label(lines[0]) and families.holds_each(_TOKEN.findall(folded), families.BANNER):
        number = 1
    else:
        return 0
    while number < len(lines):
        line = lines[number].casefold()
        is_wrapped = number > 0 and not lines[number - 1].rstrip().endswith(_SENTENCE_ENDS)
        if not is_wrapped and not (
            count(line, phrases.BANNERS, 1)
            or count(line, phrases.BANNER_MORE, 1)
            or bare(line) in phrases.BANNER_LINES
            or not has_words(line)
        ):
            break
        number += 1
    taken = " ".join(lines[:number]).casefold()
    return 0 if "?" in taken or speaks(taken) else number


def _has_label(line: str) -> bool:
    """Whether a line begins with a label as warnings have it: `WARNING: …`, `[External] …`, `Externe E-Mail: …`."""
    head = line[:_MAX_LABEL_CHARS]
    ends = [place for mark in ":!-–—]*" if (place := head.find(mark, 2)) > 0]
    label = head[: min(ends)] if ends else ""
    words = label.strip(" []*⚠️!").casefold().split()
    return 0 < len(words) <= 3 and words[0] in families.BANNER_LABELS


def bare(line: str) -> str:
    """A line in folded case without the marks around it."""
    return line.casefold().strip(" []*!.:()<>-–—_=#⚠️")


def count(text: str, words: Sequence[str], enough: int) -> int:
    """How many of the phrases a text holds, up to `enough`. A plain loop: `any` and `sum` took three times as long."""
    found = 0
    for phrase in words:
        if phrase in text:
            found += 1
            if found == enough:
                break
    return found
