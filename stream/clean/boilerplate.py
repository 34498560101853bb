"""Lines that a tenant's own systems write into every mail, and where they stand in one. Knows lines, not mails.

An entry is one line or several that follow each other; `*` in it stands for any words of that line. Case and runs of
spaces do not matter. An entry matches in time linear in the line: pieces between the stars are looked for in turn.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MAX_ENTRIES = 500
MAX_ENTRY_CHARS = 2_000
_LEAST_LETTERS = 4

Pattern = tuple[str, ...]


@dataclass(frozen=True)
class Boilerplate:
    """Entries ready to be looked for; made by `of`, equal for equal entries.

    Args:
        exact: entries of one line without a star.
        others: entries of several lines or with stars, each line cut at its stars.
    """

    exact: frozenset[str]
    others: tuple[tuple[Pattern, ...], ...]

    @classmethod
    def of(cls, entries: Iterable[str]) -> "Boilerplate":
        """Read entries as a person wrote them.

        Raises:
            ValueError: an entry that would take out a customer's words (fewer than 4 letters) or is too long.
        """
        exact: set[str] = set()
        others: list[tuple[Pattern, ...]] = []
        for number, entry in enumerate(entries, start=1):
            lines = [line for line in map(_folded, entry.splitlines()) if line]
            if sum(map(str.isalpha, "".join(lines))) < _LEAST_LETTERS:
                raise ValueError(
                    f"boilerplate entry {number} ({entry[:40]!r}) has fewer than {_LEAST_LETTERS} letters; "
                    "it would take out a customer's words, write the whole line"
                )
            if len(entry) > MAX_ENTRY_CHARS or number > MAX_ENTRIES:
                raise ValueError(
                    f"boilerplate entry {number} ({entry[:40]!r}): at most {MAX_ENTRIES} entries "
                    f"of {MAX_ENTRY_CHARS} characters; shorten the list"
                )
            if len(lines) == 1 and "*" not in lines[0]:
                exact.add(lines[0])
            else:
                others.append(tuple(tuple(line.split("*")) for line in lines))
        return cls(frozenset(exact), tuple(others))

    def spans(self, lines: Sequence[str]) -> list[tuple[int, int]]:
        """Where the entries stand: pairs of first line and the line behind the last, rising, apart from each other.

        Empty lines between the lines of an entry do not matter; quoting (`>`) does.
        """
        if not self.exact and not self.others:
            return []
        folded = [_folded(line) for line in lines]
        found: list[tuple[int, int]] = []
        at = 0
        while at < len(folded):
            end = at + 1 if folded[at] in self.exact else self._longest(folded, at)
            if folded[at] and end:
                found.append((at, end))
                at = end
            else:
                at += 1
        return found

    def _longest(self, folded: Sequence[str], at: int) -> int:
        """Where the longest entry ends that begins at a line; 0: none does."""
        return max((_end_of(entry, folded, at) for entry in self.others), default=0)


NO_BOILERPLATE = Boilerplate(frozenset(), ())


def _folded(line: str) -> str:
    return " ".join(line.split()).casefold()


def _end_of(entry: Sequence[Pattern], folded: Sequence[str], at: int) -> int:
    for pattern in entry:
        while at < len(folded) and not folded[at]:
            at += 1
        if at == len(folded) or not _matches(pattern, folded[at]):
            return 0
        at += 1
    return at


def _matches(pattern: Pattern, line: str) -> bool:
    head, *middle = pattern
    if not middle:
        return line == head
    *middle, tail = middle
    if len(line) < len(head) + len(tail) or not (line.startswith(head) and line.endswith(tail)):
        return False
    at, end = len(head), len(line) - len(tail)
    for piece in middle:
        at = line.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True
