import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.encoder.embed import _cut, embed_texts
from tests.fakes import FakeEncoder


def test_embeddings_come_back_in_the_order_of_the_texts() -> None:
    texts = [f"{'word ' * (place * 7 % 40)}n{place}" for place in range(600)]
    encoder = FakeEncoder()
    alone = np.concatenate([encoder.embed([encoder.tokenize([text])[0].ids]) for text in texts])
    told: list[tuple[int, int]] = []
    embedded = embed_texts(encoder, texts, 3, lambda *state: told.append(state))  # type: ignore[arg-type]
    assert np.abs(embedded.embeddings - alone).max() < 1e-6
    assert embedded.truncated == sum(len(text.split()) + 1 > 32 for text in texts)
    assert told[-1] == (600, 600)
    assert told == sorted(told)


@given(st.lists(st.integers(1, 600), max_size=80))
def test_batches_hold_each_text_once_and_keep_the_budget(lengths: list[int]) -> None:
    batches = _cut(lengths, 512)
    assert sorted(place for batch in batches for place in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[place] for place in batch) <= 512


def test_no_texts_give_no_embeddings() -> None:
    assert embed_texts(FakeEncoder(), [], 1).embeddings.shape == (0, 16)  # type: ignore[arg-type]


def test_a_broken_encoder_is_not_learned_from() -> None:
    encoder = FakeEncoder()
    encoder._words[:] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        embed_texts(encoder, ["hello"], 1)  # type: ignore[arg-type]
