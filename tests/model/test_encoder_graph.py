"""Graphs written from safetensors, against the models that they were written from."""

import json
import shutil
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest
from safetensors.numpy import load_file, save_file

from models.encoder.base_model import BaseModelError, find_base_model, read_base_model
from models.encoder.bert_graph import write_graph
from models.encoder.build import build_encoder
from models.runtime import Encoder
from tests.fakes import write_tiny_bert

pytestmark = pytest.mark.timeout(180)  # the first import of torch alone may take half a minute

SIZES = {"vocab_size": 90, "max_position_embeddings": 40, "layer_norm_eps": 1e-7}
WIDE = {
    "hidden_size": 24,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "intermediate_size": 36,
}
LIMIT = 32
SUPPORT_TEXTS = [
    "My card has not arrived yet, I ordered it two weeks ago.",
    "Guten Tag, die Rechnung vom Mai ist falsch, bitte prüfen Sie das.",
    "hi",
    "I was charged twice for the same order and nobody answers the phone. " * 6,
]

Ids = npt.NDArray[np.int64]
Embeddings = npt.NDArray[np.float32]


def rows_with_padding(pad_id: int, longest: int = LIMIT) -> tuple[Ids, Ids]:
    """Five rows of different lengths; no token of a text is the padding id."""
    draw = np.random.default_rng(5)
    mask = (np.arange(longest) < np.array([[longest], [1], [17], [2], [9]])).astype(np.int64)
    ids = draw.integers(5, SIZES["vocab_size"], mask.shape)
    return np.where(mask == 1, ids, pad_id), mask


def run_graph(base: Path, ids: Ids, mask: Ids) -> Embeddings:
    graph = write_graph(read_base_model(base)).SerializeToString(deterministic=True)
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    return session.run(["embedding"], {"input_ids": ids, "attention_mask": mask})[0]


def run_torch(model: Any, ids: Ids, mask: Ids, pooling: str = "mean") -> Embeddings:
    torch = pytest.importorskip("torch")
    with torch.no_grad():
        wide = torch.tensor(mask)[:, :, None].float()
        inputs = {"input_ids": torch.tensor(ids), "attention_mask": torch.tensor(mask)}
        hidden = model(**inputs).last_hidden_state
        pooled = (hidden * wide).sum(1) / wide.sum(1) if pooling == "mean" else hidden[:, 0]
        return torch.nn.functional.normalize(pooled, dim=-1).numpy()


