"""Every graph of every kind of encoder against transformers, from text to embedding; the one for CUDA is fused."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from models.encoder.base_model import BaseModelError, read_base_model
from models.encoder.build import build_encoder
from models.encoder.files import Precision
from models.encoder.fused_graph import write_fused
from models.runtime import Encoder
from tests.fakes import write_tiny_bert
from tests.model.small_encoders import EXPORTED, KINDS, TEXTS, WRITTEN_HERE, write_small_encoder

pytestmark = [
    pytest.mark.timeout(180),  # the first import of torch alone may take half a minute
    pytest.mark.filterwarnings("ignore:.*torch.jit.script:FutureWarning"),  # transformers' DeBERTa
]

ALL: tuple[Precision, ...] = ("fp32", "int8", "fp16")
LIMIT = 64


def fused_operators(path: Path) -> Counter[str]:
    graph = onnx.load(path).graph
    return Counter(node.op_type for node in graph.node if node.domain == "com.microsoft")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The base and the encoder of a kind, built once."""
    home, done = tmp_path_factory.mktemp("kinds"), dict[str, tuple[Path, Path]]()

    def build(kind: str) -> tuple[Path, Path]:
        if kind not in done:
            base = write_small_encoder(home / kind, kind)
            done[kind] = base, build_encoder(base, home / f"{kind}-encoder", LIMIT, ALL).path
        return done[kind]

    return build


@pytest.mark.train
@pytest.mark.parametrize("kind", KINDS)
def test_embeddings_of_texts_are_those_of_transformers(built: Any, kind: str) -> None:
    from models.encoder.export import torch_embeddings  # noqa: PLC0415 - needs the extra train

    base, directory = built(kind)
    encoder = Encoder(directory, "cpu", precision="fp32")
    rows = [text.ids for text in encoder.tokenize(TEXTS)]
    assert max(map(len, rows)) == LIMIT
    wanted = torch_embeddings(base, "mean", rows)
    assert np.abs(wanted - wanted[0]).max() > 0.01, "texts differ"
    np.testing.assert_allclose(encoder.embed(rows), wanted, rtol=0, atol=1e-5)
    for precision, least in (("int8", 0.99), ("fp16", 0.9999)):
        other = Encoder(directory, "cpu", precision=precision)
        assert (other.embed(rows) * wanted).sum(axis=1).min() >= least


@pytest.mark.train
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("precision", ALL)
def test_a_text_does_not_depend_on_its_batch_mates(
    built: Any, kind: str, precision: Precision
) -> None:
    encoder = Encoder(built(kind)[1], "cpu", precision=precision)
    rows = [text.ids for text in encoder.tokenize(TEXTS)]
    alone = np.concatenate([encoder.embed([row]) for row in rows])
    allowed = 1e-3 if precision == "fp16" else 1e-5  # of a probability: 0.005 and 1e-5
    np.testing.assert_allclose(encoder.embed(rows), alone, rtol=0, atol=allowed)


@pytest.mark.train
def test_a_cased_german_vocabulary_keeps_case_and_umlauts(built: Any) -> None:
    encoder = Encoder(built("DistilBert")[1], "cpu", precision="fp32")
    texts = ["Übertrag", "übertrag", "ubertrag"]
    ids = [text.ids for text in encoder.tokenize(texts)]
    assert len({tuple(row) for row in ids}) == 3
    assert not any(1 in row for row in ids), "no letter is unknown"


@pytest.mark.train
@pytest.mark.parametrize("kind", WRITTEN_HERE)
def test_the_graph_for_cuda_is_fused_throughout(built: Any, kind: str) -> None:
    found = fused_operators(built(kind)[1] / "fp16.onnx")
    layers = 2
    assert found == {
        "EmbedLayerNormalization": 1,
        "Attention": layers,
        "SkipLayerNormalization": 2 * layers,
        "BiasGelu": layers,
    }


