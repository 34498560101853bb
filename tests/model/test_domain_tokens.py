"""A base model that learns words: the new ones come out whole, all others and their vectors stay."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

from models.encoder.base_model import BaseModelError, read_base_model
from models.encoder.build import build_encoder
from models.encoder.domain_tokens import extend_base
from models.runtime import Encoder
from tests.fakes import write_tiny_bert
from tests.model.small_encoders import WRITTEN_HERE, small_tokenizer, write_small_encoder

WORDS = ["Depotübertrag", "ISIN"]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A tiny BERT with a cased German vocabulary of word pieces."""
    folder = write_tiny_bert(tmp_path / "base")
    tokenizer = small_tokenizer("cased word pieces")
    tokenizer.enable_padding(length=40)  # a setting that the file keeps and nobody's ids may hold
    tokenizer.save(str(folder / "tokenizer.json"))
    rows = tokenizer.get_vocab_size()
    weights = load_file(folder / "model.safetensors")
    draw = np.random.default_rng(1)
    name = "embeddings.word_embeddings.weight"
    weights[name] = draw.normal(size=(rows, 16)).astype(np.float32)
    save_file(weights, folder / "model.safetensors")
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_mean_tokens": true}')
    return folder


def tokenizer_of(folder: Path) -> Any:
    tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    return tokenizer


def test_a_domain_word_comes_out_whole_and_starts_as_the_mean_of_its_pieces(
    base: Path, tmp_path: Path
) -> None:
    out = extend_base(base, WORDS, tmp_path / "extended")
    before, after = tokenizer_of(base), tokenizer_of(out)
    old, new = read_base_model(base).words, read_base_model(out).words
    assert new.shape == (len(old) + 2, 16)
    np.testing.assert_array_equal(new[: len(old)], old)
    for word in WORDS:
        pieces = before.encode(word, add_special_tokens=False).ids
        assert len(pieces) > 1
        [place] = after.encode(word, add_special_tokens=False).ids
        np.testing.assert_allclose(new[place], old[pieces].mean(axis=0), rtol=1e-6)
    assert json.loads((out / "config.json").read_text())["vocab_size"] == len(new)


def test_only_whole_words_are_found_in_the_midst_of_a_sentence(base: Path, tmp_path: Path) -> None:
    out = extend_base(base, WORDS, tmp_path / "extended")
    text = "Der Depotübertrag (ISIN) Rechnung"
    ids = tokenizer_of(out).encode(text, add_special_tokens=False).ids
    assert sum(one >= len(read_base_model(base).words) for one in ids) == 2
    for text in ("ISINs Depotübertragung", "guten Tag, bitte prüfen"):
        old, new = tokenizer_of(base).encode(text).ids, tokenizer_of(out).encode(text).ids
        assert old == new, "other texts read as before"


def test_the_extended_model_becomes_an_encoder(base: Path, tmp_path: Path) -> None:
    out = extend_base(base, WORDS, tmp_path / "extended")
    encoder = Encoder(build_encoder(out, tmp_path / "encoder", 32).path, "cpu")
    (row,) = encoder.tokenize(["der Depotübertrag"])
    assert np.isfinite(encoder.embed([row.ids])).all()
    assert (out / "1_Pooling" / "config.json").is_file()


def test_known_words_and_repeats_cost_nothing(base: Path, tmp_path: Path) -> None:
    vocabulary = tokenizer_of(base).get_vocab(with_added_tokens=False)
    known = min(word for word in vocabulary if len(word) > 3 and word.isalpha())
    assert extend_base(base, [known], tmp_path / "same") == base
    assert not (tmp_path / "same").exists()
    out = extend_base(base, ["ISIN", " ISIN ", known], tmp_path / "one")
    assert len(read_base_model(out).words) == len(read_base_model(base).words) + 1


def test_equal_inputs_give_equal_bytes_and_leave_the_base_alone(base: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    shutil.copytree(base, kept)
    first, second = (extend_base(base, WORDS, tmp_path / name) for name in ("first", "second"))
    for path in (path for path in first.rglob("*") if path.is_file()):
        assert path.read_bytes() == (second / path.relative_to(first)).read_bytes()
    for path in (path for path in kept.rglob("*") if path.is_file()):
        assert path.read_bytes() == (base / path.relative_to(kept)).read_bytes()


@pytest.mark.parametrize("word", ["", "  ", "a\nb", "x" * 101])
def test_what_is_no_word_is_refused(base: Path, tmp_path: Path, word: str) -> None:
    with pytest.raises(BaseModelError, match="is no word; give 1 to 100"):
        extend_base(base, [word], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_base_without_a_fast_tokenizer_says_so(base: Path, tmp_path: Path) -> None:
    (base / "tokenizer.json").unlink()
    with pytest.raises(BaseModelError, match=r"has no tokenizer\.json"):
        extend_base(base, WORDS, tmp_path / "out")


@pytest.mark.train
@pytest.mark.timeout(120)  # the first import of torch
@pytest.mark.parametrize("kind", WRITTEN_HERE)
def test_transformers_reads_the_extended_model_alike(tmp_path: Path, kind: str) -> None:
    from models.encoder.export import torch_embeddings  # noqa: PLC0415 - needs the extra train

    out = extend_base(write_small_encoder(tmp_path / "base", kind), WORDS, tmp_path / "extended")
    encoder = Encoder(build_encoder(out, tmp_path / "encoder", 64, ("fp32",)).path, "cpu")
    rows = [
        text.ids for text in encoder.tokenize(["bitte den Depotübertrag der ISIN prüfen", "hi"])
    ]
    places = [tokenizer_of(out).token_to_id(word) for word in WORDS]
    assert set(places) <= set(rows[0])
    wanted = torch_embeddings(out, "mean", rows)
    np.testing.assert_allclose(encoder.embed(rows), wanted, rtol=0, atol=1e-5)


@pytest.mark.train
@pytest.mark.timeout(120)
def test_shards_and_bfloat16_are_extended_too(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    base = write_small_encoder(tmp_path / "base", "Bert")
    model = transformers.AutoModel.from_pretrained(base).to(torch.bfloat16)
    (base / "model.safetensors").unlink()
    model.save_pretrained(base, max_shard_size="20KB")
    assert len(list(base.glob("*.safetensors"))) > 1
    out = extend_base(base, WORDS, tmp_path / "extended")
    old, new = read_base_model(base), read_base_model(out)
    np.testing.assert_array_equal(new.words[: len(old.words)], old.words)
    np.testing.assert_array_equal(new.layers[1]["up"], old.layers[1]["up"])
    assert transformers.AutoModel.from_pretrained(out).config.vocab_size == len(new.words)