def random_model(kind: str, **changes: Any) -> Any:
    """A small model of transformers; every weight random, so that none can be swapped unnoticed."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    if kind == "DistilBert":
        shape = {"dim": 24, "n_heads": 4, "n_layers": 2, "hidden_dim": 36}
        config = transformers.DistilBertConfig(vocab_size=90, max_position_embeddings=40, **shape)
    else:
        config = getattr(transformers, f"{kind}Config")(**SIZES | WIDE | changes)
    torch.manual_seed(3)
    model = getattr(transformers, f"{kind}Model")(config).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn_like(weight) * 0.3 + (0.5 if weight.ndim == 1 else 0))
    return model


@pytest.mark.train
@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("Bert", {}),
        ("Bert", {"hidden_act": "gelu_new", "pad_token_id": 3}),
        ("Bert", {"hidden_act": "relu"}),
        ("DistilBert", {}),
        ("Roberta", {}),
        ("XLMRoberta", {"type_vocab_size": 1}),
        ("Camembert", {}),
    ],
)
def test_the_graph_computes_what_transformers_computes(
    tmp_path: Path, kind: str, changes: dict[str, Any]
) -> None:
    model = random_model(kind, **changes)
    model.save_pretrained(tmp_path)
    ids, mask = rows_with_padding(model.config.pad_token_id)
    found, expected = run_graph(tmp_path, ids, mask), run_torch(model, ids, mask)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


@pytest.mark.train
def test_a_roberta_reads_rows_up_to_its_last_position(tmp_path: Path) -> None:
    model = random_model("Roberta")
    model.save_pretrained(tmp_path)
    longest = read_base_model(tmp_path).token_limit
    assert longest == SIZES["max_position_embeddings"] - 2
    ids, mask = rows_with_padding(1, longest)
    np.testing.assert_allclose(
        run_graph(tmp_path, ids, mask), run_torch(model, ids, mask), rtol=0, atol=1e-5
    )


@pytest.mark.train
def test_weights_under_a_prefix_are_found(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    model = random_model("Roberta")
    classifier = transformers.RobertaForSequenceClassification(model.config).eval()
    classifier.roberta.load_state_dict(model.state_dict(), strict=False)
    classifier.save_pretrained(tmp_path)
    ids, mask = rows_with_padding(1)
    np.testing.assert_allclose(
        run_graph(tmp_path, ids, mask), run_torch(model, ids, mask), rtol=0, atol=1e-5
    )


@pytest.mark.train
@pytest.mark.parametrize("kind", ["bfloat16", "float16", "float64"])
def test_other_float_types_are_read(tmp_path: Path, kind: str) -> None:
    torch = pytest.importorskip("torch")
    model = random_model("Bert").to(getattr(torch, kind))
    model.save_pretrained(tmp_path)
    ids, mask = rows_with_padding(0)
    np.testing.assert_allclose(
        run_graph(tmp_path, ids, mask), run_torch(model.float(), ids, mask), rtol=0, atol=1e-5
    )


@pytest.mark.train
def test_weights_in_several_files_are_read(tmp_path: Path) -> None:
    model = random_model("Bert")
    model.save_pretrained(tmp_path, max_shard_size="20KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    ids, mask = rows_with_padding(0)
    np.testing.assert_allclose(
        run_graph(tmp_path, ids, mask), run_torch(model, ids, mask), rtol=0, atol=1e-5
    )


@pytest.mark.train
def test_cls_pooling_is_taken_from_the_model(tmp_path: Path) -> None:
    model = random_model("Bert")
    model.save_pretrained(tmp_path)
    write_modules(tmp_path, {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False})
    ids, mask = rows_with_padding(0)
    np.testing.assert_allclose(
        run_graph(tmp_path, ids, mask), run_torch(model, ids, mask, "cls"), rtol=0, atol=1e-5
    )


@pytest.mark.train
def test_all_minilm_on_support_texts_is_that_of_transformers(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    base = find_base_model()
    model = transformers.AutoModel.from_pretrained(base).eval()
    build_encoder(base, tmp_path, 128, ["fp32"])
    encoder = Encoder(tmp_path, "cpu")
    rows = [text.ids for text in encoder.tokenize(SUPPORT_TEXTS)]
    longest = max(map(len, rows))
    ids = np.array([row + [0] * (longest - len(row)) for row in rows])
    expected = run_torch(model, ids, (ids != 0).astype(np.int64))
    np.testing.assert_allclose(encoder.embed(rows), expected, rtol=0, atol=1e-5)


def write_modules(directory: Path, pooling: dict[str, bool], extra: str | None = None) -> None:
    kinds = {"": "Transformer", "1_Pooling": "Pooling", "2_Normalize": "Normalize"}
    modules = [
        {"path": path, "type": f"sentence_transformers.models.{kind}"}
        for path, kind in kinds.items()
    ]
    if extra:
        modules.append({"path": f"3_{extra}", "type": f"sentence_transformers.models.{extra}"})
    (directory / "modules.json").write_text(json.dumps(modules))
    (directory / "1_Pooling").mkdir()
    (directory / "1_Pooling" / "config.json").write_text(json.dumps(pooling))


def change_config(directory: Path, **changes: Any) -> None:
    path = directory / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_tiny_bert(tmp_path / "base")


def test_old_names_of_layer_norm_give_the_same_graph(tiny: Path, tmp_path: Path) -> None:
    before = write_graph(read_base_model(tiny)).SerializeToString(deterministic=True)
    old = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
    renamed: dict[str, npt.NDArray[Any]] = {}
    for name, array in load_file(tiny / "model.safetensors").items():
        for new_part, old_part in old.items():
            name = name.replace(new_part, old_part)  # noqa: PLW2901 - two renames of one name
        renamed[f"bert.{name}"] = array
    save_file(renamed, tiny / "model.safetensors")
    assert write_graph(read_base_model(tiny)).SerializeToString(deterministic=True) == before


def test_equal_inputs_give_equal_bytes(tiny: Path, tmp_path: Path) -> None:
    first = build_encoder(tiny, tmp_path / "first", LIMIT)
    second = build_encoder(tiny, tmp_path / "second", LIMIT)
    assert first.config == second.config
    names = {path.name for path in (tmp_path / "first").iterdir()}
    assert names == {"encoder.json", "tokenizer.json", "int8.onnx", "fp32.onnx"}
    for name in names:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


def test_what_was_built_is_described(tiny: Path, tmp_path: Path) -> None:
    built = build_encoder(tiny, tmp_path / "encoder", LIMIT)
    assert built.config.pooling == "mean"
    assert built.config.hidden_size == 16
    assert built.config.max_length_tokens == LIMIT
    assert built.least_int8_cosine is not None
    assert built.least_int8_cosine > 0.98


def test_a_limit_beyond_the_positions_is_refused(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(BaseModelError, match="max_length_tokens=65 is above the 64"):
        build_encoder(tiny, tmp_path / "encoder", 65)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_refused(tiny: Path, tmp_path: Path, value: float) -> None:
    weights = load_file(tiny / "model.safetensors")
    weights["encoder.layer.0.output.dense.weight"][3, 5] = value
    save_file(weights, tiny / "model.safetensors")
    with pytest.raises(BaseModelError, match=r"output\.dense\.weight is not finite"):
        build_encoder(tiny, tmp_path / "encoder", LIMIT)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "deberta-v2"}, r"not of the BERT family.*\[train\]"),
        ({"model_type": "gpt2"}, "'gpt2' is no encoder of text.*take an encoder: bert, distilbert"),
        ({"model_type": "t5", "is_encoder_decoder": True}, "'t5' is a decoder.*take an encoder"),
        ({"hidden_act": "silu"}, "activation"),
        ({"position_embedding_type": "relative_key"}, "relative positions"),
        ({"is_decoder": True}, "decoder"),
        ({"num_hidden_layers": 2}, r"lack encoder\.layer\.1"),
        ({"num_attention_heads": 3}, "16.*3"),
    ],
)
def test_a_model_that_we_cannot_write_exactly_is_refused(
    tiny: Path, changes: dict[str, Any], message: str
) -> None:
    change_config(tiny, **changes)
    with pytest.raises(BaseModelError, match=message):
        read_base_model(tiny)


def test_an_unknown_module_is_refused(tiny: Path) -> None:
    write_modules(tiny, {"pooling_mode_mean_tokens": True}, extra="Dense")
    with pytest.raises(BaseModelError, match="Dense"):
        read_base_model(tiny)


def test_an_unknown_pooling_is_refused(tiny: Path) -> None:
    write_modules(tiny, {"pooling_mode_mean_tokens": True, "pooling_mode_max_tokens": True})
    with pytest.raises(BaseModelError, match="pooling_mode_max_tokens"):
        read_base_model(tiny)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_truncated_file_is_named(tiny: Path, name: str) -> None:
    content = (tiny / name).read_bytes()
    (tiny / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(BaseModelError, match=f"{name} cannot be read"):
        read_base_model(tiny)


def test_weights_in_another_format_are_refused_with_the_way_out(tiny: Path) -> None:
    shutil.move(tiny / "model.safetensors", tiny / "pytorch_model.bin")
    with pytest.raises(BaseModelError, match="safe_serialization"):
        read_base_model(tiny)


def test_the_packaged_model_is_found_without_a_network() -> None:
    assert (find_base_model() / "model.safetensors").is_file()
    assert find_base_model("all-MiniLM-L6-v2") == find_base_model()


def test_a_local_directory_is_taken_as_it_is(tiny: Path) -> None:
    assert find_base_model(tiny) == tiny
    with pytest.raises(BaseModelError, match="no such directory"):
        find_base_model(tiny / "missing")


def test_an_unreachable_hub_is_said_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(BaseModelError, match="could not be fetched from the Hugging Face hub"):
        find_base_model("nobody/no-such-model")
