"""Compares two models on the rows that both answered: kept answers in, a verdict in words out, to `models compare`.

Also for `models approve`. Knows answers, not the models that gave them.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from models.evaluation.answers import AnswerRow, GivenAnswer, read_answers
from models.evaluation.changed_labels import SHOWN_IDS, changed_labels
from models.evaluation.comparison import Change, Comparison, HeadComparison
from models.evaluation.permutation import permutation_p
from models.evaluation.resampling import METRICS, interval_of, resample, sample_of, score
from models.evaluation.significance import mcnemar
from models.evaluation.verdict import judge
from models.manifest import ANSWERS_NAME, read_manifest

Pair = tuple[str, GivenAnswer, GivenAnswer]
Renamed = Mapping[str, Mapping[str, str | None]]


@dataclass(frozen=True)
class ModelAnswers:
    """What one model answered.

    Args:
        name: NAME/VERSION, for the words.
        labels: head -> the labels that the model knows.
        rows: its answers.
    """

    name: str
    labels: Mapping[str, frozenset[str]]
    rows: Sequence[AnswerRow] = field(repr=False)


def kept_answers(bundle: Path) -> ModelAnswers:
    """What a bundle answered to the rows kept back from it.

    Raises:
        BundleError: the manifest is missing or damaged.
        AnswersError: the bundle keeps no answers.
    """
    manifest = read_manifest(bundle)
    return ModelAnswers(
        f"{manifest.name}/{manifest.version}",
        {head.name: frozenset(head.labels) for head in manifest.heads},
        read_answers(bundle / ANSWERS_NAME),
    )


def compare_answer_rows(
    before: ModelAnswers, after: ModelAnswers, renamed: Renamed | None = None, seed: int = 0
) -> Comparison:
    """Ask whether `after` is worse than `before`, on the rows that both answered.

    A multi-class head is asked for accuracy (McNemar), a multi-label one for micro F1, both for macro F1 too, so that
    rare labels are not given away for frequent ones (paired permutation tests, which keep their level where labels have
    one row). All these questions share one level of 5 % (Holm). Rows are joined by the key of their text; a text that
    occurs several times is paired in the order of ids.

    Args:
        before: the model in use.
        after: the one that may take its place.
        renamed: head -> old label -> new label (None: removed), as training was told; the answers of `before` are read
            with the new names, so that a renamed or merged label is no new one.
        seed: of the bootstrap and of the permutations.

    Returns:
        A verdict per head; fewer than 30 joined rows are neither worse nor better: nobody can tell.
    """
    before = _with_new_names(before, renamed or {})
    pairs = _join(before.rows, after.rows)
    shared = sorted(before.labels.keys() & after.labels.keys())
    found = [
        _compare_head(name, pairs, before.labels[name], after.labels[name], seed) for name in shared
    ]
    heads = judge([head for head in found if head is not None])
    lost = tuple(sorted(before.labels.keys() - after.labels.keys()))
    silent = tuple(name for name, head in zip(shared, found, strict=True) if head is None)
    return Comparison(
        before=before.name,
        after=after.name,
        rows=len(pairs),
        rows_only_before=len(before.rows) - len(pairs),
        rows_only_after=len(after.rows) - len(pairs),
        heads=heads,
        lost_heads=lost,
        new_heads=tuple(sorted(after.labels.keys() - before.labels.keys())),
        reasons=(
            *(head.reason for head in heads if head.verdict in {"worse", "cannot tell"}),
            *(f"{name}: cannot tell, no row that both answered says its truth" for name in silent),
            *(f"{name}: {after.name} does not have this head" for name in lost),
        ),
    )


def _with_new_names(model: ModelAnswers, renamed: Renamed) -> ModelAnswers:
    def fold(head: str, labels: Sequence[str]) -> tuple[str, ...]:
        changes = renamed.get(head, {})
        new = (changes.get(label, label) for label in labels)
        return tuple(dict.fromkeys(label for label in new if label is not None))

    def fold_row(row: AnswerRow) -> AnswerRow:
        heads = {
            name: msgspec.structs.replace(
                one, truth=fold(name, one.truth), given=fold(name, one.given)
            )
            for name, one in row.heads.items()
        }
        return msgspec.structs.replace(row, heads=heads)

    if not renamed:
        return model
    labels = {name: frozenset(fold(name, sorted(known))) for name, known in model.labels.items()}
    return ModelAnswers(model.name, labels, [fold_row(row) for row in model.rows])


def _join(
    before: Sequence[AnswerRow], after: Sequence[AnswerRow]
) -> list[tuple[AnswerRow, AnswerRow]]:
    waiting: defaultdict[str, list[AnswerRow]] = defaultdict(list)
    for row in sorted(after, key=lambda row: row.id, reverse=True):
        waiting[row.key].append(row)
    ordered = sorted(before, key=lambda row: (row.key, row.id))
    return [(row, waiting[row.key].pop()) for row in ordered if waiting[row.key]]


def _compare_head(
    name: str,
    rows: Sequence[tuple[AnswerRow, AnswerRow]],
    known_before: frozenset[str],
    known_after: frozenset[str],
    seed: int,
) -> HeadComparison | None:
    """One head without a verdict; None: no row says its truth."""
    every = [
        (b.id, a.heads[name], b.heads[name]) for a, b in rows if name in a.heads and name in b.heads
    ]
    if not every:
        return None
    kind = every[0][2].kind
    shared = known_before & known_after
    same = [pair for pair in every if _has_one_truth(pair[1], pair[2])]
    pairs = [pair for pair in same if kind == "multilabel" or shared.issuperset(pair[2].truth)]
    if kind == "multilabel":
        pairs = [(row, _only(old, shared), _only(new, shared)) for row, old, new in pairs]
    right = Counter((old.is_right, new.is_right) for _, old, new in pairs)
    relabelled = sorted(row for row, old, new in every if not _has_one_truth(old, new))
    gone = Counter(label for _, old, _ in every for label in old.truth)
    come = Counter(label for _, _, new in every for label in new.truth)
    return HeadComparison(
        name=name,
        kind=kind,
        rows=len(pairs),
        both_right=right[True, True],
        only_before=right[True, False],
        only_after=right[False, True],
        both_wrong=right[False, False],
        changes=_changes(pairs, sorted(shared), seed) if pairs else {},
        verdict="cannot tell",
        reason="",
        labels=changed_labels(pairs, sorted(shared)),
        new_labels={label: come[label] for label in sorted(known_after - known_before)},
        removed_labels={label: gone[label] for label in sorted(known_before - known_after)},
        apart_rows=len(same) - len(pairs),
        relabelled_rows=len(relabelled),
        relabelled=tuple(relabelled[:SHOWN_IDS]),
    )


def _has_one_truth(old: GivenAnswer, new: GivenAnswer) -> bool:
    """Both were measured against the same labels; a multi-class row whose label was removed has none left."""
    return set(old.truth) == set(new.truth) and (bool(new.truth) or new.kind == "multilabel")


def _only(answer: GivenAnswer, labels: frozenset[str]) -> GivenAnswer:
    return msgspec.structs.replace(
        answer,
        truth=tuple(label for label in answer.truth if label in labels),
        given=tuple(label for label in answer.given if label in labels),
    )


def _changes(pairs: Sequence[Pair], labels: Sequence[str], seed: int) -> dict[str, Change]:
    truth = [new.truth for _, _, new in pairs]
    old, new = [one.given for _, one, _ in pairs], [one.given for _, _, one in pairs]
    sample = sample_of(truth, [old, new], labels)
    observed, drawn = score(sample), resample(sample, seed)
    chances = permutation_p(truth, [old], [new], labels, seed)
    changes: dict[str, Change] = {}
    for place, metric in enumerate(METRICS):
        interval = interval_of(drawn[1, place] - drawn[0, place])
        changes[metric] = Change(
            before=float(observed[0, place]),
            after=float(observed[1, place]),
            difference=float(observed[1, place] - observed[0, place]),
            low=interval.low,
            high=interval.high,
            p=float(chances[place]),
        )
    lost = sum(one.is_right and not other.is_right for _, one, other in pairs)
    won = sum(other.is_right and not one.is_right for _, one, other in pairs)
    accuracy = msgspec.structs.replace(changes["accuracy"], p=mcnemar(lost, won))
    return {**changes, "accuracy": accuracy}
