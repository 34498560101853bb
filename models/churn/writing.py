"""Puts a trained churn model into a bundle: graph, matrix, encoder and report in, an immutable directory out.

For `models.train_churn`. Knows no fitting.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from models.bundle_writer import ChurnParts, write_bundle
from models.churn.answers import ChurnAnswer, write_churn_answers
from models.churn.entry import ChurnEntry
from models.churn.golden import GoldenCall, answer_calls, make_calls, with_expected
from models.churn.model import ChurnModel
from models.churn.page import render_churn_page
from models.churn.report import ChurnReport, ChurnRequest
from models.encoder.artefacts import artefact_entries
from models.encoder.files import CONFIG_NAME, Precision, sha256_of
from models.heads import Float32Array
from models.manifest import FORMAT_VERSION, EncoderEntry, Manifest, TrainingEntry
from models.rows.dataset import DataFile
from models.runtime import Encoder

PROJECTION_NAME = "projection"


@dataclass(frozen=True, eq=False)
class TrainedChurn:
    """What training made.

    Args:
        base, encoder_dir: the base model and the encoder built from it.
        entry, graph, projection: the churn model.
        answers: to the calls kept back.
        files: what was read.
    """

    base: Path
    encoder_dir: Path
    entry: ChurnEntry
    graph: bytes
    projection: Float32Array | None
    answers: list[ChurnAnswer]
    files: tuple[DataFile, ...]


def write_churn_bundle(request: ChurnRequest, trained: TrainedChurn, report: ChurnReport) -> Path:
    """Write the bundle; it appears whole or not at all."""
    parts = ChurnParts(
        trained.encoder_dir,
        trained.graph,
        None if trained.projection is None else (PROJECTION_NAME, trained.projection),
        _golden(request, trained),
        report,
        page=render_churn_page(report),
        answers=write_churn_answers(trained.answers),
    )
    texts = sorted({text for call in parts.golden for text in (*call.customer, *call.agent)})
    manifest = msgspec.structs.replace(
        _manifest(request, trained, report),
        artefacts=artefact_entries(trained.encoder_dir, trained.base, texts),
    )
    return write_bundle(request.models_dir, manifest, parts)


def _golden(request: ChurnRequest, trained: TrainedChurn) -> list[GoldenCall]:
    """Synthetic calls, answered by every graph of the encoder that this machine can run."""
    model = ChurnModel(trained.entry, trained.graph, trained.projection)
    calls = make_calls(model.space, request.seed)
    answers: dict[Precision, list[float]] = {}
    for precision in request.precisions:
        if precision != "fp16":  # serves on CUDA only; it is compared with fp32
            encoder = Encoder(trained.encoder_dir, ["cpu"], 1, precision)
            answers[precision] = answer_calls(calls, encoder, model)
    return with_expected(calls, answers)


def _manifest(request: ChurnRequest, trained: TrainedChurn, report: ChurnReport) -> Manifest:
    base = Path(request.base_model).expanduser()
    return Manifest(
        format_version=FORMAT_VERSION,
        kind="churn",
        churn=trained.entry,
        name=request.name,
        version="",
        tenant=request.files.tenant,
        created_at=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        input_template="",
        heads=(),
        encoder=EncoderEntry(
            base_model=base.name if base.is_dir() else request.base_model,
            sha256=sha256_of(trained.encoder_dir / CONFIG_NAME),
            max_length_tokens=request.max_length_tokens,
        ),
        training=TrainingEntry(
            recipe=trained.entry.candidate,
            seed=request.seed,
            rows=report.learn_calls + report.validation_calls,
            test_rows=report.test_calls,
            train=trained.files,
            validation=(),
            test=(),
        ),
        metrics={"churn": report.figures.main()},
        files={},
    )
