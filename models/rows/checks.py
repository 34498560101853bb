"""Compares rows with each other, for `dataset`: what contradicts itself, and what cannot be measured.

Takes rows and where they stand, gives warnings in words, and refuses what has no meaning. No message holds a text.
No warning holds a folder: warnings travel with the report.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence

from models.labels import HeadSpec, TrainingRow
from models.rows.errors import DatasetError, file_name
from models.rows.folding import fold_label

SHOWN = 5
ODD_SHARE = 0.01


def check_ids(rows: Sequence[TrainingRow], places: Sequence[str]) -> list[str]:
    """Refuse rows of one id that answer one head differently; equal ones are counted.

    An id is one within its tenant. Two files may count their rows alike: rows of one id with other texts in another
    file are other mails, and only warned of.

    Args:
        rows: all rows read.
        places: `file:line` of each; empty for a row that was given its line as id.

    Raises:
        DatasetError: names both lines, the id and the head.
    """
    first: dict[tuple[str | None, str], int] = {}
    same, strangers = 0, list[str]()
    for number, (row, place) in enumerate(zip(rows, places, strict=True)):
        other = first.setdefault((row.tenant, row.id), number) if place else number
        if other == number:
            continue
        head = _contradiction(rows[other], row)
        is_one_file = _file(places[other]) == _file(place)
        if head is None:
            same += 1
        elif is_one_file or _same_text(rows[other], row):
            raise DatasetError(
                f"{place}: id={row.id!r} has the label {row.labels[head]!r} in head {head!r}, "
                f"but {rows[other].labels[head]!r} at {places[other]}; "
                "keep the right one, or give the rows different ids"
            )
        else:
            strangers.append(f"{row.id!r} at {file_name(places[other])} and {file_name(place)}")
    warnings = [f"{same} rows repeat the id and the labels of an earlier row"] if same else []
    if strangers:
        warnings.append(
            f"{len(strangers)} ids name different mails in different files ({_some(strangers)}); "
            "give them different ids, so that they can be told apart"
        )
    return warnings


def check_labels(rows: Sequence[TrainingRow], places: Sequence[str]) -> list[str]:
    """Warnings of equal texts with different labels, and of labels that differ only by their spelling."""
    return [
        *_find_contradictions(rows, places),
        *_find_spellings(rows, places),
        *_find_odd_lists(rows, places),
    ]


def _find_odd_lists(rows: Sequence[TrainingRow], places: Sequence[str]) -> list[str]:
    """A few rows with several labels make a whole head multi-label: often a slip, and always other output fields."""
    counts: Counter[str] = Counter(head for row in rows for head in row.labels)
    lists: defaultdict[str, list[str]] = defaultdict(list)
    for row, place in zip(rows, places, strict=True):
        for head, value in row.labels.items():
            if isinstance(value, list) and len(value) > 1:
                lists[head].append(f"{file_name(place)}, id={row.id!r}")
    return [
        f"head {head!r} is multi-label because {len(found)} of {counts[head]} rows have several labels "
        f"(the first: {found[0]}); if that is a slip, correct them"
        for head, found in sorted(lists.items())
        if len(found) <= ODD_SHARE * counts[head]
    ]


def find_single_rows(rows: Sequence[TrainingRow], places: Sequence[str]) -> list[str]:
    """A warning per multi-class head with classes of one row: such a class is learned or measured, never both."""
    counts: Counter[tuple[str, str]] = Counter()
    first: dict[tuple[str, str], str] = {}
    for row, place in zip(rows, places, strict=True):
        for answer in _answers(row):
            counts[answer] += 1
            first.setdefault(answer, f"{file_name(place)}, id={row.id!r}")
    multilabel = {head for row in rows for head, x in row.labels.items() if isinstance(x, list)}
    single: defaultdict[str, list[str]] = defaultdict(list)
    for (head, label), count in sorted(counts.items()):
        if count == 1 and head not in multilabel:
            single[head].append(f"{label!r} ({first[head, label]})")
    return [
        f"head {head!r}: {len(shown)} classes have one row each and cannot be measured: {_some(shown)}; "
        "add rows, or merge them with others"
        for head, shown in single.items()
    ]


def frequent_labels(
    spec: HeadSpec, rows: Sequence[TrainingRow], least_rows: int, out_of_scope: str | None
) -> tuple[str, ...] | str:
    """The labels of a head that have rows enough, in order; a sentence with the way out where none is left to give.

    Args:
        spec: the head; one of a single label a row keeps all its labels.
        rows: to learn from.
        least_rows: of a label.
        out_of_scope: a label that is learned from and never given.
    """
    if spec.kind == "multiclass":
        return spec.labels
    counts = Counter(label for row in rows for head, label in _answers(row) if head == spec.name)
    kept = tuple(label for label in spec.labels if counts[label] >= least_rows)
    if kept not in {(), (out_of_scope,)}:
        return kept
    most, count = counts.most_common(1)[0]
    found = (
        f"no label with {least_rows} rows but {kept[0]!r}, which is out of scope and never given"
        if kept
        else f"no label with {least_rows} rows (the most frequent, {most!r}, has {count})"
    )
    return f"head {spec.name!r} has {found}; add rows, or lower --min-label-rows"


def _find_contradictions(rows: Sequence[TrainingRow], places: Sequence[str]) -> list[str]:
    """A warning per head that answers equal texts differently: nobody can learn both."""
    first: dict[tuple[str | None, str, str], int] = {}
    found: defaultdict[str, list[str]] = defaultdict(list)
    for number, row in enumerate(rows):
        text = fold_label(f"{row.subject or ''}\n{row.body or ''}")
        for head, value in row.labels.items():
            other = first.setdefault((row.tenant, head, text), number)
            if not _is_same(rows[other].labels[head], value):
                found[head].append(
                    f"{rows[other].labels[head]!r} at {file_name(places[other])} "
                    f"and {value!r} at {file_name(places[number])}"
                )
    return [
        f"head {head!r}: {len(shown)} rows have the text of an earlier row and another label ({_some(shown)}); "
        "keep one of them, or one label for both"
        for head, shown in sorted(found.items())
    ]


def _find_spellings(rows: Sequence[TrainingRow], places: Sequence[str]) -> list[str]:
    """A warning per head with labels that differ only by case or white space: they are learned as different ones."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    first: dict[tuple[str, str], str] = {}
    for row, place in zip(rows, places, strict=True):
        for head, label in _answers(row):
            counts[head][label] += 1
            first.setdefault((head, label), file_name(place))
    warnings: list[str] = []
    for head, own in sorted(counts.items()):
        alike: defaultdict[str, list[str]] = defaultdict(list)
        for label, _ in own.most_common():
            alike[fold_label(label)].append(label)
        shown = [
            " and ".join(f"{x!r} ({own[x]} rows, first at {first[head, x]})" for x in labels)
            for labels in alike.values()
            if len(labels) > 1
        ]
        if shown:
            warnings.append(
                f"head {head!r}: labels differ only by case or white space: {_some(shown)}; "
                "write them alike, or merge them in the file of label changes"
            )
    return warnings


def _answers(row: TrainingRow) -> list[tuple[str, str]]:
    return [
        (head, label)
        for head, value in row.labels.items()
        for label in ([value] if isinstance(value, str) else dict.fromkeys(value))
    ]


def _contradiction(one: TrainingRow, other: TrainingRow) -> str | None:
    """A head that both rows answer, differently; heads that only one of them names are no contradiction."""
    shared = (head for head in one.labels if head in other.labels)
    return next((x for x in shared if not _is_same(one.labels[x], other.labels[x])), None)


def _is_same(one: str | list[str], other: str | list[str]) -> bool:
    return set([one] if isinstance(one, str) else one) == set(
        [other] if isinstance(other, str) else other
    )


def _same_text(one: TrainingRow, other: TrainingRow) -> bool:
    return (one.subject or "", one.body or "") == (other.subject or "", other.body or "")


def _file(place: str) -> str:
    return place.rpartition(":")[0]


def _some(shown: Sequence[str]) -> str:
    more = f"; {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    return ", ".join(shown[:SHOWN]) + more
