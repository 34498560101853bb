import zlib

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.ngrams import build_vocabulary, hash_ngrams, stack_rows

TEXTS = ["my card is lost", "my card is stolen", "the invoice is wrong", "Die Rechnung ist falsch"]


def test_hashes_are_the_same_on_every_machine() -> None:
    words, pairs = [370448595, 1078297770, 370448595], [3623153942, 3996596643]
    found = hash_ngrams("Card lost, card!").tolist()
    assert found[:5] == [*words, *pairs]
    pieces = [
        piece
        for word in (" card ", " lost ", " card ")
        for piece in (word[:4], word[1:5], word[2:])
    ]
    assert found[5:] == [polynomial(piece) for piece in pieces]


def polynomial(piece: str) -> int:
    value = 0
    for character in piece:
        value = (value * 0x01000193 + ord(character)) % 2**32
    return value


def test_ngrams_of_one_text_alone_are_not_kept() -> None:
    vocabulary = build_vocabulary(TEXTS)
    assert len(vocabulary.row("invoice").places) == 0
    assert len(vocabulary.row("my card").places) == 3 + 4, (
        "two words, their pair, and the pieces of both"
    )


def test_words_of_one_stem_share_pieces() -> None:
    vocabulary = build_vocabulary(["rechnungen", "rechnung"])
    one, other = vocabulary.row("rechnungsnummer"), vocabulary.row("rechnung")
    assert len(set(one.places.tolist()) & set(other.places.tolist())) >= 5


@given(st.text(max_size=200))
def test_a_text_is_a_row_of_length_one_or_empty(text: str) -> None:
    found = build_vocabulary([*TEXTS, text, text]).row(text)
    length = float(found.weights @ found.weights)
    assert abs(length - 1) < 1e-5 if len(found.places) else not hash_ngrams(text).size
    assert list(found.places) == sorted(set(found.places.tolist()))


def test_without_vocabulary_every_row_is_empty() -> None:
    nothing = build_vocabulary(())
    weights, places, starts = stack_rows([nothing.row("my card"), nothing.row("")])
    assert (len(weights), len(places), starts.tolist()) == (0, 0, [0, 0, 0])


def test_the_common_is_worth_less_than_the_rare() -> None:
    vocabulary = build_vocabulary(["is card", "is card", "is lost", "is lost", "is it"])
    row = vocabulary.row("is lost")
    weights = dict(zip(vocabulary.hashes[row.places].tolist(), row.weights.tolist(), strict=True))
    assert weights[zlib.crc32(b"is")] < weights[zlib.crc32(b"lost")]


def test_of_a_megabyte_only_the_start_is_read() -> None:
    vocabulary = build_vocabulary(TEXTS)
    whole = vocabulary.row("my card " * 500_000)
    assert np.array_equal(whole.weights, vocabulary.row(("my card " * 5000)[:10_000]).weights)
