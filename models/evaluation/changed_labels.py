"""Which labels of a head got better and worse from one model to the next, with rows to look at; for `compare`."""

from collections import Counter
from collections.abc import Sequence

from models.evaluation.answers import GivenAnswer
from models.evaluation.comparison import LabelChange

SHOWN_LABELS = 20
SHOWN_IDS = 5


def changed_labels(
    pairs: Sequence[tuple[str, GivenAnswer, GivenAnswer]], labels: Sequence[str]
) -> tuple[LabelChange, ...]:
    """The labels whose F1 changed most, the largest loss first and the largest win last.

    Args:
        pairs: row id and the answers of both models, whose truth is the same.
        labels: that both models know.
    """
    before, after = _label_f1(pairs, 1), _label_f1(pairs, 2)
    rows = Counter(label for _, _, new in pairs for label in new.truth)
    changes = {
        label: after.get(label, 0.0) - before.get(label, 0.0)
        for label in labels
        if after.get(label) != before.get(label)
    }
    most = sorted(changes, key=lambda label: (-abs(changes[label]), label))[:SHOWN_LABELS]
    return tuple(
        LabelChange(
            label=label,
            rows=rows[label],
            f1_before=before.get(label, 0.0),
            f1_after=after.get(label, 0.0),
            became_right=_ids(pairs, label, is_won=True),
            became_wrong=_ids(pairs, label, is_won=False),
        )
        for label in sorted(most, key=lambda label: (changes[label], label))
    )


def _label_f1(pairs: Sequence[tuple[str, GivenAnswer, GivenAnswer]], side: int) -> dict[str, float]:
    hits: Counter[str] = Counter()
    both: Counter[str] = Counter()
    for pair in pairs:
        truth, given = set(pair[2].truth), set((pair[1], pair[2])[side - 1].given)
        hits.update(truth & given)
        both.update(truth)
        both.update(given)
    return {label: 2 * hits[label] / count for label, count in both.items()}


def _ids(
    pairs: Sequence[tuple[str, GivenAnswer, GivenAnswer]], label: str, *, is_won: bool
) -> tuple[str, ...]:
    """Rows whose decision on this label became right (or wrong): given where true, not given elsewhere."""
    found: list[str] = []
    for row, old, new in pairs:
        is_true = label in new.truth
        was_right, is_right = (label in old.given) == is_true, (label in new.given) == is_true
        if was_right != is_right and is_right == is_won:
            found.append(row)
    return tuple(sorted(found)[:SHOWN_IDS])
