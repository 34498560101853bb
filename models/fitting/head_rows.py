"""Sorts rows by the head they answer: rows and their features in, one `HeadRows` per head out, for `fit`.

Also says what cannot be learned and why. Knows splits and label sets, not how a head is fitted. Needs the extra
`heads`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from models.fitting.candidates import HeadRows, IntArray
from models.fitting.logistic import Features
from models.heads import Float32Array
from models.labels import HeadSpec, TrainingRow
from models.ngrams import NgramVocabulary, stack_rows
from models.rows.checks import frequent_labels
from models.rows.dataset import answer_of, find_heads
from models.rows.split import cut_folds
from models.schemas import BoolArray, SchemaMasks, Schemas

# Below it every row serves for choosing in turn (4 fits instead of 1); above, one part in five is enough.
CROSS_VALIDATED_ROWS = 3000
FOLDS = 4
PARTS = 5
LEAST_CHECKED_ROWS = 10


@dataclass(frozen=True)
class LabelledRows:
    """Rows with their features, all in one order: first those to learn from, then those of a validation file.

    Args:
        rows: the rows.
        features: embeddings and n-grams of them.
        learn_count: how many of them are to learn from; the rest, if any, is for choosing.
        min_label_rows: a label of a multi-label head with fewer rows is left out.
        choose: places among those to learn from that are chosen on, once; None: rows take turns.
        schemas: tenant -> head -> labels, as serving will apply them.
        groups: of the rows to learn from, as `models.rows.split.cut_folds` takes them; None: found anew for every head.
        out_of_scope_label: of heads that have it: never given, and allowed to every row.
    """

    rows: Sequence[TrainingRow]
    features: Features
    learn_count: int
    min_label_rows: int
    choose: IntArray | None = None
    groups: Sequence[int] | None = None
    schemas: Schemas = field(default_factory=dict[str, Mapping[str, Sequence[str]]])
    out_of_scope_label: str | None = None


@dataclass(frozen=True)
class LearnableHead:
    """A head that can be fitted, how many rows it learns from, and the labels that are too rare for it."""

    rows: HeadRows
    learn_rows: int
    rare_labels: tuple[str, ...]


def ngram_matrix(vocabulary: NgramVocabulary, texts: Sequence[str]) -> sparse.csr_matrix:
    """The texts' n-grams as float32 CSR [N, V]."""
    weights, places, starts = stack_rows([vocabulary.row(text) for text in texts])
    return sparse.csr_matrix((weights, places, starts), shape=(len(texts), len(vocabulary)))


def sort_by_head(labelled: LabelledRows) -> tuple[list[LearnableHead], dict[str, str]]:
    """The heads that can be fitted, and for the others (by name) why not."""
    learnable: list[LearnableHead] = []
    refused: dict[str, str] = {}
    for name, spec in find_heads(labelled.rows[: labelled.learn_count]).items():
        if isinstance(spec, str):
            refused[name] = spec
            continue
        head = _sort_one(labelled, spec)
        if isinstance(head, str):
            refused[name] = head
        else:
            learnable.append(head)
    return learnable, refused


def _sort_one(labelled: LabelledRows, spec: HeadSpec) -> LearnableHead | str:
    answers = [answer_of(row, spec.name) for row in labelled.rows]
    learn = [place for place in range(labelled.learn_count) if answers[place] is not None]
    kept = frequent_labels(
        spec,
        labelled.rows[: labelled.learn_count],
        labelled.min_label_rows,
        labelled.out_of_scope_label,
    )
    if isinstance(kept, str):
        return kept
    rare = tuple(label for label in spec.labels if label not in set(kept))
    spec = HeadSpec(spec.name, spec.kind, kept)
    check = [
        place
        for place in range(labelled.learn_count, len(answers))
        if _is_comparable(answers[place], spec)
    ]
    rows = HeadRows(
        spec,
        labelled.features,
        _targets(answers, spec),
        _places(learn),
        _trials(labelled, learn, check),
        _allowed(labelled, spec),
    )
    return LearnableHead(rows, len(learn), rare)


def _allowed(labelled: LabelledRows, spec: HeadSpec) -> BoolArray | None:
    """What each row may get, as `models.heads.Head.chances` has it; a label that is too rare is nobody's."""
    known = set(spec.labels)
    own = {
        tenant: {spec.name: [label for label in heads.get(spec.name, ()) if label in known]}
        for tenant, heads in labelled.schemas.items()
    }
    masks = SchemaMasks(own, [spec]).of([row.tenant or "" for row in labelled.rows])
    if masks is None:
        return None
    allowed = masks[0]
    if labelled.out_of_scope_label in known:
        allowed[:, spec.labels.index(labelled.out_of_scope_label)] = True
    return allowed


def _is_comparable(answer: tuple[str, ...] | None, spec: HeadSpec) -> bool:
    """A validation row with an unknown label, or not one label of many, has no right answer to choose by."""
    if answer is None or spec.kind == "multilabel":
        return answer is not None
    return len(answer) == 1 and answer[0] in spec.labels


def _targets(answers: Sequence[tuple[str, ...] | None], spec: HeadSpec) -> Float32Array:
    places = {label: place for place, label in enumerate(spec.labels)}
    targets = np.zeros((len(answers), len(spec.labels)), np.float32)
    for row, answer in enumerate(answers):
        for label in answer or ():
            if label in places:
                targets[row, places[label]] = 1.0
    return targets


def _trials(
    labelled: LabelledRows, learn: Sequence[int], check: Sequence[int]
) -> list[tuple[IntArray, IntArray]]:
    """Which rows to fit on and which to choose on; none when too few rows could be kept back."""
    if len(labelled.rows) > labelled.learn_count:
        return [(_places(learn), _places(check))] if len(check) >= LEAST_CHECKED_ROWS else []
    if labelled.choose is not None:
        kept = set(labelled.choose.tolist())
        part = [place for place in learn if place in kept]
        rest = [place for place in learn if place not in kept]
        is_enough = len(part) >= LEAST_CHECKED_ROWS and rest
        return [(_places(rest), _places(part))] if is_enough else []
    few = len(learn) < CROSS_VALIDATED_ROWS
    groups = None if labelled.groups is None else [labelled.groups[place] for place in learn]
    folds = cut_folds([labelled.rows[place] for place in learn], FOLDS if few else PARTS, groups)
    parts = [[learn[place] for place in fold] for fold in folds][: None if few else 1]
    if len(folds) < 2 or sum(map(len, parts)) < LEAST_CHECKED_ROWS:
        return []
    trials: list[tuple[IntArray, IntArray]] = []
    for part in parts:
        kept = set(part)
        trials.append((_places([x for x in learn if x not in kept]), _places(part)))
    return trials


def _places(places: Sequence[int]) -> IntArray:
    return np.array(places, np.int64)
