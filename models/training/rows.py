"""Reads what a request names and divides it: rows to learn from, to choose by and to measure on, for `models.train`.

Label changes are applied first, and what cannot be meant is refused here, before anything long starts.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from models.labels import TrainingRow
from models.manifest import DEFAULT_TENANT
from models.rows.checks import check_labels, find_single_rows
from models.rows.dataset import DataFile, Dataset, DatasetError, read_dataset
from models.rows.groups import Overlap, RowGroups, group_rows, measure_overlap
from models.rows.label_changes import NO_CHANGES, LabelChanges
from models.rows.split import SplitFacts, facts_of, split_rows
from models.training.checks import check_heads, check_kinds, check_learnable
from models.training.report import TrainRequest, named


@dataclass(frozen=True)
class TrainRows:
    """Rows by use, the files they came from, and what was left out.

    Args:
        learn, validation, test: the rows, with their labels as they are now.
        train_files, validation_files, test_files: where they came from.
        other_tenants: rows of `data` left out.
        refused: rows of all files whose tenant did not consent, by tenant.
        warnings: what looks wrong and does not hinder, in words.
        split: how the rows were divided.
        overlap: `test`, `validation` -> rows of that file which resemble rows that are learned from or chosen by.
        changes: the label changes that were applied.
        groups: the number of the group of each row of `learn`, for `models.rows.split.hold_out` and `cut_folds`.
    """

    learn: list[TrainingRow]
    validation: list[TrainingRow]
    test: list[TrainingRow]
    train_files: tuple[DataFile, ...]
    validation_files: tuple[DataFile, ...]
    test_files: tuple[DataFile, ...]
    other_tenants: int
    refused: dict[str, int]
    warnings: tuple[str, ...] = ()
    split: SplitFacts = SplitFacts(rule="hash")  # noqa: RUF009  # frozen
    overlap: dict[str, Overlap] = field(default_factory=dict[str, Overlap])
    changes: LabelChanges = NO_CHANGES
    groups: list[int] = field(default_factory=list[int])

    def everything(self) -> list[TrainingRow]:
        """All rows: learn, validation, test."""
        return [*self.learn, *self.validation, *self.test]


@dataclass(frozen=True)
class _Placed:
    """Rows and where each stands."""

    rows: list[TrainingRow]
    places: list[str]

    def pick(self, numbers: Sequence[int]) -> "_Placed":
        return _Placed([self.rows[n] for n in numbers], [self.places[n] for n in numbers])

    def __add__(self, other: "_Placed") -> "_Placed":
        return _Placed(self.rows + other.rows, self.places + other.places)


def read_rows(
    request: TrainRequest, previous: Mapping[str, Sequence[str]] | None = None
) -> TrainRows:
    """Read and divide the rows of a request.

    Args:
        request: names them.
        previous: head -> labels of the version before; None: there is none.

    Raises:
        DatasetError: a file cannot be read or has bad rows, no row is the tenant's, no tenant of them consents, none
            can be kept back, there is nothing to learn, or the request names heads or labels that no row has.
    """
    data = read_dataset(request.data)
    validation, test = _read_one(request.validation), _read_one(request.test)
    refused: Counter[str] = Counter()
    own = _usable(data, request, refused)
    chosen, measured = (_usable(one, request, refused) for one in (validation, test))
    own, chosen, measured = _change_labels(request.changes, previous or {}, own, chosen, measured)
    warnings = [*data.id_warnings, *validation.id_warnings, *test.id_warnings]
    together = own + chosen + measured
    warnings += check_labels(together.rows, together.places)
    warnings += check_heads(request, own.rows, chosen.rows, measured.rows)
    learn, measured, split, groups = _divide(request, own, measured)
    check_learnable(request, learn.rows, learn.places)
    for part in (chosen, measured):
        check_kinds(learn.rows, part.rows, part.places)
    warnings += find_single_rows(own.rows, own.places)
    overlap = _overlap(request, learn, chosen, measured)
    return TrainRows(
        learn.rows,
        chosen.rows,
        measured.rows,
        data.files,
        validation.files,
        test.files,
        sum(not _is_own(row, request.tenant) for row in data.rows),
        dict(refused),
        (*warnings, *(one.warning(name) for name, one in overlap.items() if one.found)),
        split,
        overlap,
        request.changes,
        groups,
    )


def _read_one(path: Path | None) -> Dataset:
    return Dataset((), ()) if path is None else read_dataset([path])


def _usable(data: Dataset, request: TrainRequest, refused: Counter[str]) -> _Placed:
    """Rows of the tenant, and of tenants that consent; those that do not are counted. A tenant is asked once."""
    own = [n for n, row in enumerate(data.rows) if _is_own(row, request.tenant)]
    if data.rows and not own:
        raise DatasetError(
            f"{_names(data)}: none of {len(data.rows)} rows belongs to tenant {request.tenant!r}; "
            "name a tenant that has rows, or leave the tenant out to learn from all"
        )
    tenants = {number: data.rows[number].tenant or request.tenant for number in own}
    willing = {tenant for tenant in set(tenants.values()) if request.consents(tenant)}
    here = Counter(tenant for tenant in tenants.values() if tenant not in willing)
    refused.update(here)
    if here.total() == len(own) and own:
        raise DatasetError(
            f"{_names(data)}: no row may be learned from: all {here.total()} are of tenants that did not consent "
            f"to training ({named(here)}); set consent_to_training in the tenants file, or name other rows"
        )
    placed = _Placed(list(data.rows), list(data.places))
    return placed.pick([number for number in own if tenants[number] in willing])


def _is_own(row: TrainingRow, tenant: str) -> bool:
    """A tenant's model never learns from another tenant's mail."""
    return tenant == DEFAULT_TENANT or row.tenant in {None, tenant}


def _names(data: Dataset) -> str:
    return ", ".join(file.name for file in data.files)


def _change_labels(
    changes: LabelChanges, previous: Mapping[str, Sequence[str]], *parts: _Placed
) -> list[_Placed]:
    if not changes.by_head:
        return list(parts)
    changes.check_known((row for part in parts for row in part.rows), previous)
    return [_Placed(changes.apply(part.rows), part.places) for part in parts]


def _divide(
    request: TrainRequest, own: _Placed, measured: _Placed
) -> tuple[_Placed, _Placed, SplitFacts, list[int]]:
    """What to learn from and to measure on, how that was decided, and the groups of the first."""
    groups: RowGroups = group_rows(own.rows)
    numbers = groups.numbers()
    if request.test is not None:
        return own, measured, facts_of(groups, "file"), numbers
    split = split_rows(own.rows, groups=groups)
    return (
        own.pick(split.learn),
        own.pick(split.kept),
        split.facts,
        [numbers[number] for number in split.learn],
    )


def _overlap(
    request: TrainRequest, learn: _Placed, chosen: _Placed, measured: _Placed
) -> dict[str, Overlap]:
    """What rows of the files named resemble; rows of `data` that were kept back resemble none of it by their making."""
    found: dict[str, Overlap] = {}
    if request.validation is not None:
        found["validation"] = measure_overlap(chosen.rows, learn.rows, chosen.places)
    if found or request.test is not None:
        known, words = (
            [*learn.rows, *chosen.rows],
            "training or validation" if found else "training",
        )
        found["test"] = measure_overlap(measured.rows, known, measured.places, words)
    return found
