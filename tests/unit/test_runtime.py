"""Texts to embeddings on the real ONNX Runtime, with an encoder of two thousand weights."""

import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.encoder.build import build_encoder
from models.encoder.files import Precision, describe_file, read_config, write_config
from models.runtime import Encoder, EncoderError, InferenceError, RuntimeUnavailableError
from tests.fakes import TINY_WORDS, write_tiny_bert

LIMIT = 32
FIRST_WORD = 4  # ids below are [PAD], [UNK], [CLS] and [SEP]
CLS, SEP = 2, 3

WORD_IDS = st.integers(FIRST_WORD, len(TINY_WORDS) - 1)
ROWS = st.lists(WORD_IDS, max_size=LIMIT - 2).map(lambda words: [CLS, *words, SEP])
TEXTS = st.lists(st.sampled_from(TINY_WORDS[FIRST_WORD:]), max_size=200).map(" ".join)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    build_encoder(write_tiny_bert(folder / "base"), folder / "encoder", LIMIT)
    return folder / "encoder"


@pytest.fixture(scope="module")
def encoders(directory: Path) -> dict[Precision, Encoder]:
    names: tuple[Precision, ...] = ("int8", "fp32")
    return {name: Encoder(directory, "cpu", precision=name) for name in names}


@pytest.fixture(scope="module")
def encoder(encoders: dict[Precision, Encoder]) -> Encoder:
    return encoders["int8"]


@pytest.fixture
def own_copy(directory: Path, tmp_path: Path) -> Path:
    return shutil.copytree(directory, tmp_path / "encoder")


@pytest.mark.parametrize("precision", ["int8", "fp32"])
@settings(deadline=None, max_examples=50)
@given(rows=st.lists(ROWS, min_size=1, max_size=9))
def test_an_embedding_does_not_depend_on_its_batch_mates(
    encoders: dict[Precision, Encoder], precision: Precision, rows: list[list[int]]
) -> None:
    together = encoders[precision].embed(rows)
    alone = np.concatenate([encoders[precision].embed([row]) for row in rows])
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-5)


def test_embeddings_are_float32_of_length_one_in_the_rows_order(encoder: Encoder) -> None:
    rows = [[CLS, word, SEP] for word in (9, 5, 12)]
    embeddings = encoder.embed(rows)
    assert embeddings.dtype == np.float32
    assert embeddings.shape == (3, encoder.hidden_size)
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(encoder.embed(rows[::-1]), embeddings[::-1], atol=1e-5)


def test_no_rows_give_no_embeddings(encoder: Encoder) -> None:
    assert encoder.embed([]).shape == (0, encoder.hidden_size)


