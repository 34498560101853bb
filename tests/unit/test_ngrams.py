import time

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.ngrams import build_vocabulary, hash_ngrams, stack_rows

TEXTS = ["my card is lost", "my card is stolen", "the invoice is wrong", "Die Rechnung ist falsch"]


def test_hashes_are_those_of_crc32_on_every_machine() -> None:
    counts = hash_ngrams("Card lost, card!")
    assert counts == {3185639062: 2, 1880266127: 1, 1230386563: 1, 3276389936: 1}


def test_words_of_one_text_alone_are_not_kept() -> None:
    vocabulary = build_vocabulary(TEXTS)
    assert len(vocabulary.row("invoice rechnung falsch").places) == 0
    assert len(vocabulary.row("my card").places) == 3, "two words and their pair"


@given(st.text(max_size=200))
def test_a_text_is_a_row_of_length_one_or_empty(text: str) -> None:
    found = build_vocabulary([*TEXTS, text, text]).row(text)
    length = float(found.weights @ found.weights)
    assert abs(length - 1) < 1e-5 if len(found.places) else not hash_ngrams(text)
    assert list(found.places) == sorted(set(found.places.tolist()))


def test_without_vocabulary_every_row_is_empty() -> None:
    nothing = build_vocabulary(())
    weights, places, starts = stack_rows([nothing.row("my card"), nothing.row("")])
    assert (len(weights), len(places), starts.tolist()) == (0, 0, [0, 0, 0])


def test_the_common_is_worth_less_than_the_rare() -> None:
    vocabulary = build_vocabulary(["is card", "is card", "is lost", "is lost", "is it"])
    row = vocabulary.row("is lost")
    weights = dict(zip(row.places.tolist(), row.weights.tolist(), strict=True))
    (common,) = vocabulary.row("is").places.tolist()
    (rare,) = vocabulary.row("lost").places.tolist()
    assert weights[common] < weights[rare]


def test_a_megabyte_costs_as_little_as_ten_thousand_characters() -> None:
    vocabulary = build_vocabulary(TEXTS)
    began_s = time.process_time()
    vocabulary.row("my card " * 500_000)
    assert time.process_time() - began_s < 1.0
    assert np.array_equal(
        vocabulary.row("my card " * 500_000).weights, vocabulary.row(("my card " * 5000)[:10_000]).weights
    )
