"""Fitting heads as a whole: what rows, schemas and options do to what is chosen."""

import numpy as np
import pytest

pytest.importorskip("scipy", reason="needs the extra heads")

from models.fitting.abstention import NEVER_ALONE
from models.fitting.candidates import Candidate, HeadWishes
from models.fitting.fit_heads import FitOptions, FittedHead, fit_heads
from models.heads import LinearWeights
from models.labels import HeadSpec, TrainingRow
from models.ngrams import NgramVocabulary
from models.rows.dataset import schemas_of

ROWS = 80


def twins() -> tuple[list[TrainingRow], np.ndarray]:
    """Two tenants with the same texts and other names for them: only the tenant tells the labels apart."""
    rows: list[TrainingRow] = []
    embeddings = np.zeros((ROWS, 8), np.float32)
    for place in range(ROWS):
        tenant, matter = ("acme", "globex")[place % 2], place // 2 % 2
        rows.append(
            TrainingRow(
                id=str(place),
                body="".join(chr(97 + int(digit)) for digit in str(place)),
                tenant=tenant,
                labels={"topic": f"{tenant}-{'card' if matter else 'loan'}"},
            )
        )
        embeddings[place, matter] = 1.0
        embeddings[place, 2 + place // 4 % 6] = 0.1
    return rows, embeddings


def fitted(schemas: dict[str, dict[str, tuple[str, ...]]]) -> FittedHead:
    rows, embeddings = twins()
    options = FitOptions(ROWS, 1, 1, schemas=schemas)
    (head,) = fit_heads(rows, embeddings, ["" for _ in rows], options, lambda *_: None).heads
    return head


def test_a_head_is_chosen_and_calibrated_under_the_schemas_that_will_serve() -> None:
    rows, _ = twins()
    alone, together = fitted(schemas_of(rows)), fitted({})
    assert max(together.choice.scores.values()) < 0.7
    assert min(alone.choice.scores.values()) == 1.0
    # right every time within a schema, so it may be surer than where half of its answers are wrong
    assert alone.choice.temperature < together.choice.temperature


def few(wishes: HeadWishes) -> FittedHead:
    """A head of eight rows: too few to choose on."""
    rows, embeddings = twins()
    options = FitOptions(8, 1, 1, wishes=lambda *_: wishes)
    (head,) = fit_heads(rows[:8], embeddings[:8], [""] * 8, options, lambda *_: None).heads
    assert head.choice.chosen_on_rows == 0
    return head


def test_a_head_that_nothing_could_be_chosen_for_never_answers_alone_where_it_must_know() -> None:
    assert few(HeadWishes()).head.abstain_below == 0.0
    for wishes in (
        HeadWishes(target_precision=0.9),
        HeadWishes(out_of_scope_label="acme-loan"),
    ):
        head = few(wishes).head
        assert head.abstain_below == NEVER_ALONE
        answers = head.answers(np.full((1, 4), 9, np.float32))
        assert all(answer is not None and answer.abstained for answer in answers)
    assert few(HeadWishes(out_of_scope_label="nobody's")).head.abstain_below == 0.0


@pytest.mark.parametrize("features", ["embedding", "embedding+ngrams"])
def test_a_head_begins_at_the_previous_weights_whichever_features_win(features: str) -> None:
    rows, embeddings = twins()
    texts = [row.body or "" for row in rows]

    def fit(begins: bool) -> FittedHead:
        def wishes(spec: HeadSpec, vocabulary: NgramVocabulary) -> HeadWishes:
            labels = len(spec.labels)
            start = LinearWeights(
                np.full((labels, 8), 0.5, np.float32),
                np.zeros(labels, np.float32),
                np.zeros((len(vocabulary), labels), np.float32),
            )
            return HeadWishes(start=start if begins else None)

        winner = Candidate(features, 10.0)  # pyright: ignore[reportArgumentType]
        options = FitOptions(ROWS, 1, 1, candidates={"topic": [winner]}, wishes=wishes)
        (head,) = fit_heads(rows, embeddings, texts, options, lambda *_: None).heads
        return head

    warm, cold = fit(begins=True), fit(begins=False)
    assert (warm.choice.warm_started, cold.choice.warm_started) == (True, False)
    assert not np.array_equal(warm.head.weights.dense, cold.head.weights.dense)


def test_a_start_without_ngrams_is_of_no_use_to_a_head_that_reads_them() -> None:
    rows, embeddings = twins()
    bare = LinearWeights(np.zeros((4, 8), np.float32), np.zeros(4, np.float32), None)
    options = FitOptions(
        ROWS,
        1,
        1,
        candidates={"topic": [Candidate("embedding+ngrams", 10.0)]},
        wishes=lambda *_: HeadWishes(start=bare),
    )
    texts = [row.body or "" for row in rows]
    (head,) = fit_heads(rows, embeddings, texts, options, lambda *_: None).heads
    assert not head.choice.warm_started
