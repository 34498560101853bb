"""The int8 graph: near the float32 one, and no text depends on its batch-mates."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from onnx import TensorProto, helper, numpy_helper

from models.encoder.base_model import find_base_model
from models.encoder.bert_graph import IR_VERSION, OPSET
from models.encoder.build import build_encoder
from models.encoder.quantize import quantize_graph, quantize_rows
from models.runtime import Encoder

# Public situations in our own words; short and long, English and German.
TEXTS = [
    "My card has not arrived yet.",
    "I still see a pending transfer from last week, when will it go through?",
    "The exchange rate you applied is wrong.",
    "Please close my account and send me the final statement.",
    "Guten Tag, die Rechnung vom Mai ist falsch, bitte prüfen Sie das.",
    "Ich kann mich seit dem Update nicht mehr anmelden, das Passwort wird abgelehnt.",
    "The printer on the second floor shows an error after the update. " * 3,
    "I was charged twice for the same order. Nobody answers the phone, and the chat ends by itself. "
    * 5,
    "My name was misspelled on the contract, the amount differs, and the date is wrong as well. "
    * 9,
]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("minilm")
    build_encoder(find_base_model(), folder, 256)
    return folder


@pytest.fixture(scope="module")
def int8(directory: Path) -> Encoder:
    return Encoder(directory, "cpu", precision="int8")


@pytest.fixture(scope="module")
def alone(int8: Encoder) -> npt.NDArray[np.float32]:
    return np.concatenate([int8.embed([text.ids]) for text in int8.tokenize(TEXTS)])


@pytest.mark.parametrize("seed", range(6))
def test_an_int8_embedding_does_not_depend_on_its_batch_mates(
    int8: Encoder, alone: npt.NDArray[np.float32], seed: int
) -> None:
    draw = np.random.default_rng(seed)
    places = draw.permutation(len(TEXTS))[: draw.integers(2, len(TEXTS) + 1)]
    rows = int8.tokenize([TEXTS[place] for place in places])
    together = int8.embed([row.ids for row in rows])
    np.testing.assert_allclose(together, alone[places], rtol=0, atol=1e-5)


def test_int8_stays_near_float32(directory: Path, alone: npt.NDArray[np.float32]) -> None:
    fp32 = Encoder(directory, "cpu", precision="fp32")
    exact = fp32.embed([text.ids for text in fp32.tokenize(TEXTS)])
    assert (exact * alone).sum(axis=1).min() >= 0.99


@pytest.mark.parametrize("largest", [-0.5, 0.0, 0.1, 1.0, 8.0])
def test_a_row_after_gelu_keeps_its_values_on_both_sides_of_zero(largest: float) -> None:
    draw = np.random.default_rng(4)
    x = np.vstack([draw.uniform(-3, largest, (5, 64)), np.full((1, 64), -0.75)]).astype(np.float32)
    matrix = draw.normal(size=(64, 8)).astype(np.float32)
    nodes = [
        helper.make_node("Gelu", ["x"], ["active"]),
        helper.make_node("MatMul", ["active", "matrix"], ["out"]),
    ]
    inputs = [
        helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["b", "t"]),
        helper.make_tensor_value_info("x", TensorProto.FLOAT, ["r", 64]),
    ]
    output = helper.make_tensor_value_info("out", TensorProto.FLOAT, ["r", 8])
    graph = helper.make_graph(
        nodes, "g", inputs, [output], [numpy_helper.from_array(matrix, "matrix")]
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )
    feeds = {"input_ids": np.zeros((2, 3), np.int64), "x": x}
    exact, near = (
        ort.InferenceSession(one.SerializeToString(), providers=["CPUExecutionProvider"]).run(
            None, feeds
        )[0]
        for one in (model, quantize_graph(model))
    )
    step = max(largest / 223, 0.17 / 32)
    assert np.abs(near - exact).max() <= 0.6 * step * np.abs(matrix).sum(axis=0).max()


def test_every_large_matrix_is_signed_int8(directory: Path) -> None:
    tensors = onnx.load(directory / "int8.onnx").graph.initializer
    large = [tensor for tensor in tensors if len(tensor.dims) == 2 and min(tensor.dims) >= 384]
    by_type = {tensor.name: tensor.data_type for tensor in large if tensor.name != "positions"}
    assert (
        len(by_type) == 1 + 6 * 4
    )  # the word table; query-key-value, out, up and down of each layer
    assert set(by_type.values()) == {TensorProto.INT8}


def test_the_int8_file_is_about_a_quarter(directory: Path) -> None:
    sizes = {path.name: path.stat().st_size for path in directory.iterdir()}
    assert sizes["int8.onnx"] < 0.27 * sizes["fp32.onnx"]


@given(
    matrix=npst.arrays(
        np.float32,
        st.tuples(st.integers(1, 6), st.integers(1, 8)),
        elements=st.floats(-1e6, 1e6, width=32),
    )
)
def test_a_quantized_row_is_off_by_half_a_step_at_most(matrix: npt.NDArray[np.float32]) -> None:
    quantized, scale = quantize_rows(matrix)
    assert np.abs(quantized.astype(np.int64)).max() <= 127
    error = np.abs(quantized * scale.astype(np.float64) - matrix)
    assert (error <= 0.5001 * scale).all()
