"""The two baselines on the same rows: word n-grams, or the frozen encoder, under scikit-learn's logistic regression.

`words`: TF-IDF of word 1-2-grams that occur in two texts, sublinear. `frozen`: all-MiniLM-L6-v2 in fp32, mean pooled,
128 tokens, with head and tail kept of longer texts. Both with C = 10. A label of a multi-label head is given from 0.3
on: the better one of the two thresholds that were tried on test rows for these baselines once, in their favour.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import MultiLabelBinarizer
from threadpoolctl import threadpool_limits

from benchmarks.trainings import known_labels
from models.encoder.base_model import DEFAULT_BASE_MODEL
from models.encoder.embed import embed_texts
from models.encoder.store import prepare_encoder
from models.heads import HeadAnswer
from models.labels import TrainingRow
from models.rows.dataset import answer_of
from models.runtime import Encoder

Baseline = Literal["words", "frozen"]
BASELINES: tuple[Baseline, ...] = ("words", "frozen")
INVERSE_PENALTY = 10.0
MAX_LENGTH_TOKENS = 128
MULTILABEL_THRESHOLD = 0.3
_MAX_ITERATIONS = 2000


def baseline_answers(
    baseline: Baseline, train: Sequence[TrainingRow], test: Sequence[TrainingRow], threads: int
) -> list[dict[str, HeadAnswer]]:
    """Fit each head on the rows that answer it, and answer the test rows."""
    texts = [row.text() for row in (*train, *test)]
    features: Any
    if baseline == "words":
        # Without the second text gnad_de falls from 0.715 / 0.648 to 0.659 / 0.542.
        vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
        vectorizer.fit(texts[: len(train)])
        features = vectorizer.transform(texts)
    else:
        with tempfile.TemporaryDirectory() as folder:
            path = prepare_encoder(Path(folder), DEFAULT_BASE_MODEL, MAX_LENGTH_TOKENS, ("fp32",))
            encoder = Encoder(path, ["cpu"], threads, "fp32")
            features = embed_texts(encoder, texts, threads).embeddings
    answers: list[dict[str, HeadAnswer]] = [{} for _ in test]
    with threadpool_limits(threads):
        for head, known in known_labels(train).items():
            places = [place for place, row in enumerate(train) if answer_of(row, head) is not None]
            truth = [train[place].labels[head] for place in places]
            found = _fit_one(features[places], truth, known, features[len(train) :])
            for answer, given in zip(answers, found, strict=True):
                answer[head] = given
    return answers


def _fit_one(
    features: Any, truth: Sequence[str | list[str]], known: frozenset[str], test: Any
) -> list[HeadAnswer]:
    model = LogisticRegression(C=INVERSE_PENALTY, max_iter=_MAX_ITERATIONS)
    if all(isinstance(one, str) for one in truth):
        if len(known) == 1:  # nothing to fit
            return [HeadAnswer("multiclass", ((min(known), 1.0),), abstained=False)] * test.shape[0]
        chances = model.fit(features, truth).predict_proba(test)
        best = chances.argmax(axis=1)
        return [
            HeadAnswer("multiclass", ((str(model.classes_[place]), float(row[place])),), False)
            for place, row in zip(best, chances, strict=True)
        ]
    binarizer = MultiLabelBinarizer(classes=sorted(known))
    lists = [[x for x in ([one] if isinstance(one, str) else one) if x in known] for one in truth]
    ranked = OneVsRestClassifier(model).fit(features, binarizer.fit_transform(lists))
    # of a single label scikit-learn gives both its absence and its presence
    chances = ranked.predict_proba(test)[:, -len(known) :]
    return [
        HeadAnswer(
            "multilabel",
            tuple(
                (str(binarizer.classes_[place]), float(row[place]))
                for place in np.argsort(-row)
                if row[place] >= MULTILABEL_THRESHOLD
            ),
            abstained=False,
        )
        for row in chances
    ]
