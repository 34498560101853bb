"""Real churn bundles around a tiny random encoder and a graph of one line, made in a moment."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from models.bundle_writer import link_tree
from models.churn.answers import ChurnAnswer, write_churn_answers
from models.churn.entry import ChurnEntry
from models.churn.golden import answer_calls, make_calls, with_expected, write_golden_calls
from models.churn.model import CHURN_NAME, INPUT_NAME, OUTPUT_NAME, ChurnModel
from models.churn.vectors import FeatureSpace
from models.encoder.files import sha256_of
from models.manifest import (
    ANSWERS_NAME,
    DEFAULT_TENANT,
    ENCODER_NAME,
    FORMAT_VERSION,
    GOLDEN_NAME,
    REPORT_NAME,
    EncoderEntry,
    Manifest,
    TrainingEntry,
    describe_files,
    write_manifest,
)
from models.runtime import Encoder
from stream.cli.bundles import OnDisk, find
from tests.bundles import LIMIT_TOKENS

HIDDEN = 16


def write_churn_version(
    models_dir: Path,
    encoder: Path,
    name: str = "leaving",
    tenant: str = DEFAULT_TENANT,
    *,
    version: int = 1,
    foretold: Sequence[tuple[bool, float]] | None = None,
) -> OnDisk:
    """A version of a churn model that knows an age and hears the customer.

    Args:
        foretold: of the calls kept back, what happened and what it said; None: none are kept.
    """
    space = FeatureSpace(numerical=("age",), means=(40.0,), textual=("customer",), size=HIDDEN)
    draw = np.random.default_rng([version, len(name)])
    graph = _graph(draw.normal(size=(len(space.columns), 1)).astype(np.float32) / 40)
    entry = ChurnEntry(
        space=space,
        candidate="logistic",
        settings={},
        slope=1.0,
        intercept=0.0,
        alarm_from=0.5,
        projection=None,
        figures={"roc_auc": 0.75},
    )
    calls = make_calls(space, 0)
    answers = answer_calls(calls, Encoder(encoder, ["cpu"]), ChurnModel(entry, graph))
    path = models_dir / name / str(version)
    path.mkdir(parents=True)
    link_tree(encoder, path / ENCODER_NAME)
    (path / CHURN_NAME).write_bytes(graph)
    write_golden_calls(path / GOLDEN_NAME, with_expected(calls, {"fp32": answers}))
    (path / REPORT_NAME).write_bytes(b"{}")
    if foretold is not None:
        (path / ANSWERS_NAME).write_bytes(write_churn_answers(_answers(foretold)))
    write_manifest(path, _manifest(path, encoder, tenant, entry))
    return find(models_dir, f"{name}/{version}")


def _manifest(path: Path, encoder: Path, tenant: str, entry: ChurnEntry) -> Manifest:
    return Manifest(
        format_version=FORMAT_VERSION,
        name=path.parent.name,
        version=path.name,
        tenant=tenant,
        created_at="2026-01-01T00:00:00Z",
        input_template="{body}",
        heads=(),
        encoder=EncoderEntry(
            base_model="tiny",
            sha256=sha256_of(encoder / "encoder.json"),
            max_length_tokens=LIMIT_TOKENS,
        ),
        training=TrainingEntry(
            recipe="churn", seed=0, rows=100, test_rows=20, train=(), validation=(), test=()
        ),
        metrics={},
        files=describe_files(path),
        kind="churn",
        churn=entry,
    )


def _answers(foretold: Sequence[tuple[bool, float]]) -> list[ChurnAnswer]:
    return [
        ChurnAnswer(
            key=f"{place:016x}", churned=left, fragments=(0, 1), probabilities=(0.5, probability)
        )
        for place, (left, probability) in enumerate(foretold)
    ]


def _graph(weights: np.ndarray) -> bytes:
    """A logistic regression without bias: float32 [B, F] -> float32 [B]."""
    nodes = [
        helper.make_node("MatMul", [INPUT_NAME, "weights"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["column"]),
        helper.make_node("Reshape", ["column", "flat"], [OUTPUT_NAME]),
    ]
    graph = helper.make_graph(
        nodes,
        "churn",
        [helper.make_tensor_value_info(INPUT_NAME, TensorProto.FLOAT, ["B", len(weights)])],
        [helper.make_tensor_value_info(OUTPUT_NAME, TensorProto.FLOAT, ["B"])],
        [
            onnx.numpy_helper.from_array(weights, "weights"),
            onnx.numpy_helper.from_array(np.array([-1], np.int64), "flat"),
        ],
    )
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()
