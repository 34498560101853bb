"""What a comparison of two models says: per head, per label, in words. Filled by `models.evaluation.compare`."""

from typing import Literal

import msgspec

from models.labels import HeadKind

Verdict = Literal["worse", "better", "no difference", "cannot tell"]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of both models.

    Args:
        before, after: of the first and of the second model.
        difference: after less before.
        low, high: 95 % bootstrap interval of the difference, rows drawn in pairs. Labels with one row add no width, so
            of macro F1 it may leave out 0 where `p` sees nothing beyond chance: `p` decides.
        p: of no difference; accuracy: McNemar; F1: paired permutation test.
        adjusted_p: by Holm over the questions of all heads; None where the figure is shown and not tested.
    """

    before: float
    after: float
    difference: float
    low: float
    high: float
    p: float
    adjusted_p: float | None = None


class LabelChange(msgspec.Struct, frozen=True, kw_only=True):
    """One label: rows where it is true, its F1 in both models, ids of rows that became right and wrong."""

    label: str
    rows: int
    f1_before: float
    f1_after: float
    became_right: tuple[str, ...]
    became_wrong: tuple[str, ...]


class HeadComparison(msgspec.Struct, frozen=True, kw_only=True):
    """One head on rows that both models answered, over the labels that both know.

    Args:
        rows: compared.
        both_right, only_before, only_after, both_wrong: how many of them each model gets right.
        changes: `accuracy`, `macro_f1`, `micro_f1`.
        verdict, reason: whether the second model is worse or better, and why, in words.
        labels: those that changed most, losses first.
        new_labels, removed_labels: label that only the second or only the first model knows -> rows where it is the
            truth that this model was measured by.
        apart_rows: not compared, because their truth is such a label (multi-class).
        relabelled_rows: not compared, because their label changed: their truth differs between the two.
        relabelled: ids of some of them.
    """

    name: str
    kind: HeadKind
    rows: int
    both_right: int
    only_before: int
    only_after: int
    both_wrong: int
    changes: dict[str, Change]
    verdict: Verdict
    reason: str
    labels: tuple[LabelChange, ...]
    new_labels: dict[str, int]
    removed_labels: dict[str, int]
    apart_rows: int
    relabelled_rows: int
    relabelled: tuple[str, ...] = ()


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Two models on the same rows.

    Args:
        before, after: their names; the question is whether `after` may take the place of `before`.
        rows: that both answered.
        rows_only_before, rows_only_after: answered by one of them, and left out.
        heads: that both have and some row answers.
        lost_heads, new_heads: that only the first or only the second one has.
        reasons: one sentence per head that is worse, lost, or cannot be told.
    """

    before: str
    after: str
    rows: int
    rows_only_before: int
    rows_only_after: int
    heads: tuple[HeadComparison, ...]
    lost_heads: tuple[str, ...]
    new_heads: tuple[str, ...]
    reasons: tuple[str, ...]

    @property
    def is_significantly_worse(self) -> bool:
        """Some head of the second model is worse by more than chance. A comparison that cannot tell is not worse."""
        return any(head.verdict == "worse" for head in self.heads)
