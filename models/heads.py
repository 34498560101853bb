"""Answers for one batch: embeddings and n-grams in, labels with calibrated confidence out, to `models.bundle`.

NumPy alone, because serving imports this. Knows neither how a head is fitted (`models.fit`) nor where it is stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.labels import HeadKind, HeadSpec
from models.ngrams import NgramRow, NgramVocabulary

Float32Array = npt.NDArray[np.float32]
Float64Array = npt.NDArray[np.float64]

# A person who corrects a label chooses among a few; the rest of the distribution is noise on the topic.
ALTERNATIVES = 3


@dataclass(frozen=True)
class HeadAnswer:
    """One head's answer for one text.

    Args:
        kind: of the head.
        labels: label and calibrated probability. Multi-class: the best three, best first. Multi-label:
            those that reach their threshold, best first, maybe none.
        abstained: the answer is too uncertain to be acted on; `labels` says what it would have been.
    """

    kind: HeadKind
    labels: tuple[tuple[str, float], ...]
    abstained: bool


@dataclass(frozen=True)
class LinearWeights:
    """float32 `dense` [L, H], `bias` [L] and, with n-grams, float16 or float32 `ngrams` [V, L]: a row per n-gram."""

    dense: Float32Array
    bias: Float32Array
    ngrams: npt.NDArray[np.floating] | None


@dataclass(frozen=True)
class Head:
    """A fitted head.

    Args:
        spec: name, kind and labels, in the order of the scores.
        weights: the linear map.
        temperature: scores are divided by it before they become probabilities (Guo et al. 2017).
        thresholds: probability from which a label counts, float64 [L]; multi-label only.
        abstain_below: a certainty below it is an abstention; 0 never abstains.
    """

    spec: HeadSpec
    weights: LinearWeights
    temperature: float
    thresholds: Float64Array | None
    abstain_below: float = 0.0

    def scores(
        self, embeddings: Float32Array, ngrams: Sequence[NgramRow] | None = None
    ) -> Float32Array:
        """Uncalibrated scores, float32 [B, L]; each row by itself.

        Args:
            embeddings: float32 [B, H].
            ngrams: one row per text; read only by a head that has n-gram weights.
        """
        scores = embeddings @ self.weights.dense.T + self.weights.bias  # [B, H] @ [H, L] -> [B, L]
        if self.weights.ngrams is not None:
            assert ngrams is not None, f"head {self.spec.name!r} got no n-grams; this is a bug"
            for place, row in enumerate(ngrams):
                rows = self.weights.ngrams[row.places].astype(np.float32)  # [V, L] -> [K, L]
                scores[place] += row.weights @ rows  # [K] @ [K, L] -> [L]
        return scores

    def answers(self, scores: Float32Array) -> list[HeadAnswer]:
        """Turn scores [B, L] into one answer per row."""
        chances = probabilities(scores, self.temperature, self.spec.kind)
        if self.spec.kind == "multiclass":
            return self._choose_one(chances)
        return [self._choose_any(row) for row in chances]

    def _choose_one(self, chances: Float64Array) -> list[HeadAnswer]:
        order = np.argsort(-chances, axis=1, kind="stable")[:, :ALTERNATIVES]  # [B, L] -> [B, 3]
        places: list[list[int]] = order.tolist()
        best: list[list[float]] = np.take_along_axis(chances, order, axis=1).tolist()
        names = self.spec.labels
        return [
            HeadAnswer(
                "multiclass",
                tuple((names[place], chance) for place, chance in zip(row, own, strict=True)),
                own[0] < self.abstain_below,
            )
            for row, own in zip(places, best, strict=True)
        ]

    def _choose_any(self, chances: Float64Array) -> HeadAnswer:
        assert self.thresholds is not None, "a multi-label head has thresholds; this is a bug"
        order: list[int] = np.argsort(-chances, kind="stable").tolist()
        labels = tuple(
            (self.spec.labels[place], float(chances[place]))
            for place in order
            if chances[place] >= self.thresholds[place]
        )
        # The weakest of its yes-or-no decisions: one label on the fence makes the whole set uncertain.
        certainty = float(np.maximum(chances, 1 - chances).min())
        return HeadAnswer("multilabel", labels, certainty < self.abstain_below)


def answer_heads(
    heads: Sequence[Head],
    vocabulary: NgramVocabulary,
    embeddings: Float32Array,
    texts: Sequence[str],
) -> list[dict[str, HeadAnswer]]:
    """Answer every head for every row; a row's answers do not depend on the others.

    Args:
        heads: of one model.
        vocabulary: of the heads that read n-grams.
        embeddings: float32 [B, H], finite.
        texts: [B], as the encoder read them.
    """
    assert len(embeddings) == len(texts), "one text per embedding; this is a bug"
    reads_ngrams = any(head.weights.ngrams is not None for head in heads)
    ngrams = [vocabulary.row(text) for text in texts] if reads_ngrams else None
    answers: list[dict[str, HeadAnswer]] = [{} for _ in texts]
    for head in heads:
        given = head.answers(head.scores(embeddings, ngrams))
        for row, answer in zip(answers, given, strict=True):
            row[head.spec.name] = answer
    return answers


def probabilities(scores: Float32Array, temperature: float, kind: HeadKind) -> Float64Array:
    """Calibrated probabilities, float64 [B, L]: softmax over the row, or a sigmoid for each label."""
    scaled = scores.astype(np.float64) / temperature
    if kind == "multilabel":
        return 1 / (1 + np.exp(-np.clip(scaled, -60, 60)))
    scaled -= scaled.max(axis=1, keepdims=True)
    exponentials = np.exp(scaled)
    return exponentials / exponentials.sum(axis=1, keepdims=True)
