"""Evaluates a bundle on files of rows through the code that serves: a report out, to `switchboard evaluate`.

Says what it can about whether the rows were learned from. Knows no command line and no Kafka.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from models.bundle import Bundle, load_bundle
from models.encoder.embed import Advance
from models.encoder.files import Precision
from models.evaluate import HeadFigures, Measurement, measure_bundle
from models.evaluation.answers import AnswerRow, answer_key, read_answers
from models.evaluation.seen import SeenFiles, seen_files
from models.labels import TrainingRow
from models.manifest import ANSWERS_NAME, DEFAULT_TENANT, ENCODER_NAME, Manifest
from models.rows.dataset import DataFile, DatasetError, read_dataset
from models.runtime import Encoder


@dataclass(frozen=True)
class EvaluationRequest:
    """What to evaluate.

    Args:
        bundle: its directory.
        data: files of rows; `-` is stdin.
        tenant: only rows of this tenant, and those of none, which are taken as its mail; None: all rows.
        providers, threads: as `models.runtime.Encoder` takes them.
        precision: a graph of the bundle other than the one that suits the provider.
    """

    bundle: Path
    data: Sequence[Path]
    tenant: str | None = None
    providers: Sequence[str] | str = "auto"
    threads: int = 1
    precision: Precision | None = None


class EvaluationReport(msgspec.Struct, frozen=True, kw_only=True):
    """How good a bundle is on rows of a file.

    Args:
        name, version: the bundle.
        tenant: whose rows; None: all.
        data: the files.
        rows: measured.
        other_tenants_rows: left out.
        kept_back_rows: how many of them were kept back when the bundle was trained; None: it keeps no answers.
        learned_files: names of those files of `data` that the bundle learned from, byte for byte.
        chosen_on_files: names of those that its features, temperatures and thresholds were chosen on.
        truncated_texts: longer than the encoder reads.
        provider, precision: of the session.
        seconds: reading, loading and answering together.
        warnings: sentences that must not be overlooked.
        heads: head -> figures.
        heads_without_rows: of the bundle, but no row says their truth.
        heads_not_known: of the rows, but the bundle has no such head.
    """

    name: str
    version: str
    tenant: str | None
    data: tuple[DataFile, ...]
    rows: int
    other_tenants_rows: int
    kept_back_rows: int | None
    learned_files: tuple[str, ...]
    chosen_on_files: tuple[str, ...]
    truncated_texts: int
    provider: str
    precision: str
    seconds: float
    warnings: tuple[str, ...]
    heads: dict[str, HeadFigures]
    heads_without_rows: tuple[str, ...]
    heads_not_known: tuple[str, ...]


@dataclass(frozen=True)
class Evaluated:
    """The report, and what it was made from."""

    report: EvaluationReport
    rows: Sequence[TrainingRow] = field(repr=False)
    answers: Sequence[AnswerRow] = field(repr=False)
    labels: dict[str, frozenset[str]]


def evaluate_files(request: EvaluationRequest, advance: Advance | None = None) -> Evaluated:
    """Answer the rows of some files with a bundle and measure it.

    Raises:
        DatasetError: a file cannot be read, no row is the tenant's, or none says the truth of a head of the bundle.
        BundleError: the bundle must not serve.
        EncoderError: it has no graph of the precision.
        RuntimeUnavailableError: a provider that was asked for cannot be had.
    """
    began_s = time.monotonic()
    dataset = read_dataset(request.data)
    rows = [_as_mail_of(row, request.tenant) for row in dataset.rows if _is_own(row, request)]
    if not rows:
        raise DatasetError(
            f"none of {len(dataset.rows)} rows belongs to tenant {request.tenant!r}; "
            "name a tenant that has rows, or leave --tenant out"
        )
    bundle = load_bundle(request.bundle, request.providers, request.threads)
    _check_heads(bundle, rows)
    encoder = bundle.encoder
    if request.precision not in {None, encoder.precision}:
        encoder = Encoder(
            request.bundle / ENCODER_NAME, request.providers, request.threads, request.precision
        )
    measured = measure_bundle(bundle, rows, request.threads, advance, encoder)
    report = _report(request, bundle.manifest, dataset.files, rows, measured)
    report = msgspec.structs.replace(
        report,
        other_tenants_rows=len(dataset.rows) - len(rows),
        provider=encoder.provider,
        precision=encoder.precision,
        seconds=time.monotonic() - began_s,
    )
    labels = {head.spec.name: frozenset(head.spec.labels) for head in bundle.heads}
    return Evaluated(report, rows, measured.answers, labels)


def _is_own(row: TrainingRow, request: EvaluationRequest) -> bool:
    return request.tenant in {None, DEFAULT_TENANT} or row.tenant in {None, request.tenant}


def _as_mail_of(row: TrainingRow, tenant: str | None) -> TrainingRow:
    if row.tenant is not None or tenant is None:
        return row
    return msgspec.structs.replace(row, tenant=tenant)


def _check_heads(bundle: Bundle, rows: Sequence[TrainingRow]) -> None:
    """Refuse before minutes of embedding what no figure could come of."""
    named = sorted({head for row in rows for head in row.labels})
    known = [head.spec.name for head in bundle.heads]
    if not set(named) & set(known):
        raise DatasetError(
            f"no row says the truth of a head of {bundle.name}/{bundle.version}: the rows have {named or 'no labels'}, "
            f"the model has {known}; name rows with labels of these heads"
        )


def _report(
    request: EvaluationRequest,
    manifest: Manifest,
    files: tuple[DataFile, ...],
    rows: Sequence[TrainingRow],
    measured: Measurement,
) -> EvaluationReport:
    kept = _kept_back(request.bundle, manifest, rows)
    seen = seen_files(manifest, files)
    known = {head.name for head in manifest.heads}
    return EvaluationReport(
        name=manifest.name,
        version=manifest.version,
        tenant=request.tenant,
        data=files,
        rows=len(rows),
        other_tenants_rows=0,
        kept_back_rows=kept,
        learned_files=seen.learned,
        chosen_on_files=seen.chosen_on,
        truncated_texts=measured.truncated,
        provider="",
        precision="",
        seconds=0.0,
        warnings=_warnings(len(rows), kept, seen),
        heads=measured.figures,
        heads_without_rows=tuple(sorted(known - measured.figures.keys())),
        heads_not_known=tuple(sorted({head for row in rows for head in row.labels} - known)),
    )


def _kept_back(bundle: Path, manifest: Manifest, rows: Sequence[TrainingRow]) -> int | None:
    if ANSWERS_NAME not in manifest.files:
        return None
    keys = {row.key for row in read_answers(bundle / ANSWERS_NAME)}
    return sum(answer_key(row) in keys for row in rows)


def _warnings(rows: int, kept: int | None, seen: SeenFiles) -> tuple[str, ...]:
    """What can be known of seen rows: a bundle keeps none of them, but remembers files and rows kept back."""
    warnings: list[str] = []
    if seen.learned:
        left = rows - (kept or 0)
        warnings.append(
            f"The model LEARNED from {', '.join(seen.learned)}: {left} of {rows} rows are not among those it kept "
            "back, so these figures flatter it. Measure on rows it has never seen."
        )
    if seen.chosen_on:
        warnings.append(
            f"The model's features, temperatures and thresholds were CHOSEN on {', '.join(seen.chosen_on)}, so these "
            "figures flatter it. Measure on rows it has never seen."
        )
    if warnings or kept is None or kept == rows:
        return tuple(warnings)
    return (
        f"{kept} of {rows} rows are known to be kept back from training; whether the model learned from texts like the "
        "others cannot be told. Name rows that were never used for training.",
    )
