"""What goes wrong with rows, in words: `DatasetError` and its phrases, for `dataset` and all that reads rows."""

import difflib
from collections.abc import Iterable
from pathlib import PurePath

SHOWN_NAMES = 20


class DatasetError(ValueError):
    """Rows that cannot be trained on; the message names file, line, value and way out."""


def file_name(place: str) -> str:
    """`FILE:LINE` without the file's folder: for warnings, which travel with the report."""
    return PurePath(place).name


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The known names that look most like one, or all of them when none does; for messages."""
    there = sorted(known)
    near = difflib.get_close_matches(name, there, n=3, cutoff=0.6)
    if near:
        return f"did you mean {', '.join(map(repr, near))}?"
    shown = ", ".join(map(repr, there[:SHOWN_NAMES])) + (", …" if len(there) > SHOWN_NAMES else "")
    return f"there is {shown or 'none'}"
