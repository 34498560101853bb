"""Answers for one batch: embeddings and n-grams in, labels with calibrated confidence out, to `models.bundle`.

NumPy alone, because serving imports this. Knows neither how a head is fitted (`models.fitting`) nor where it is stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.labels import HeadKind, HeadSpec
from models.ngrams import NgramRow, NgramVocabulary
from models.schemas import BoolArray

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
        out_of_scope_label: one of the labels, learned like the others and never given: where it is the likeliest the
            head abstains (as a class of its own: Larson et al. 2019, "An Evaluation Dataset for Intent
            Classification and Out-of-Scope Prediction", section 4).

    Raises:
        ValueError: the out-of-scope label is none of the labels, or the only one.
    """

    spec: HeadSpec
    weights: LinearWeights
    temperature: float
    thresholds: Float64Array | None
    abstain_below: float = 0.0
    out_of_scope_label: str | None = None

    def __post_init__(self) -> None:
        if self.out_of_scope_label is None:
            return
        if not set(self.spec.labels) > {self.out_of_scope_label}:
            raise ValueError(
                f"head {self.spec.name!r} has the out-of-scope label {self.out_of_scope_label!r}, which must be one "
                f"of several labels; it has {list(self.spec.labels)}"
            )

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

    def answers(
        self, scores: Float32Array, allowed: BoolArray | None = None
    ) -> list[HeadAnswer | None]:
        """Turn scores [B, L] into one answer per row; None for a row that may get no label.

        Args:
            scores: as `scores` gives them.
            allowed: bool [B, L], what each row may get; probabilities are of the allowed labels alone. None: all.
        """
        if allowed is None and self.out_of_scope_label is None:
            return [*self._plain_answers(probabilities(scores, self.temperature, self.spec.kind))]
        chances = self.chances(scores, allowed)
        given = np.ones(scores.shape, np.bool_) if allowed is None else allowed.copy()
        beyond = np.zeros(len(scores), np.float64)
        if self.out_of_scope_label is not None:
            place = self.spec.labels.index(self.out_of_scope_label)
            given[:, place] = False
            beyond = chances[:, place]
            if (
                self.thresholds is not None
            ):  # a yes-or-no of its own: likeliest among improbable ones is no yes
                beyond = np.where(beyond >= self.thresholds[place], beyond, 0.0)
        return [
            self._masked_answer(*row) if row[1].any() else None
            for row in zip(chances, given, beyond.tolist(), strict=True)
        ]

    def chances(self, scores: Float32Array, allowed: BoolArray | None = None) -> Float64Array:
        """Calibrated probabilities of all labels, float64 [B, L]: 0 for those that are not allowed.

        The out-of-scope label is always allowed: it is never given, and it lowers the others. A row that may get
        nothing has no meaning.
        """
        if allowed is None:
            return probabilities(scores, self.temperature, self.spec.kind)
        if self.out_of_scope_label is not None:
            allowed = allowed.copy()
            allowed[:, self.spec.labels.index(self.out_of_scope_label)] = True
        if self.spec.kind == "multilabel":
            return np.where(allowed, probabilities(scores, self.temperature, "multilabel"), 0.0)
        allowed = allowed | ~allowed.any(axis=1, keepdims=True)  # a softmax over nothing is NaN
        return probabilities(
            np.where(allowed, scores, np.float32(-np.inf)), self.temperature, "multiclass"
        )

    def _plain_answers(self, chances: Float64Array) -> list[HeadAnswer]:
        if self.spec.kind == "multiclass":
            return self._choose_one(chances)
        return [self._choose_any(row) for row in chances]

    def _masked_answer(self, chances: Float64Array, given: BoolArray, beyond: float) -> HeadAnswer:
        """One row [L]: only the labels of `given` exist; `beyond` is the probability of being out of scope."""
        places = np.flatnonzero(given)  # rising: equal probabilities keep the order of the labels
        own = chances[places]
        order = np.argsort(-own, kind="stable")
        labels = [(self.spec.labels[places[x]], float(own[x])) for x in order]
        if self.spec.kind == "multiclass":
            best = labels[0][1]
            abstained = best < self.abstain_below or beyond > best
            return HeadAnswer("multiclass", tuple(labels[:ALTERNATIVES]), abstained)
        assert self.thresholds is not None, "a multi-label head has thresholds; this is a bug"
        least = self.thresholds[places]
        kept = tuple(labels[at] for at, x in enumerate(order) if own[x] >= least[x])
        certainty = float(np.maximum(own, 1 - own).min())
        return HeadAnswer(
            "multilabel", kept, certainty < self.abstain_below or beyond > float(own.max())
        )

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
    allowed: Sequence[BoolArray] | None = None,
) -> list[dict[str, HeadAnswer]]:
    """Answer every head for every row; a row's answers do not depend on the others.

    Args:
        heads: of one model.
        vocabulary: of the heads that read n-grams.
        embeddings: float32 [B, H], finite.
        texts: [B], as the encoder read them.
        allowed: per head what each row may get, bool [B, L] (`models.schemas`); None: everything.

    Returns:
        Per row: head name -> answer; without the heads that may give this row nothing.
    """
    assert len(embeddings) == len(texts), "one text per embedding; this is a bug"
    reads_ngrams = any(head.weights.ngrams is not None for head in heads)
    ngrams = [vocabulary.row(text) for text in texts] if reads_ngrams else None
    answers: list[dict[str, HeadAnswer]] = [{} for _ in texts]
    for place, head in enumerate(heads):
        masks = None if allowed is None else allowed[place]
        given = head.answers(head.scores(embeddings, ngrams), masks)
        for row, answer in zip(answers, given, strict=True):
            if answer is not None:
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
