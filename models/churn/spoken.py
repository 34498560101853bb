"""Turns calls of words into calls of numbers, each different text embedded once, for `models.train_churn`.

Knows the encoder that serves; no outcomes and no model.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.churn.joining import Example
from models.churn.prefixes import IntArray, SpokenCall
from models.encoder.embed import Advance, embed_texts
from models.heads import Float32Array, Float64Array
from models.runtime import Encoder


@dataclass(frozen=True, eq=False)
class Spoken:
    """All that is said in all examples.

    Args:
        embeddings: float32 [U, H], of different texts.
        texts: of each example, which texts its fragments are, int64 [N] into these.
        truncated: texts that are longer than the encoder reads.
    """

    embeddings: Float32Array
    texts: Sequence[IntArray]
    truncated: int

    @property
    def fragments(self) -> int:
        """How many were heard."""
        return sum(map(len, self.texts))

    def counts(self, places: Sequence[int]) -> Float64Array:
        """How often each text is said in some examples, float64 [U]."""
        said = np.zeros(len(self.embeddings))
        for place in places:
            np.add.at(said, self.texts[place], 1.0)
        return said


def embed_calls(
    examples: Sequence[Example], encoder: Encoder, threads: int, advance: Advance
) -> Spoken:
    """Embed every different text once, as it is served: a text's embedding does not depend on its batch-mates."""
    every = Counter(
        piece.text for one in examples if one.call is not None for piece in one.call.fragments
    )
    embedded = embed_texts(encoder, list(every), threads, advance)
    places = {text: place for place, text in enumerate(every)}
    texts = [
        np.array([places[piece.text] for piece in one.call.fragments], np.int64)
        if one.call is not None
        else np.zeros(0, np.int64)
        for one in examples
    ]
    return Spoken(embedded.embeddings, texts, embedded.truncated)


def nothing_spoken(examples: Sequence[Example]) -> Spoken:
    """Of a model that hears nobody."""
    return Spoken(np.zeros((0, 0), np.float32), [np.zeros(0, np.int64)] * len(examples), 0)


def as_numbers(example: Example, texts: IntArray, fixed: npt.NDArray[np.integer]) -> SpokenCall:
    """One call; `fixed` [U, D] are the texts in fixed point."""
    pieces = example.call.fragments if example.call is not None and len(texts) else ()
    is_customer = np.array([piece.is_customer for piece in pieces], np.bool_)
    return SpokenCall(fixed[texts], is_customer, example.features)
