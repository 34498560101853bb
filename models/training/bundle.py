"""Puts a trained model into a bundle: fitted heads and an encoder in, a report and an immutable directory out.

For `models.train`. Knows neither how heads are fitted nor how an encoder is tuned.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from models.bundle_writer import BundleParts, head_entries, write_bundle
from models.encoder.artefacts import artefact_entries
from models.encoder.embed import Embedded
from models.encoder.files import CONFIG_NAME, Precision, sha256_of
from models.evaluate import HeadFigures, Measurement, measure_heads
from models.evaluation.answers import write_answers
from models.golden import GoldenRow, answer_rows, make_rows, with_answers
from models.heads import Head, answer_heads
from models.labels import HeadSpec
from models.manifest import EncoderEntry, Manifest, TrainingEntry
from models.rows.dataset import languages_of
from models.runtime import Encoder
from models.schemas import SchemaMasks, Schemas
from models.training.heads import tenant_schemas
from models.training.report import HeadReport, TrainReport, TrainRequest
from models.training.rows import TrainRows

if TYPE_CHECKING:
    from models.fitting.fit_heads import FittedHead, FittedHeads


@dataclass(frozen=True)
class Trained:
    """What training made.

    Args:
        base: the base model that the encoder was built from, tuned or not.
        encoder_dir, encoder: what serves.
        texts, embedded: of all rows: learn, validation, test.
        fitted: the heads.
    """

    base: Path
    encoder_dir: Path
    encoder: Encoder
    texts: Sequence[str]
    embedded: Embedded
    fitted: "FittedHeads"

    @property
    def heads(self) -> list[Head]:
        """The heads by name."""
        return [one.head for one in self.fitted.heads]

    def specs(self) -> dict[str, HeadSpec]:
        """The heads' label sets."""
        return {head.spec.name: head.spec for head in self.heads}


def measure(request: TrainRequest, rows: TrainRows, trained: Trained) -> Measurement:
    """Figures on the rows kept back, through the code that serves."""
    begin = len(rows.learn) + len(rows.validation)
    schemas = _schemas(request, rows, trained.specs())
    masks = SchemaMasks(schemas, list(trained.specs().values()))
    answers = answer_heads(
        trained.heads,
        trained.fitted.vocabulary,
        trained.embedded.embeddings[begin:],
        trained.texts[begin:],
        masks.of([row.tenant or request.tenant for row in rows.test]),
    )
    return measure_heads(rows.test, answers, trained.heads, request.seed)


def make_report(
    request: TrainRequest, rows: TrainRows, trained: Trained, measured: Measurement
) -> TrainReport:
    """The report, but for what the flow itself knows: version, times, tuning, previous version."""
    return TrainReport(
        name=request.name,
        rows=len(rows.learn),
        test_rows=len(rows.test),
        truncated_texts=trained.embedded.truncated,
        other_tenants_rows=rows.other_tenants,
        refused_rows=rows.refused,
        heads=tuple(_head_report(one, measured.figures) for one in trained.fitted.heads),
        refused_heads=trained.fitted.refused,
        provider=trained.encoder.provider,
        precision=trained.encoder.precision,
        seconds={},
        recipe=request.recipe,
        seed=request.seed,
        tokens=len(request.tokens),
        head_weights=dict(request.head_weights),
        target_precision=request.target_precision,
        out_of_scope_label=request.out_of_scope_label,
        warm_started=tuple(
            one.head.spec.name for one in trained.fitted.heads if one.choice.warm_started
        ),
        warnings=(*rows.warnings, *_uncalibrated(trained.fitted)),
        split=rows.split,
        overlap=rows.overlap,
    )


def _uncalibrated(fitted: "FittedHeads") -> list[str]:
    """A warning per head that had too few rows to choose on."""
    return [
        f"head {one.head.spec.name!r}: too few rows to choose on, so its confidence is uncalibrated"
        + (" and it never answers alone" if one.head.abstain_below > 1 else "")
        + "; add rows"
        for one in fitted.heads
        if not one.choice.chosen_on_rows
    ]


def _head_report(fitted: "FittedHead", figures: Mapping[str, HeadFigures]) -> HeadReport:
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
        abstain_below=fitted.head.abstain_below,
        out_of_scope_label=fitted.head.out_of_scope_label,
        figures=figures.get(spec.name),
    )


def write(
    request: TrainRequest,
    rows: TrainRows,
    trained: Trained,
    report: TrainReport,
    measured: Measurement,
) -> Path:
    """Write the bundle; it appears whole or not at all."""
    from models.evaluation.training_page import render_training_page  # noqa: PLC0415  # matplotlib: an extra

    schemas = _schemas(request, rows, trained.specs())
    golden = _golden_rows(request, trained, schemas)
    parts = BundleParts(
        trained.encoder_dir,
        trained.heads,
        trained.fitted.vocabulary,
        golden,
        report,
        page=render_training_page(report),
        answers=write_answers(measured.answers),
    )
    texts = [row.text(request.input_template) for row in golden]
    manifest = msgspec.structs.replace(
        _manifest(request, rows, trained, report),
        schemas=schemas,
        artefacts=artefact_entries(trained.encoder_dir, trained.base, texts),
    )
    return write_bundle(request.models_dir, manifest, parts)


def _golden_rows(request: TrainRequest, trained: Trained, schemas: Schemas) -> list[GoldenRow]:
    """Synthetic rows, answered by every graph of the bundle that this machine can run."""
    heads, specs = trained.heads, list(trained.specs().values())
    rows = make_rows(specs, request.input_template, schemas, request.seed)
    allowed = SchemaMasks(schemas, specs).of([row.tenant or "" for row in rows])
    texts = [row.text(request.input_template) for row in rows]
    expected: dict[Precision, list[dict[str, dict[str, float]]]] = {}
    for precision in request.precisions:
        if precision != "fp16":  # serves on CUDA only; it is compared with fp32
            encoder = Encoder(trained.encoder_dir, ["cpu"], 1, precision)
            expected[precision] = answer_rows(
                texts, encoder, heads, trained.fitted.vocabulary, allowed
            )
    return with_answers(rows, expected)


def _manifest(
    request: TrainRequest, rows: TrainRows, trained: Trained, report: TrainReport
) -> Manifest:
    base = Path(request.base_model).expanduser()
    return Manifest(
        name=request.name,
        version="",
        tenant=request.tenant,
        created_at=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        input_template=request.input_template,
        heads=head_entries(trained.heads),
        encoder=EncoderEntry(
            base_model=base.name if base.is_dir() else request.base_model,
            sha256=sha256_of(trained.encoder_dir / CONFIG_NAME),
            max_length_tokens=request.max_length_tokens,
        ),
        training=TrainingEntry(
            recipe=request.recipe,
            seed=request.seed,
            rows=len(rows.learn),
            test_rows=len(rows.test),
            train=rows.train_files,
            validation=rows.validation_files,
            test=rows.test_files,
        ),
        metrics={head.name: head.figures.main() for head in report.heads if head.figures},
        files={},
        languages=languages_of(rows.learn),
        previous=report.previous,
    )


def _schemas(
    request: TrainRequest, rows: TrainRows, specs: Mapping[str, HeadSpec]
) -> dict[str, dict[str, tuple[str, ...]]]:
    """Tenants' labels, as far as the model can give them: rare ones and whole heads may have been left out."""
    return {
        tenant: {
            head: tuple(label for label in labels if label in specs[head].labels)
            for head, labels in own.items()
            if head in specs
        }
        for tenant, own in tenant_schemas(request, rows.learn).items()
    }
