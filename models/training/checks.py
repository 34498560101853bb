"""Checks a request before anything long starts, by itself and against its rows: what is named must exist.

Knows heads and labels, no model and no split.
"""

import importlib.util
from collections.abc import Sequence
from pathlib import Path

from models.bundle_names import check_name
from models.labels import TrainingRow, check_template
from models.rows.checks import frequent_labels
from models.rows.dataset import answer_of, find_heads
from models.rows.errors import DatasetError, did_you_mean
from models.training.report import TrainRequest

_NEEDED = ("jinja2", "matplotlib", "onnx", "scipy")
_NEEDED_TO_TUNE = ("torch", "transformers")


def check_request(request: TrainRequest) -> None:
    """Refuse what would fail after minutes of work.

    Raises:
        DatasetError: the template has no such field, or an extra is not installed.
        BundleError: the name is not allowed.
    """
    check_name(request.name)
    try:
        check_template(request.input_template)
    except ValueError as error:
        raise DatasetError(str(error)) from error
    tunes = request.recipe != "quick"
    for extra, names in (("heads", _NEEDED), ("train", _NEEDED_TO_TUNE if tunes else ())):
        wanted = (*names, "optuna") if request.search and extra == "train" else names
        missing = [name for name in wanted if importlib.util.find_spec(name) is None]
        if missing:
            raise DatasetError(
                f"recipe {request.recipe} needs {', '.join(missing)}: "
                f"pip install 'switchboard-classifier[{extra}]'"
            )


def check_heads(
    request: TrainRequest,
    own: Sequence[TrainingRow],
    validation: Sequence[TrainingRow],
    test: Sequence[TrainingRow],
) -> list[str]:
    """Refuse names that no training row has; the warnings are of heads in a validation or test file alone.

    Args:
        request: with head weights and the label out of scope.
        own: rows of `data`, after the label changes, those kept back included.
        validation: rows of that file.
        test: rows of that file.

    Raises:
        DatasetError: names where the head or label stands, and those that exist.
    """
    heads = {head for row in own for head in row.labels}
    if not heads:
        raise DatasetError(
            f"{_names(request.data)}: nothing to learn from {len(own)} rows: no row has labels; "
            'add "labels": {"topic": "…"} to the rows'
        )
    for head, weight in request.head_weights.items():
        if head not in heads:
            raise DatasetError(
                f"head weight {head}={weight:g}: no training row of {_names(request.data)} has head {head!r}; "
                f"{did_you_mean(head, heads)}"
            )
    outside = request.out_of_scope_label
    labels = {label for row in own for head in row.labels for label in answer_of(row, head) or ()}
    if outside is not None and outside not in labels:
        raise DatasetError(
            f"out_of_scope_label={outside!r} is the label of no training row of {_names(request.data)}; "
            f"{did_you_mean(outside, labels)}"
        )
    return [
        *_check_file(request.validation, validation, heads),
        *_check_file(request.test, test, heads),
    ]


def check_learnable(
    request: TrainRequest, rows: Sequence[TrainingRow], places: Sequence[str]
) -> None:
    """Refuse rows of which no head can be learned.

    Args:
        request: with the least rows of a label and the label out of scope.
        rows: to learn from.
        places: `file:line` of each.

    Raises:
        DatasetError: says why of each head, and where its first row stands.
    """
    reasons: list[str] = []
    for head, spec in find_heads(rows).items():
        if isinstance(spec, str):
            reasons.append(_why(head, rows, places))
        else:
            kept = frequent_labels(spec, rows, request.min_label_rows, request.out_of_scope_label)
            if not isinstance(kept, str):
                return
            reasons.append(kept)
    raise DatasetError(
        f"nothing to learn from {len(rows)} rows: {'; '.join(reasons) or 'no row has labels'}"
    )


def check_kinds(
    learn: Sequence[TrainingRow], rows: Sequence[TrainingRow], places: Sequence[str]
) -> None:
    """Refuse rows that answer a head of one label with none or with several: no row that is learned from does.

    Args:
        learn: the rows to learn from.
        rows: to choose by or to measure on.
        places: `file:line` of each of `rows`.

    Raises:
        DatasetError: names the first of them.
    """
    several = {
        head for row in learn for head, value in row.labels.items() if isinstance(value, list)
    }
    single = {head for row in learn for head in row.labels} - several
    for row, place in zip(rows, places, strict=True):
        for head, value in row.labels.items():
            if head in single and isinstance(value, list) and len(value) != 1:
                raise DatasetError(
                    f"{place}: row id={row.id!r} has {len(value)} labels in head {head!r}, and every row that is "
                    "learned from has exactly one; write one label, or leave the head out of this row; for a head of "
                    "several labels write lists in the training rows"
                )


def _why(head: str, rows: Sequence[TrainingRow], places: Sequence[str]) -> str:
    named = [number for number, row in enumerate(rows) if head in row.labels]
    labels = sorted({label for number in named for label in answer_of(rows[number], head) or ()})
    found = f"has one class only, {labels[0]!r}," if labels else "has no label"
    return (
        f"head {head!r} {found} in all {len(named)} rows, the first at {places[named[0]]}; "
        "add rows with another label, or leave the head out"
    )


def _check_file(path: Path | None, rows: Sequence[TrainingRow], heads: set[str]) -> list[str]:
    if path is None or not rows:
        return []
    here = {head for row in rows for head in row.labels}
    if not here & heads:
        raise DatasetError(
            f"{path}: its {len(rows)} rows have the heads {sorted(here)} and no training row has one of them, "
            f"only {sorted(heads)}; name the heads alike, or name another file"
        )
    return [
        f"{path.name}: no training row has head {head!r}, so it is not measured; {did_you_mean(head, heads)}"
        for head in sorted(here - heads)
    ]


def _names(paths: Sequence[Path]) -> str:
    return ", ".join(map(str, paths))
