"""Lines that a tenant's own systems write into every mail, and where they stand in one. Knows lines, not mails.

An entry is one line or several that follow each other; `*` in it stands for any words of that line. Case and runs of
spaces do not matter. Entries are looked up by how their first line begins, so that a line meets few of them; in a line,
the pieces between the stars are looked for in turn.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

MAX_ENTRIES = 500
MAX_ENTRY_CHARS = 2_000
MAX_ENTRY_LINES = 20
MAX_OPEN_ENTRIES = 20
"""Entries whose first line begins with a star: every line of every mail meets them all."""
_LEAST_LETTERS = 4
_KEY_CHARS = 3
_CHECK_EVERY = 64

Pattern = tuple[str, ...]


@dataclass(frozen=True)
class Boilerplate:
    """Entries ready to be looked for; made by `of`, equal for equal entries.

    Args:
        exact: entries of one line without a star.
        others: entries of several lines or with stars, each line cut at its stars, by the first letters of the first
            one; by the empty text where it begins with a star, or with too little.
    """

    exact: frozenset[str]
    others: Mapping[str, tuple[tuple[Pattern, ...], ...]]

    @classmethod
    def of(cls, entries: Iterable[str]) -> "Boilerplate":
        """Read entries as a person wrote them.

        Raises:
            ValueError: an entry that would take out a customer's words (fewer than 4 letters) or is too long.
        """
        exact: set[str] = set()
        others: dict[str, tuple[tuple[Pattern, ...], ...]] = {}
        for number, entry in enumerate(entries, start=1):
            lines = [line for line in map(_folded, entry.splitlines()) if line]
            _check(number, entry, lines)
            if len(lines) == 1 and "*" not in lines[0]:
                exact.add(lines[0])
                continue
            patterns = tuple(tuple(line.split("*")) for line in lines)
            head = patterns[0][0]
            key = head[:_KEY_CHARS] if len(head) >= _KEY_CHARS else ""
            others[key] = (*others.get(key, ()), patterns)
        if len(others.get("", ())) > MAX_OPEN_ENTRIES:
            raise ValueError(
                f"{len(others[''])} boilerplate entries begin with a star; at most {MAX_OPEN_ENTRIES} may, "
                "write out how the others begin"
            )
        return cls(frozenset(exact), others)

    def spans(
        self, lines: Sequence[str], check: Callable[[], None] = lambda: None
    ) -> list[tuple[int, int]]:
        """Where the entries stand: pairs of first line and the line behind the last, rising, apart from each other.

        Args:
            lines: of the mail. Empty ones between the lines of an entry do not matter; quoting (`>`) does.
            check: called every 64 lines; what it raises ends the search.
        """
        if not self.exact and not self.others:
            return []
        folded = [_folded(line) for line in lines]
        found: list[tuple[int, int]] = []
        at = 0
        while at < len(folded):
            if at % _CHECK_EVERY == 0:
                check()
            end = at + 1 if folded[at] in self.exact else self._longest(folded, at)
            if folded[at] and end:
                found.append((at, end))
                at = end
            else:
                at += 1
        return found

    def _longest(self, folded: Sequence[str], at: int) -> int:
        """Where the longest entry ends that begins at a line; 0: none does."""
        key = folded[at][:_KEY_CHARS]
        candidates = (*self.others.get(key, ()), *self.others.get("", ()))
        return max((_end_of(entry, folded, at) for entry in candidates), default=0)


NO_BOILERPLATE = Boilerplate(frozenset(), {})


def _check(number: int, entry: str, lines: Sequence[str]) -> None:
    """Refuse an entry that could not have been meant, or is too long."""
    shown = f"boilerplate entry {number} ({entry[:40]!r})"
    if sum(map(str.isalpha, "".join(lines))) < _LEAST_LETTERS:
        raise ValueError(
            f"{shown} has fewer than {_LEAST_LETTERS} letters; "
            "it would take out a customer's words, write the whole line"
        )
    if len(entry) > MAX_ENTRY_CHARS or len(lines) > MAX_ENTRY_LINES or number > MAX_ENTRIES:
        raise ValueError(
            f"{shown}: at most {MAX_ENTRIES} entries of {MAX_ENTRY_LINES} lines "
            f"and {MAX_ENTRY_CHARS} characters; shorten it"
        )


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
