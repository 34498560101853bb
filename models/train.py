"""Training, recipe `quick`: labelled rows in, an immutable bundle and a report out, to `switchboard train`.

The walk: rows -> split -> encoder -> embeddings -> heads -> figures on rows kept back -> golden rows -> bundle ->
loaded again as a worker would. Texts are embedded by the session that serves, so heads fit what they will meet. No
torch; needs the extras `cpu` (or `gpu`) and `heads`. Knows no Kafka.
"""

import importlib.util
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from models.bundle import check_name, load_bundle
from models.bundle_writer import BundleParts, head_entries, write_bundle
from models.dataset import DatasetError
from models.embed import Embedded, embed_texts
from models.encoder_files import CONFIG_NAME, Precision, sha256_of
from models.encoder_store import prepare_encoder
from models.evaluate import HeadFigures, compare_answers
from models.golden import GoldenRow, answer_rows, make_texts
from models.heads import answer_heads
from models.labels import check_template, input_text
from models.manifest import EncoderEntry, Manifest, TrainingEntry
from models.runtime import Encoder
from models.stages import StageWatch
from models.train_report import HeadReport, Progress, TrainReport, TrainRequest
from models.train_rows import TrainRows, read_rows

if TYPE_CHECKING:
    from models.fit_heads import FittedHead, FittedHeads

__all__ = ["DatasetError", "HeadReport", "TrainReport", "TrainRequest", "train_quick"]

RECIPE = "quick"
_NEEDED = ("onnx", "scipy")


def train_quick(request: TrainRequest, progress: Progress) -> TrainReport:
    """Train heads on a frozen encoder and write a bundle.

    Args:
        request: what to train.
        progress: told stage, done, total; stages are `read`, `encoder`, `embed`, `heads`, `write`, `check`.

    Raises:
        DatasetError: rows that cannot be trained on, nothing to learn from them, or the extra `heads` is missing.
        BaseModelError: no such base model, or one that cannot be written.
        BundleError: the name is not allowed, or the bundle does not load.
        RuntimeUnavailableError: a provider that was asked for cannot be had.
    """
    _check_request(request)
    watch = StageWatch(progress)
    with watch.stage("read"):
        rows = read_rows(request)
    with watch.stage("encoder"):
        encoder_dir = prepare_encoder(
            request.models_dir, request.base_model, request.max_length_tokens, request.precisions
        )
        encoder = Encoder(encoder_dir, request.providers, request.threads)
    with watch.stage("embed"):
        texts = [row.text(request.input_template) for row in rows.everything()]
        embedded = embed_texts(encoder, texts, request.threads, watch.advance)
    with watch.stage("heads"):
        fitted = _fit(request, rows, embedded, texts, watch.advance)
    with watch.stage("write"):
        figures = _measure(rows, fitted, embedded, texts)
        report = _report(request, rows, fitted, figures, watch)
        report = msgspec.structs.replace(
            report,
            truncated_texts=embedded.truncated,
            provider=encoder.provider,
            precision=encoder.precision,
        )
        path = _write(request, rows, report, encoder_dir, fitted)
    with watch.stage("check"):
        load_bundle(path, request.providers)
    return msgspec.structs.replace(report, version=path.name, path=str(path), seconds=watch.seconds)


def _check_request(request: TrainRequest) -> None:
    """Refuse what would fail after minutes of work."""
    check_name(request.name)
    try:
        check_template(request.input_template)
    except ValueError as error:
        raise DatasetError(str(error)) from error
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise DatasetError(
            f"training needs {', '.join(missing)}: pip install 'switchboard-classifier[heads]'"
        )


def _fit(
    request: TrainRequest,
    rows: TrainRows,
    embedded: Embedded,
    texts: list[str],
    advance: Callable[[int, int], None],
) -> "FittedHeads":
    # Here, because SciPy comes with an extra that `_check_request` has asked for by now.
    from models.fit_heads import FitOptions, fit_heads  # noqa: PLC0415

    end = len(rows.learn) + len(rows.validation)
    fitted = fit_heads(
        [*rows.learn, *rows.validation],
        embedded.embeddings[:end],
        texts[:end],
        FitOptions(len(rows.learn), request.min_label_rows, request.threads),
        advance,
    )
    if not fitted.heads:
        reasons = "; ".join(fitted.refused.values()) or "no row has labels"
        raise DatasetError(f"nothing to learn from {len(rows.learn)} rows: {reasons}")
    return fitted


