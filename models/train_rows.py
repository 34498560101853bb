"""Reads what a request names and divides it: rows to learn from, to choose by and to measure on, for `models.train`."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from models.dataset import DataFile, Dataset, DatasetError, read_dataset
from models.labels import TrainingRow
from models.manifest import DEFAULT_TENANT
from models.split import hold_out
from models.train_report import TrainRequest, named


@dataclass(frozen=True)
class TrainRows:
    """Rows by use, the files they came from, and what was left out.

    `other_tenants` counts rows of `data`; `refused` rows of all files whose tenant did not consent, by tenant.
    """

    learn: list[TrainingRow]
    validation: list[TrainingRow]
    test: list[TrainingRow]
    train_files: tuple[DataFile, ...]
    validation_files: tuple[DataFile, ...]
    test_files: tuple[DataFile, ...]
    other_tenants: int
    refused: dict[str, int]

    def everything(self) -> list[TrainingRow]:
        """All rows: learn, validation, test."""
        return [*self.learn, *self.validation, *self.test]


def read_rows(request: TrainRequest) -> TrainRows:
    """Read and divide the rows of a request.

    Raises:
        DatasetError: a file cannot be read or has bad rows, no row is the tenant's, no tenant of them consents, or none
            can be kept back.
    """
    data = read_dataset(request.data)
    validation, test = _read_one(request.validation), _read_one(request.test)
    own = _own(data.rows, request.tenant)
    if not own:
        raise DatasetError(
            f"none of {len(data.rows)} rows belongs to tenant {request.tenant!r}; "
            "name a tenant that has rows, or leave the tenant out to learn from all"
        )
    other_tenants = len(data.rows) - len(own)
    refused: Counter[str] = Counter()
    own = _consented(own, request, refused)
    if not own:
        raise DatasetError(
            f"no row may be learned from: all {refused.total()} are of tenants that did not consent to training "
            f"({named(refused)}); set consent_to_training in the tenants file, or name other rows"
        )
    learn = own
    kept_back = _consented(_own(test.rows, request.tenant), request, refused)
    if request.test is None:
        learn_places, test_places = hold_out(own)
        learn = [own[place] for place in learn_places]
        kept_back = [own[place] for place in test_places]
    return TrainRows(
        learn,
        _consented(_own(validation.rows, request.tenant), request, refused),
        kept_back,
        data.files,
        validation.files,
        test.files,
        other_tenants,
        dict(refused),
    )


def _read_one(path: Path | None) -> Dataset:
    return Dataset((), ()) if path is None else read_dataset([path])


def _own(rows: Sequence[TrainingRow], tenant: str) -> list[TrainingRow]:
    """A tenant's model never learns from another tenant's mail."""
    return [row for row in rows if tenant == DEFAULT_TENANT or row.tenant in {None, tenant}]


def _consented(
    rows: Sequence[TrainingRow], request: TrainRequest, refused: Counter[str]
) -> list[TrainingRow]:
    """Rows of tenants that consent; the others are counted. A tenant is asked once, not once a row."""
    tenants = {row.tenant or request.tenant for row in rows}
    willing = {tenant for tenant in tenants if request.consents(tenant)}
    refused.update(
        tenant for row in rows if (tenant := row.tenant or request.tenant) not in willing
    )
    return [row for row in rows if (row.tenant or request.tenant) in willing]
