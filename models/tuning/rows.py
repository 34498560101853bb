"""Makes the task of a tuning from labelled rows: which are kept back, each head's answers and its start. No torch."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from threadpoolctl import threadpool_limits

from models.fitting.calibrate import find_temperature
from models.fitting.candidates import Candidate, HeadRows, IntArray
from models.fitting.fit import try_candidate
from models.fitting.head_rows import FOLDS, LabelledRows, ngram_matrix, sort_by_head
from models.fitting.logistic import Features, fit_linear
from models.heads import Float32Array, LinearWeights, probabilities
from models.labels import HeadSpec, TrainingRow
from models.ngrams import build_vocabulary
from models.rows.dataset import DatasetError
from models.rows.split import cut_folds, hold_out
from models.tuning.task import BoolArray, TuneHead, TuneTask

# Kept back from tuning, so that temperature, thresholds and features are chosen on rows that encoder and heads did not
# see: this share, and of few rows about this many, never more than a quarter.
CHECK_SHARE = 0.1
ENOUGH_CHECK_ROWS = 300
LARGEST_CHECK_SHARE = 0.25
# Of the dense heads that a tuning starts from (LP-FT: Kumar et al. 2022, "Fine-Tuning can Distort Pretrained
# Features and Underperform Out-of-Distribution").
START_INVERSE_PENALTY = 10.0


@dataclass(frozen=True)
class TuneRows:
    """Rows with what the untuned encoder makes of them, those to learn from first, then those of a validation file.

    Args:
        rows, ids, texts, embeddings: N each; embeddings float32 [N, H].
        learn_count: how many are to learn from.
        min_label_rows: a label of a multi-label head with fewer rows is left out.
        weights: head -> weight of its loss, 1 where it is not named.
        start: weights of the previous version to begin a head's first fit with, or None.
        threads: fits at once.
        out_of_scope_label: as in `models.fitting.head_rows.LabelledRows`.
        groups: as there: a row is taught by heads that learned from none of its group.
    """

    rows: Sequence[TrainingRow]
    ids: Sequence[Sequence[int]]
    texts: Sequence[str]
    embeddings: Float32Array
    learn_count: int
    min_label_rows: int
    weights: Mapping[str, float]
    start: Callable[[HeadSpec], LinearWeights | None]
    threads: int
    out_of_scope_label: str | None = None
    groups: Sequence[int] | None = None


def keep_back(
    rows: Sequence[TrainingRow], learn_count: int, groups: Sequence[int] | None = None
) -> IntArray | None:
    """Places among the rows to learn from that a tuning must not see; None where a validation file says them.

    What shares a text, thread or customer stays together.
    """
    if len(rows) > learn_count:
        return None
    share = min(LARGEST_CHECK_SHARE, max(CHECK_SHARE, ENOUGH_CHECK_ROWS / max(1, learn_count)))
    try:
        return np.array(hold_out(rows, share, groups)[1], np.int64)
    except DatasetError:  # all rows hang together: nothing can be chosen, and defaults are taken
        return np.empty(0, np.int64)


def make_task(own: TuneRows, choose: IntArray | None) -> TuneTask:
    """The task, with dense heads fitted on the untuned embeddings of the rows that the tuning will see.

    What is taught comes from heads with n-grams, which a tuned embedding thereby learns to stand in for.

    Rows that answer only heads whose weight is 0 are not learned from: they have no loss.

    Raises:
        DatasetError: no head can be learned, or none that can has a weight.
    """
    vocabulary = build_vocabulary(own.texts[: own.learn_count])
    labelled = LabelledRows(
        own.rows,
        Features(own.embeddings, ngram_matrix(vocabulary, own.texts)),
        own.learn_count,
        own.min_label_rows,
        choose,
        out_of_scope_label=own.out_of_scope_label,
    )
    learnable, refused = sort_by_head(labelled)
    kept = np.ones(len(own.rows), np.bool_)
    kept[own.learn_count :] = False
    if choose is not None:
        kept[choose] = False
    heads = [head.rows for head in learnable if kept[head.rows.learn].any()]
    if not heads:
        reasons = "; ".join(refused.values()) or "no row has labels"
        raise DatasetError(f"nothing to learn from {own.learn_count} rows: {reasons}")
    with threadpool_limits(1), ThreadPoolExecutor(own.threads, "fit") as pool:
        tasks = [_make_head(head, kept, own, pool) for head in heads]
    if not any(head.weight for head in tasks):
        names = ", ".join(head.name for head in tasks)
        raise DatasetError(
            f"all head weights of what can be learned ({names}) are 0: there is nothing to tune; use recipe quick"
        )
    known = np.stack([head.known for head in tasks], axis=1)  # [N, heads]
    has_weight = np.array([head.weight > 0 for head in tasks])
    learn = np.flatnonzero((known & has_weight).any(axis=1) & kept)
    return TuneTask(own.ids, tasks, learn, np.flatnonzero(known.any(axis=1) & ~kept))


def _make_head(head: HeadRows, kept: BoolArray, own: TuneRows, pool: Executor) -> TuneHead:
    learn = head.learn[kept[head.learn]]
    known = np.zeros(len(own.rows), np.bool_)
    known[head.learn] = True
    for _, check in head.trials:
        known[check] = True
    start = own.start(head.spec)
    return TuneHead(
        name=head.spec.name,
        kind=head.spec.kind,
        targets=head.targets,
        known=known,
        taught=_teach(head, learn, own, pool),
        weight=own.weights.get(head.spec.name, 1.0),
        start=fit_linear(
            Features(own.embeddings[learn]),
            head.targets[learn],
            "softmax" if head.spec.kind == "multiclass" else "sigmoid",
            START_INVERSE_PENALTY,
            start,
        ),
    )


def _teach(head: HeadRows, learn: IntArray, own: TuneRows, pool: Executor) -> Float32Array:
    """What heads say of each row of `learn` that learned from rows of other groups, as calibrated probabilities."""
    seen: list[int] = learn.tolist()
    groups = None if own.groups is None else [own.groups[place] for place in seen]
    parts = cut_folds([own.rows[place] for place in seen], FOLDS, groups)
    if len(parts) < 2:  # all hang together
        return head.targets

    trials = [(np.delete(learn, part), learn[part]) for part in parts]
    candidate = Candidate("embedding+ngrams", START_INVERSE_PENALTY)
    scores = try_candidate(candidate, replace(head, trials=trials), pool).scores
    places = learn[np.concatenate(parts)]
    temperature = find_temperature(scores, head.targets[places], head.spec.kind)
    taught = head.targets.copy()
    taught[places] = probabilities(scores, temperature, head.spec.kind)
    return taught


def check_weights(weights: Mapping[str, float], heads: Sequence[str]) -> None:
    """Refuse weights that could not have been meant.

    Raises:
        DatasetError: a head is unknown, or a weight is no number from 0 on.
    """
    for name, weight in weights.items():
        if name not in heads:
            raise DatasetError(
                f"head weight {name}={weight:g}: the rows have no head {name!r}, only {sorted(heads)}"
            )
        if not (np.isfinite(weight) and weight >= 0):
            raise DatasetError(f"head weight {name}={weight:g} is no number from 0 on; 1 is usual")
    if heads and all(weights.get(name, 1.0) == 0 for name in heads):
        raise DatasetError("all head weights are 0: there is nothing to tune; use recipe quick")
