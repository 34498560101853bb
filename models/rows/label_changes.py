"""What becomes of labels between two versions of a model: renamed, merged, removed; to `models.training.rows`.

A TOML file, one table per head: `"old" = "new"`; two old labels with one new one are merged, `"old" = ""` removes.
Knows rows and label names, no model and no split.
"""

import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, cast

import msgspec

from models.labels import TrainingRow
from models.rows.errors import DatasetError, did_you_mean

_WRITE_LIKE = 'write tables like [head] with lines like "old" = "new"'


class HeadChange(msgspec.Struct, frozen=True, kw_only=True):
    """How one head's label set differs from that of the previous version, for the report.

    Args:
        added: labels that come from no previous one, in the order of the head.
        removed: previous labels that went into no present one, in their order.
        declared: those of them whose removal the label changes say.
        renamed: previous label -> its only heir, which had no other.
        merged: label -> the previous labels that went into it, two or more; itself among them where it stays.
        unchanged: how many labels are as they were.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    declared: tuple[str, ...] = ()
    renamed: dict[str, str] = {}
    merged: dict[str, tuple[str, ...]] = {}
    unchanged: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether the label set is the previous one."""
        return not (self.added or self.removed or self.renamed or self.merged)


@dataclass(frozen=True)
class LabelChanges:
    """By head, old label -> new label; None: the label is removed. Two old labels with one new one are merged.

    No new label is itself an old one, so the order of the changes does not matter and applying them twice is applying
    them once.

    Args:
        by_head: the changes.
        source: the file they were read from, for messages.

    Raises:
        DatasetError: a change that has no clear meaning: a name is empty, renamed to itself, or both old and new.
    """

    by_head: Mapping[str, Mapping[str, str | None]] = field(
        default_factory=dict[str, Mapping[str, str | None]]
    )
    source: str = "label changes"

    def __post_init__(self) -> None:
        for head, changes in self.by_head.items():
            for old, new in changes.items():
                _check_one(
                    f"{self.source}: head {head!r}: {old!r} = {new or ''!r}", old, new, changes
                )

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a TOML file.

        Raises:
            DatasetError: it cannot be read or is of another form; the message names file, head, label and way out.
        """
        try:
            content = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise DatasetError(
                f"{path} cannot be read ({reason}); name a file that exists"
            ) from error
        except UnicodeDecodeError as error:
            raise DatasetError(f"{path}: not UTF-8; convert the file to UTF-8") from error
        except tomllib.TOMLDecodeError as error:
            raise DatasetError(f"{path} is no TOML: {error}; {_WRITE_LIKE}") from error
        by_head: dict[str, dict[str, str | None]] = {}
        for head, table in content.items():
            if not isinstance(table, dict):
                raise DatasetError(f"{path}: {head!r} stands below no head; {_WRITE_LIKE}")
            by_head[head] = {}
            for old, new in cast("dict[str, object]", table).items():
                if not isinstance(new, str):
                    raise DatasetError(
                        f"{path}: head {head!r}: {old!r} = {new!r} is no label; quote the new name, "
                        'or write "" to remove the label'
                    )
                by_head[head][old] = new or None
        return cls(by_head, str(path))

    def of(self, head: str) -> Mapping[str, str | None]:
        """The changes of one head; empty when it has none."""
        return self.by_head.get(head, {})

    def apply(self, rows: Iterable[TrainingRow]) -> list[TrainingRow]:
        """The rows with their labels as they are now, in the same order; a row without an old label is the same object.

        A row whose label is removed loses that head's answer (multi-label: that label, maybe leaving none), for what
        it belongs to now is unknown.
        """
        return [self._apply_one(row) for row in rows] if self.by_head else list(rows)

    def check_known(
        self, rows: Iterable[TrainingRow], previous: Mapping[str, Sequence[str]]
    ) -> None:
        """Refuse a change of a label that exists nowhere: it is a slip of the pen.

        Args:
            rows: before the changes; a label that has its new name already is known too.
            previous: head -> labels of the previous version; empty when there is none.

        Raises:
            DatasetError: names head and label, and those that exist.
        """
        known: defaultdict[str, set[str]] = defaultdict(set)
        for head, labels in previous.items():
            known[head].update(labels)
        for row in rows if self.by_head else ():
            for head, value in row.labels.items():
                known[head].update([value] if isinstance(value, str) else value)
        for head, changes in self.by_head.items():
            if head not in known:
                raise DatasetError(
                    f"{self.source}: no row and no previous version has head {head!r}, only {sorted(known)}; "
                    "name one of these, or remove the table"
                )
            for old, new in changes.items():
                if old not in known[head] and (new is None or new not in known[head]):
                    raise DatasetError(
                        f"{self.source}: head {head!r}: no row and no previous version has the label {old!r}; "
                        f"{did_you_mean(old, known[head])}, or remove the line"
                    )

    def _apply_one(self, row: TrainingRow) -> TrainingRow:
        labels: dict[str, str | list[str]] = {}
        for head, value in row.labels.items():
            changes = self.of(head)
            if isinstance(value, list):
                now = (changes.get(label, label) for label in value)
                labels[head] = list(dict.fromkeys(label for label in now if label is not None))
            elif (new := changes.get(value, value)) is not None:
                labels[head] = new
        return row if labels == row.labels else msgspec.structs.replace(row, labels=labels)


NO_CHANGES = LabelChanges()


def _check_one(where: str, old: str, new: str | None, changes: Mapping[str, str | None]) -> None:
    if not old.strip() or (new is not None and not new.strip()):
        raise DatasetError(f"{where}: a label is empty; write its name, or remove the line")
    if old == new:
        raise DatasetError(f"{where} changes nothing; remove the line")
    if new is not None and new in changes:
        raise DatasetError(
            f"{where}, but {new!r} = {changes[new] or ''!r} changes the new name too; "
            f"write what {old!r} is to be in the end"
        )


def describe_changes(
    previous_labels: Sequence[str], labels: Sequence[str], changes: Mapping[str, str | None]
) -> HeadChange:
    """Compare two label sets of one head.

    Args:
        previous_labels: of the previous version; empty for a new head.
        labels: of this version.
        changes: of this head (`LabelChanges.of`).
    """
    heirs = heirs_of(previous_labels, labels, changes)
    come_from = {old for olds in heirs.values() for old in olds}
    removed = tuple(old for old in previous_labels if old not in come_from)
    return HeadChange(
        added=tuple(label for label in labels if not heirs[label]),
        removed=removed,
        declared=tuple(old for old in removed if old in changes),
        renamed={
            olds[0]: label for label, olds in heirs.items() if len(olds) == 1 and olds[0] != label
        },
        merged={label: olds for label, olds in heirs.items() if len(olds) > 1},
        unchanged=sum(olds == (label,) for label, olds in heirs.items()),
    )


def heirs_of(
    previous_labels: Sequence[str], labels: Sequence[str], changes: Mapping[str, str | None]
) -> dict[str, tuple[str, ...]]:
    """Label -> the previous labels that it comes from, in their order; every label of `labels` is a key."""
    heirs: dict[str, tuple[str, ...]] = dict.fromkeys(labels, ())
    for old in previous_labels:
        new = changes.get(old, old)
        if new in heirs:
            heirs[new] = (*heirs[new], old)
    return heirs
