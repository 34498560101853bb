"""Turns the tests of all heads into verdicts with reasons in words; for `models.evaluation.compare`."""

from collections.abc import Sequence

import msgspec

from models.evaluation.comparison import Change, HeadComparison, Verdict
from models.evaluation.significance import SIGNIFICANCE, holm

# Of fewer rows too few can differ to prove anything either way. With one head, its two questions sharing 5 %, McNemar
# needs six rows lost and none won (five if it were asked alone), and with each doubling of the heads one more.
LEAST_ROWS = 30
_WORDS = {"accuracy": "accuracy", "macro_f1": "macro F1", "micro_f1": "micro F1"}


def tested(head: HeadComparison) -> tuple[str, str]:
    """The figures that decide: the head's own one, and macro F1, where rare labels count like frequent ones."""
    return ("accuracy" if head.kind == "multiclass" else "micro_f1", "macro_f1")


def judge(heads: Sequence[HeadComparison]) -> tuple[HeadComparison, ...]:
    """Give every head its verdict; the questions of all heads share one level of 5 % (Holm)."""
    asked = [
        (head.name, metric) for head in heads if head.rows >= LEAST_ROWS for metric in tested(head)
    ]
    changes = {head.name: head.changes for head in heads}
    adjusted = holm([changes[name][metric].p for name, metric in asked])
    answers = dict(zip(asked, adjusted, strict=True))
    return tuple(_judge_head(head, answers) for head in heads)


def _judge_head(head: HeadComparison, adjusted: dict[tuple[str, str], float]) -> HeadComparison:
    count = head.relabelled_rows
    left_out = f" ({count} rows whose label changed are left out)" if count else ""
    if head.rows < LEAST_ROWS:
        reason = (
            f"{head.name}: cannot tell, only {head.rows} rows were answered by both with labels that both know"
            f"{left_out}; {LEAST_ROWS} are needed: name more rows (--data FILE)"
        )
        return msgspec.structs.replace(head, verdict="cannot tell", reason=reason)
    changes = {
        metric: msgspec.structs.replace(change, adjusted_p=adjusted.get((head.name, metric)))
        for metric, change in head.changes.items()
    }
    sure = [metric for metric in tested(head) if adjusted[head.name, metric] < SIGNIFICANCE]
    worse = [metric for metric in sure if changes[metric].difference < 0]
    better = [metric for metric in sure if changes[metric].difference > 0]
    verdict: Verdict = "worse" if worse else "better" if better else "no difference"
    shown = worse or better or tested(head)[:1]
    words = "; ".join(
        _words(metric, changes[metric], adjusted[head.name, metric]) for metric in shown
    )
    said = (
        "no difference beyond chance" if verdict == "no difference" else f"significantly {verdict}"
    )
    if head.kind == "multiclass":
        words += f"; {head.only_before} rows became wrong, {head.only_after} became right"
    reason = f"{head.name}: {said} on {head.rows} rows{left_out}: {words}"
    return msgspec.structs.replace(head, changes=changes, verdict=verdict, reason=reason)


def _words(metric: str, change: Change, adjusted: float) -> str:
    chance = "p < 0.001" if adjusted < 0.001 else f"p = {adjusted:.3f}"
    return (
        f"{_WORDS[metric]} {change.before:.3f} → {change.after:.3f} "
        f"({change.difference:+.3f}, 95 % interval {change.low:+.3f} to {change.high:+.3f}, {chance} by Holm)"
    )