def _measure(
    rows: TrainRows, fitted: "FittedHeads", embedded: Embedded, texts: list[str]
) -> dict[str, HeadFigures]:
    """Figures on the rows kept back, through the code that serves."""
    begin = len(rows.learn) + len(rows.validation)
    heads = [one.head for one in fitted.heads]
    answers = answer_heads(heads, fitted.vocabulary, embedded.embeddings[begin:], texts[begin:])
    known = {head.spec.name: frozenset(head.spec.labels) for head in heads}
    return compare_answers(rows.test, answers, known)


def _report(
    request: TrainRequest,
    rows: TrainRows,
    fitted: "FittedHeads",
    figures: dict[str, HeadFigures],
    watch: StageWatch,
) -> TrainReport:
    return TrainReport(
        name=request.name,
        rows=len(rows.learn),
        test_rows=len(rows.test),
        other_tenants_rows=rows.other_tenants,
        refused_rows=rows.refused,
        heads=tuple(_head_report(one, figures) for one in fitted.heads),
        refused_heads=fitted.refused,
        seconds=watch.seconds,
    )


def _head_report(fitted: "FittedHead", figures: dict[str, HeadFigures]) -> HeadReport:
    spec = fitted.head.spec
    return HeadReport(
        name=spec.name,
        kind=spec.kind,
        labels=len(spec.labels),
        rows=fitted.source.learn_rows,
        rare_labels=fitted.source.rare_labels,
        features=fitted.choice.features,
        inverse_penalty=fitted.choice.inverse_penalty,
        temperature=fitted.choice.temperature,
        chosen_on_rows=fitted.choice.chosen_on_rows,
        candidates=fitted.choice.scores,
        figures=figures.get(spec.name),
    )


def _write(
    request: TrainRequest,
    rows: TrainRows,
    report: TrainReport,
    encoder_dir: Path,
    fitted: "FittedHeads",
) -> Path:
    golden = _golden_rows(request, encoder_dir, fitted)
    heads = [one.head for one in fitted.heads]
    parts = BundleParts(encoder_dir, heads, fitted.vocabulary, golden, report)
    manifest = _manifest(request, rows, report, encoder_dir, fitted)
    return write_bundle(request.models_dir, manifest, parts)


def _golden_rows(
    request: TrainRequest, encoder_dir: Path, fitted: "FittedHeads"
) -> list[GoldenRow]:
    """Synthetic rows, answered by every graph of the bundle that this machine can run."""
    heads = [one.head for one in fitted.heads]
    mails = make_texts([head.spec for head in heads], request.seed)
    texts = [input_text(subject, body, {}, request.input_template) for subject, body in mails]
    expected: list[dict[Precision, dict[str, dict[str, float]]]] = [{} for _ in mails]
    for precision in request.precisions:
        if precision == "fp16":  # has no CPU kernels; it is compared with fp32
            continue
        encoder = Encoder(encoder_dir, ["cpu"], 1, precision)
        for row, answers in zip(
            expected, answer_rows(texts, encoder, heads, fitted.vocabulary), strict=True
        ):
            row[precision] = answers
    return [
        GoldenRow(subject=subject, body=body, expected=answers)
        for (subject, body), answers in zip(mails, expected, strict=True)
    ]


def _manifest(
    request: TrainRequest,
    rows: TrainRows,
    report: TrainReport,
    encoder_dir: Path,
    fitted: "FittedHeads",
) -> Manifest:
    base = Path(request.base_model).expanduser()
    return Manifest(
        name=request.name,
        version="",
        tenant=request.tenant,
        created_at=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        input_template=request.input_template,
        heads=head_entries([one.head for one in fitted.heads]),
        encoder=EncoderEntry(
            base_model=base.name if base.is_dir() else request.base_model,
            sha256=sha256_of(encoder_dir / CONFIG_NAME),
            max_length_tokens=request.max_length_tokens,
        ),
        training=TrainingEntry(
            recipe=RECIPE,
            seed=request.seed,
            rows=len(rows.learn),
            test_rows=len(rows.test),
            train=rows.train_files,
            validation=rows.validation_files,
            test=rows.test_files,
        ),
        metrics={head.name: head.figures.main() for head in report.heads if head.figures},
        files={},
    )