def test_threads_that_share_the_encoder_get_their_own_results(encoder: Encoder) -> None:
    batches = [[[CLS, word, *[5] * extra, SEP] for extra in range(6)] for word in range(4, 30)]
    expected = [encoder.embed(batch) for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        for found, wanted in zip(pool.map(encoder.embed, batches * 5), expected * 5, strict=True):
            np.testing.assert_array_equal(found, wanted)


def test_a_failed_run_is_an_inference_error_that_names_the_batch(encoder: Encoder) -> None:
    with pytest.raises(InferenceError, match=r"batch of \[1, 3\]"):
        encoder.embed([[CLS, 10_000, SEP]])


def test_warm_up_stays_within_the_limits(encoder: Encoder) -> None:
    encoder.warm_up(max_batch_tokens=64)


def test_a_short_text_is_read_whole(encoder: Encoder) -> None:
    (text,) = encoder.tokenize(["My card"])
    assert text.ids == [CLS, TINY_WORDS.index("my"), TINY_WORDS.index("card"), SEP]
    assert not text.truncated


@given(words=st.lists(st.sampled_from(TINY_WORDS[FIRST_WORD:]), max_size=200))
def test_a_long_text_keeps_head_and_tail_and_its_special_tokens(
    encoder: Encoder, words: list[str]
) -> None:
    (text,) = encoder.tokenize([" ".join(words)])
    whole = [TINY_WORDS.index(word) for word in words]
    room = LIMIT - 2
    head = round(room * 0.75)
    kept = whole if len(whole) <= room else whole[:head] + whole[head - room :]
    assert text.ids == [CLS, *kept, SEP]
    assert text.truncated == (len(whole) > room)


@given(texts=st.lists(TEXTS, max_size=5))
def test_a_text_is_tokenized_alike_alone_and_in_company(encoder: Encoder, texts: list[str]) -> None:
    assert encoder.tokenize(texts) == [encoder.tokenize([text])[0] for text in texts]


def test_a_megabyte_is_cut_before_it_is_encoded(encoder: Encoder) -> None:
    class Counting:
        def __init__(self, inner: Any) -> None:
            self.inner, self.longest = inner, 0

        def encode_batch_fast(self, texts: Sequence[str]) -> Any:
            self.longest = max(map(len, texts))
            return self.inner.encode_batch_fast(texts)

    tokenizer = encoder._tokenizer
    counting = tokenizer._tokenizer = Counting(tokenizer._tokenizer)
    try:
        (text,) = encoder.tokenize(["my " + "card " * 200_000 + "help"])
    finally:
        tokenizer._tokenizer = counting.inner
    assert counting.longest <= 10 * LIMIT
    assert text.truncated
    assert text.ids[1] == TINY_WORDS.index("my")
    assert text.ids[-2] == TINY_WORDS.index("help")


def test_text_that_is_no_unicode_does_not_hurt_its_neighbours(encoder: Encoder) -> None:
    broken, whole = encoder.tokenize(["card \ud800", "card"])
    assert whole.ids == [CLS, TINY_WORDS.index("card"), SEP]
    assert broken.ids[1] == TINY_WORDS.index("card")


def test_auto_takes_what_works_here_and_says_what_it_took(directory: Path) -> None:
    encoder = Encoder(directory, "auto")
    assert encoder.provider == "cpu" or "CUDA" in str(onnxruntime.get_available_providers())
    assert encoder.precision == ("int8" if encoder.provider == "cpu" else "fp32")


@pytest.mark.parametrize("providers", ["npu", ["cpu", "gpu"], "auto,cpu"])
def test_an_unknown_provider_is_refused(directory: Path, providers: str | list[str]) -> None:
    with pytest.raises(RuntimeUnavailableError, match=r"unknown; use auto or some of"):
        Encoder(directory, providers)


def test_a_provider_that_this_build_lacks_is_refused_with_the_way_out(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(RuntimeUnavailableError, match=r"cuda is not in this build.*\[gpu\]"):
        Encoder(directory, ["cuda", "cpu"])


def test_a_session_that_silently_fell_back_to_the_cpu_is_refused(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class SilentFallback:
        def __init__(self, *_: object, **__: object) -> None: ...

        def get_providers(self) -> list[str]:
            return ["CPUExecutionProvider"]

    both = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: both)
    monkeypatch.setattr(onnxruntime, "InferenceSession", SilentFallback)
    with pytest.raises(RuntimeUnavailableError, match="the session runs on"):
        Encoder(directory, "cuda")
    assert Encoder(directory, "auto").provider == "cpu"


def test_a_gpu_gets_the_graph_without_int8(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    class Cuda:
        def __init__(self, path: str, *_: object, **__: object) -> None:
            opened.append(Path(path).name)

        def get_providers(self) -> list[str]:
            return ["CUDAExecutionProvider", "CPUExecutionProvider"]

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: Cuda("x").get_providers())
    monkeypatch.setattr(onnxruntime, "InferenceSession", Cuda)
    assert Encoder(directory, "cuda").precision == "fp32"
    assert opened[-1] == "fp32.onnx"


def test_a_precision_that_is_not_there_is_refused(directory: Path) -> None:
    with pytest.raises(EncoderError, match=r"cpu needs one of \['fp16'\]"):
        Encoder(directory, "cpu", precision="fp16")


def test_the_key_names_graph_tokenizer_and_limit(
    encoders: dict[Precision, Encoder], own_copy: Path
) -> None:
    keys = {encoder.key for encoder in encoders.values()}
    config = read_config(own_copy)
    write_config(own_copy, msgspec.structs.replace(config, max_length_tokens=LIMIT - 1))
    keys.add(Encoder(own_copy).key)
    (own_copy / "tokenizer.json").write_bytes((own_copy / "tokenizer.json").read_bytes() + b"\n")
    write_config(
        own_copy,
        msgspec.structs.replace(config, tokenizer=describe_file(own_copy, "tokenizer.json")),
    )
    keys.add(Encoder(own_copy).key)
    assert len(keys) == 4


@pytest.mark.parametrize("name", ["int8.onnx", "tokenizer.json"])
def test_one_changed_byte_is_found(own_copy: Path, name: str) -> None:
    content = bytearray((own_copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (own_copy / name).write_bytes(content)
    with pytest.raises(EncoderError, match="is damaged"):
        Encoder(own_copy, "cpu")


@pytest.mark.parametrize("name", ["encoder.json", "int8.onnx", "tokenizer.json"])
def test_a_missing_file_is_named(own_copy: Path, name: str) -> None:
    (own_copy / name).unlink()
    with pytest.raises(EncoderError, match=name):
        Encoder(own_copy, "cpu")


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b"[1]"])
def test_a_damaged_config_is_refused(own_copy: Path, content: bytes) -> None:
    (own_copy / "encoder.json").write_bytes(content)
    with pytest.raises(EncoderError, match="cannot be read"):
        Encoder(own_copy)


def test_a_config_of_another_version_is_refused(own_copy: Path) -> None:
    write_config(own_copy, msgspec.structs.replace(read_config(own_copy), format_version=2))
    with pytest.raises(EncoderError, match="format_version=2"):
        Encoder(own_copy)


def test_a_file_outside_the_directory_is_refused(own_copy: Path) -> None:
    config = read_config(own_copy)
    elsewhere = msgspec.structs.replace(config.tokenizer, path="../tokenizer.json")
    write_config(own_copy, msgspec.structs.replace(config, tokenizer=elsewhere))
    with pytest.raises(EncoderError, match="no plain file name"):
        Encoder(own_copy)


def test_a_token_without_a_row_in_the_word_table_is_refused(own_copy: Path) -> None:
    config = msgspec.structs.replace(read_config(own_copy), vocabulary_rows=len(TINY_WORDS) - 1)
    write_config(own_copy, config)
    with pytest.raises(EncoderError, match="do not belong together"):
        Encoder(own_copy)
