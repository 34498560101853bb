"""Small questions about lines of text and small steps on them, shared by several rooms."""

Removed = dict[str, int]
"""Characters taken out, by reason."""

_SMILEYS = frozenset((":)", ":-)", ";)", ";-)", ":(", ":-("))


def listed(words: str) -> tuple[str, ...]:
    """The words of a table, which is written with `|` between them."""
    return tuple(words.split("|"))


def is_quoted(line: str) -> bool:
    """Whether a line is quoted with `>`."""
    return line.startswith(">") or (line.startswith(" ") and line.lstrip().startswith(">"))


def has_words(line: str) -> bool:
    """Whether a line holds a letter or a digit."""
    return any(map(str.isalnum, line))


def is_emoji(line: str) -> bool:
    """Whether a line without words still says something (`👍`, `:-)`); rules and box drawings do not."""
    if line.strip() in _SMILEYS:
        return True
    return any(char > "\u2190" and not "\u2500" <= char <= "\u257f" for char in line)


def cut_lines(lines: list[str], start: int, end: int, reason: str, removed: Removed) -> None:
    """Take lines out of a letter and count their characters."""
    removed[reason] += sum(len(line) + 1 for line in lines[start:end])
    del lines[start:end]