@pytest.mark.train
@pytest.mark.parametrize(
    ("kind", "least"),
    [
        ("MPNet", {"SkipLayerNormalization": 5, "BiasGelu": 2}),
        ("Electra", {"Attention": 2, "SkipLayerNormalization": 4, "BiasGelu": 2}),
        ("Deberta", {"BiasGelu": 2}),
        ("DebertaV2", {"SkipLayerNormalization": 4, "BiasGelu": 2}),
        ("Albert", {"SkipLayerNormalization": 4}),
    ],
)
def test_an_exported_graph_is_fused_where_the_optimiser_knows_its_pattern(
    built: Any, kind: str, least: dict[str, int]
) -> None:
    found = fused_operators(built(kind)[1] / "fp16.onnx")
    assert {name: found[name] for name in least} == least


@pytest.mark.train
@pytest.mark.parametrize("kind", EXPORTED)
def test_an_export_of_equal_inputs_gives_equal_bytes(built: Any, kind: str, tmp_path: Path) -> None:
    base, directory = built(kind)
    again = build_encoder(base, tmp_path / "again", LIMIT, ALL).path
    for path in directory.iterdir():
        assert (again / path.name).read_bytes() == path.read_bytes()


@pytest.mark.train
def test_every_kind_keeps_its_words_in_int8(built: Any) -> None:
    for kind in KINDS:
        types = {
            tensor.data_type
            for tensor in onnx.load(built(kind)[1] / "int8.onnx").graph.initializer
            if len(tensor.dims) == 2 and min(tensor.dims) >= 32
        }
        assert onnx.TensorProto.INT8 in types


@pytest.mark.parametrize("activation", ["gelu", "gelu_new", "relu"])
def test_the_fused_operators_compute_what_the_plain_ones_compute(
    tmp_path: Path, activation: str
) -> None:
    base = write_tiny_bert(tmp_path, layers=2)
    config = json.loads((base / "config.json").read_text()) | {"hidden_act": activation}
    (base / "config.json").write_text(json.dumps(config))
    model = read_base_model(base)
    draw = np.random.default_rng(0)
    mask = (np.arange(20) < np.array([[20], [1], [7]])).astype(np.int64)
    feeds = {
        "input_ids": draw.integers(0, len(model.words), mask.shape) * mask,
        "attention_mask": mask,
    }
    from models.encoder.bert_graph import write_graph  # noqa: PLC0415 - beside its twin

    plain, fused, half = (
        onnxruntime.InferenceSession(
            graph.SerializeToString(), providers=["CPUExecutionProvider"]
        ).run(None, feeds)[0]
        for graph in (write_graph(model), write_fused(model, half=False), write_fused(model))
    )
    np.testing.assert_allclose(fused, plain, rtol=0, atol=1e-6)
    assert half.dtype == np.float32
    np.testing.assert_allclose(half, plain, rtol=0, atol=2e-3)
    onnx.checker.check_model(write_fused(model), full_check=False)


def test_the_graph_for_cuda_is_half_the_size(tmp_path: Path) -> None:
    base = write_tiny_bert(tmp_path / "base", 64, layers=2)
    home = build_encoder(base, tmp_path / "encoder", 32, ("fp32", "fp16")).path
    sizes = {path.name: path.stat().st_size for path in home.iterdir()}
    assert sizes["fp16.onnx"] < 0.55 * sizes["fp32.onnx"]


def test_a_weight_beyond_float16_is_named(tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file  # noqa: PLC0415

    base = write_tiny_bert(tmp_path / "base")
    weights = load_file(base / "model.safetensors")
    weights["encoder.layer.0.output.dense.weight"][0, 0] = 1e5
    save_file(weights, base / "model.safetensors")
    with pytest.raises(BaseModelError, match=r"layer0\.down\.matrix holds 1e\+05.*leave fp16 out"):
        build_encoder(base, tmp_path / "encoder", 32, ("fp16",))


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"model_type": "gpt2"}, "'gpt2' is no encoder of text"),
        ({"model_type": "llama"}, "'llama' is no encoder of text"),
        ({"model_type": "t5", "is_encoder_decoder": True}, "'t5' is a decoder, it writes text"),
        ({"model_type": "bert", "is_decoder": True}, "'bert' is a decoder"),
        ({}, "'' is no encoder"),
    ],
)
def test_a_base_model_that_is_no_encoder_is_refused_before_a_weight_is_read(
    tmp_path: Path, config: dict[str, Any], words: str
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(BaseModelError, match=f"{words}.*take an encoder: bert, .*mpnet"):
        build_encoder(tmp_path, tmp_path / "encoder", 32)
