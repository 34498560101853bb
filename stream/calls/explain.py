"""A call as it stands in, what its probability rests on out: which features and words it would move without.

By occlusion (Zeiler and Fergus 2014, "Visualizing and understanding convolutional networks", section 4.2): one part is
taken away, the rest stays, and the model, whichever kind it is, is asked again. A feature is taken away by being
unknown, a side of the call by having said nothing, the profile by nobody knowing the customer. Effects do not add up:
of two features that say the same, neither is missed alone. What a fragment added is in its score (`contribution`).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from models.churn.model import ChurnModel
from models.churn.sums import Int64Array, unpack
from models.churn.vectors import CallSums, Features
from stream.calls.state import CallState, Side


@dataclass(frozen=True)
class Effect:
    """How much the probability is higher for one part, in -1…1.

    Args:
        name: of a feature, or `profile`, `customer`, `agent`.
        value: of a feature.
        change: the probability with it less the probability without it.
    """

    name: str
    value: float | str | None
    change: float


@dataclass(frozen=True)
class Explanation:
    """Effects, the strongest first.

    Args:
        probability: of all that is known.
        features: those of the profile that are known.
        parts: the sides that said something, and the profile as a whole.
    """

    probability: float
    features: tuple[Effect, ...]
    parts: tuple[Effect, ...]


def sums_of(state: CallState) -> CallSums:
    """What was said in a call, as the model reads it."""
    customer, agent = state.customer, state.agent
    return CallSums(
        _total(customer, state.size), _total(agent, state.size), customer.fragments, agent.fragments
    )


def _total(side: Side, size: int) -> Int64Array:
    return unpack(side.total, size) if side.total else CallSums.empty(size).customer


def explain(model: ChurnModel, features: Features | None, sums: CallSums) -> Explanation:
    """Ask the model once for each part.

    Args:
        model: any.
        features: of the customer's profile; None: unknown.
        sums: of the call.

    Raises:
        InferenceError: the model's run failed.
    """
    space = model.space
    known: Features = {} if features is None else features
    names = [
        name
        for name in (*space.numerical, *sorted(space.categorical))
        if known.get(name) is not None
    ]
    rows: list[tuple[Features | None, CallSums]] = [(features, sums)]
    rows += [({**known, name: None}, sums) for name in names]
    parts = [side for side in space.textual if sums.of(side)[1]]
    rows += [(features, _silenced(sums, side)) for side in parts]
    if names:
        parts.append("profile")
        rows.append((None, sums))
    with_all, *without = model.probabilities(space.vectors(rows)).tolist()
    changes = [with_all - one for one in without]
    return Explanation(
        with_all,
        _ranked(
            Effect(name, known[name], change)
            for name, change in zip(names, changes[: len(names)], strict=True)
        ),
        _ranked(
            Effect(name, None, change)
            for name, change in zip(parts, changes[len(names) :], strict=True)
        ),
    )


def _silenced(sums: CallSums, side: str) -> CallSums:
    empty = CallSums.empty(len(sums.customer))
    if side == "customer":
        return CallSums(empty.customer, sums.agent, 0, sums.agent_count)
    return CallSums(sums.customer, empty.agent, sums.customer_count, 0)


def _ranked(effects: Iterable[Effect]) -> tuple[Effect, ...]:
    return tuple(sorted(effects, key=lambda effect: -abs(effect.change)))
