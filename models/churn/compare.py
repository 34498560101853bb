"""Compares two churn models on the calls that both kept back: answers in, a verdict in words out, to `models compare`.

Also for `models approve`. The log loss decides, because it asks for the right order and for true probabilities alike:
a paired permutation test (as in `models.evaluation.permutation`), in which the two models' losses of a call change
sides by the toss of a coin. The AUC is shown beside it with a bootstrap interval over calls. NumPy alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np

from models.churn.answers import ChurnAnswer, read_churn_answers
from models.churn.calibration import BoolArray
from models.churn.metrics import Ranking, log_losses
from models.evaluation.comparison import Change, Verdict
from models.evaluation.permutation import PERMUTATIONS
from models.evaluation.resampling import RESAMPLES, interval_of
from models.evaluation.significance import SIGNIFICANCE
from models.evaluation.verdict import LEAST_ROWS
from models.heads import Float64Array
from models.manifest import ANSWERS_NAME, read_manifest

_AT_ONCE = 250  # arrangements in memory
_ROUNDING = 1e-12


@dataclass(frozen=True)
class ChurnAnswers:
    """What one model, NAME/VERSION, foretold."""

    name: str
    rows: Sequence[ChurnAnswer] = field(repr=False)


class ChurnComparison(msgspec.Struct, frozen=True, kw_only=True):
    """Two churn models on the same calls.

    Args:
        before, after: their names; the question is whether `after` may take the place of `before`.
        calls, only_before, only_after: that both answered, or one of them.
        changes: `log_loss`, over a call's beginnings and each call weighing 1, and `roc_auc` at the end of the call;
            less of the first is better. None: there is nothing to compare.
        verdict, reasons: whether the second model is worse, and why, in words.
    """

    before: str
    after: str
    calls: int
    only_before: int
    only_after: int
    changes: dict[str, Change]
    verdict: Verdict
    reasons: tuple[str, ...]

    @property
    def is_significantly_worse(self) -> bool:
        """The second model's log loss is larger by more than chance. A comparison that cannot tell is not worse."""
        return self.verdict == "worse"


def kept_churn_answers(bundle: Path) -> ChurnAnswers:
    """What a churn bundle foretold for the calls kept back from it.

    Raises:
        BundleError: the manifest is missing or damaged.
        AnswersError: the bundle keeps no answers.
    """
    manifest = read_manifest(bundle)
    return ChurnAnswers(
        f"{manifest.name}/{manifest.version}", read_churn_answers(bundle / ANSWERS_NAME)
    )


def compare_churn(before: ChurnAnswers, after: ChurnAnswers, seed: int = 0) -> ChurnComparison:
    """Ask whether `after` is worse than `before`, on the calls that both answered and whose outcome is one.

    Args:
        before: the model in use.
        after: the one that may take its place.
        seed: of the coins and of the bootstrap.
    """
    known = {one.key: one for one in before.rows}
    pairs = [
        (known[one.key], one)
        for one in sorted(after.rows, key=lambda one: one.key)
        if one.key in known and known[one.key].churned == one.churned
    ]
    churned = np.array([new.churned for _, new in pairs], np.bool_)
    changes: dict[str, Change] = {}
    if len(pairs) >= LEAST_ROWS and 0 < churned.sum() < len(churned):
        changes = {"log_loss": _loss(pairs, seed), "roc_auc": _auc(pairs, churned, seed)}
    verdict, reason = _judge(changes, len(pairs), int(churned.sum()))
    return ChurnComparison(
        before=before.name,
        after=after.name,
        calls=len(pairs),
        only_before=len(before.rows) - len(pairs),
        only_after=len(after.rows) - len(pairs),
        changes=changes,
        verdict=verdict,
        reasons=(reason,),
    )


_Pairs = Sequence[tuple[ChurnAnswer, ChurnAnswer]]


def _loss(pairs: _Pairs, seed: int) -> Change:
    def loss(one: ChurnAnswer) -> float:
        chances = np.array(one.probabilities)
        return float(log_losses(chances, np.full(len(chances), one.churned)).mean())

    old, new = (np.array([loss(pair[side]) for pair in pairs]) for side in (0, 1))
    moved = new - old
    draw = np.random.default_rng(seed)
    seen, as_far = abs(float(moved.mean())) - _ROUNDING, 1
    for done in range(0, PERMUTATIONS, _AT_ONCE):
        signs = draw.choice((-1.0, 1.0), (min(_AT_ONCE, PERMUTATIONS - done), len(moved)))
        as_far += int((np.abs(signs @ moved) / len(moved) >= seen).sum())
    drawn = _samples(len(pairs), seed) @ moved / len(moved)
    return _change(float(old.mean()), float(new.mean()), drawn, as_far / (PERMUTATIONS + 1))


def _auc(pairs: _Pairs, churned: BoolArray, seed: int) -> Change:
    """No test of its own: `p` is the share of samples on the other side of 0, twice."""
    old, new = (
        Ranking.of(np.array([pair[side].probabilities[-1] for pair in pairs]), churned)
        for side in (0, 1)
    )
    weights, whole = _samples(len(pairs), seed), np.ones((1, len(pairs)))
    drawn = new.roc_auc(weights) - old.roc_auc(weights)
    drawn = drawn[np.isfinite(drawn)]
    above, below = float((drawn >= 0).mean()), float((drawn <= 0).mean())
    return _change(
        float(old.roc_auc(whole)[0]),
        float(new.roc_auc(whole)[0]),
        drawn,
        min(1.0, 2 * min(above, below)),
    )


def _samples(calls: int, seed: int) -> Float64Array:
    """How often each call is drawn, float64 [R, N]."""
    draw = np.random.default_rng(seed)
    return draw.multinomial(calls, np.full(calls, 1 / calls), RESAMPLES).astype(np.float64)


def _change(before: float, after: float, drawn: Float64Array, p: float) -> Change:
    interval = interval_of(drawn)
    return Change(
        before=before,
        after=after,
        difference=after - before,
        low=interval.low,
        high=interval.high,
        p=p,
    )


def _judge(changes: dict[str, Change], calls: int, left: int) -> tuple[Verdict, str]:
    if not changes:
        return "cannot tell", (
            f"churn: cannot tell, only {calls} calls were kept back by both, of which {left} left; {LEAST_ROWS} with "
            "both outcomes are needed: train both on the same files"
        )
    loss, auc = changes["log_loss"], changes["roc_auc"]
    verdict: Verdict = "no difference"
    if loss.p < SIGNIFICANCE:
        verdict = "worse" if loss.difference > 0 else "better"
    said = (
        "no difference beyond chance" if verdict == "no difference" else f"significantly {verdict}"
    )
    chance = "p < 0.001" if loss.p < 0.001 else f"p = {loss.p:.3f}"
    return verdict, (
        f"churn: {said} on {calls} calls: log loss {loss.before:.4f} → {loss.after:.4f} ({loss.difference:+.4f}, "
        f"{chance}); ROC AUC at the end {auc.before:.3f} → {auc.after:.3f} (95 % interval of the difference "
        f"{auc.low:+.3f} to {auc.high:+.3f})"
    )
