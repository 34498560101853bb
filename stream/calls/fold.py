"""A window's fragments with their embeddings in, a score for each out; what becomes of their calls is staged.

Windows fold one after the other, each when the one before is in Kafka (its states merged, or dropped), in the order of
their offsets. Every fragment has its own score; the churn model runs once for the whole window. Of the same fragments
in any order, repeated or not, cut into any windows, the same states come out. Pure: knows neither Kafka nor a device.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from models.bundle import Bundle
from models.churn.vectors import CallSums, Features
from stream.calls.choice import ChurnModels, churn_of
from stream.calls.steps import CallItem, Step, steps_of
from stream.calls.table import CallTable
from stream.errors import PoisonRecordError
from stream.records import ChurnScore, ModelRef, from_kafka_ms

# Unlike one whose words cannot be embedded, such a fragment is counted.
NO_PROBABILITY = "no-probability"


class Profiles(Protocol):
    """What is known of customers."""

    def get_many(self, customers: Sequence[tuple[str, str]]) -> Sequence[Features | None]:
        """The features of each (tenant, customer_id) in their order, all of one moment; None: unknown."""
        ...


def rows_needed(
    items: Sequence[CallItem], table: CallTable, models: ChurnModels
) -> list[tuple[CallItem, Bundle]]:
    """The items whose row must be made (again), and the bundle whose encoder and projection make it.

    Ask before a window is computed, and again before it is folded: a call may have begun meanwhile, in the window
    before, with a bundle that is live no more; as a rule the second answer is empty. Changes nothing.
    """
    steps = steps_of(items, table, models)[0]
    return [
        (step.item, step.call.bundle)
        for step in steps
        if step.call is not None and step.is_heard and step.item.row_key != step.call.sums_key
    ]


def fold_window(
    items: Sequence[CallItem],
    table: CallTable,
    models: ChurnModels,
    profiles: Profiles,
    now_ms: int,
) -> list[ChurnScore | PoisonRecordError]:
    """Score the fragments of a window and stage the states of their calls.

    Args:
        items: in the order of their offsets within each partition, `rows_needed` fulfilled; without those that
            cannot be read or whose words cannot be computed.
        table: holds the partitions of all items; nothing is staged in it.
        models: who scores whom, the same for the whole window.
        profiles: asked once.
        now_ms: becomes `scored_at`.

    Returns:
        One for each item, in order. An error where no churn model is live or the call has too many gaps (nothing of
        the fragment is kept, a replay counts it), or where the model gives no number (its words are counted, a replay
        is a duplicate).

    Raises:
        InferenceError: the model's run failed; nothing is staged.
    """
    steps, calls = steps_of(items, table, models)
    known = _known(steps, profiles)
    sums = [_listen(step) for step in steps]
    found = _probabilities(steps, sums, known)
    scored_at = from_kafka_ms(now_ms)
    results = [
        step.error or _result(step, own, scored_at) for step, own in zip(steps, found, strict=True)
    ]
    for (partition, _), (call, fragment) in calls.items():
        if call.is_changed:
            state = call.state(fragment.tenant, fragment.call_id)
            table.stage(partition, call.key, state)
    return results


def _listen(step: Step) -> CallSums | None:
    """Add the words to the call, and give its sums after this fragment."""
    call, fragment, row = step.call, step.item.fragment, step.item.row
    if call is None:
        return None
    if not step.is_heard:
        return call.sums()
    assert row is not None and step.item.row_key == call.sums_key, (  # noqa: PT018  # one fact
        f"{step.item.source} has no row of {call.bundle.name}/{call.bundle.version}: this is a bug, see rows_needed"
    )
    if fragment.partial:
        return call.sums_with(fragment, row)
    call.hear(fragment, row)
    return call.sums()


def _known(steps: Sequence[Step], profiles: Profiles) -> list[Features | None]:
    """The profile of each step's customer."""
    wanted = [
        (step.item.fragment.tenant, step.customer_id) if step.customer_id is not None else None
        for step in steps
    ]
    names = list(dict.fromkeys(name for name in wanted if name is not None))
    found = dict(zip(names, profiles.get_many(names), strict=True)) if names else {}
    return [None if name is None else found[name] for name in wanted]


@dataclass(slots=True)
class _Found:
    """What the model says: after a fragment, and for a first one of the profile alone."""

    profile_known: bool
    after: float = math.nan
    before: float = 0.0


def _probabilities(
    steps: Sequence[Step], sums: Sequence[CallSums | None], known: Sequence[Features | None]
) -> list[_Found]:
    """One run per bundle over all its rows."""
    found = [_Found(profile is not None) for profile in known]
    rows: dict[int, list[tuple[Features | None, CallSums]]] = {}
    places: dict[int, list[tuple[_Found, bool]]] = {}
    bundles: dict[int, Bundle] = {}
    for step, after, profile, own in zip(steps, sums, known, found, strict=True):
        if step.call is None or after is None:
            continue
        number = id(step.call.bundle)
        bundles[number] = step.call.bundle
        rows.setdefault(number, []).append((profile, after))
        places.setdefault(number, []).append((own, False))
        if step.is_first:
            rows[number].append((profile, CallSums.empty(step.call.size)))
            places[number].append((own, True))
    for number, bundle in bundles.items():
        model = churn_of(bundle)
        values = model.probabilities(model.space.vectors(rows[number])).tolist()
        for (own, is_before), value in zip(places[number], values, strict=True):
            if is_before:
                own.before = value
            else:
                own.after = value
    return found


def _result(step: Step, found: _Found, scored_at: datetime) -> ChurnScore | PoisonRecordError:
    """The score; the call's last probability moves on with every fragment that counts."""
    fragment, call = step.item.fragment, step.call
    assert call is not None, "a step without a call has an error: this is a bug"
    previous = call.probability
    moved = found.after - (found.before if previous is None else previous)
    if not math.isfinite(moved):
        return _no_number(call.bundle)
    if not (fragment.partial or step.is_duplicate):
        call.probability = found.after
    return ChurnScore(
        call_id=fragment.call_id,
        customer_id=step.customer_id,
        tenant=fragment.tenant,
        seq=fragment.seq,
        probability=found.after,
        previous=previous,
        contribution=0.0 if step.is_duplicate else moved,
        profile_known=found.profile_known,
        fragments=step.fragments,
        partial=fragment.partial,
        duplicate=step.is_duplicate,
        final=step.is_final,
        model=ModelRef(name=call.bundle.name, version=call.bundle.version),
        scored_at=scored_at,
        source=step.item.source,
    )


def _no_number(bundle: Bundle) -> PoisonRecordError:
    return PoisonRecordError(
        "infer",
        NO_PROBABILITY,
        f"{bundle.name}/{bundle.version} gave no finite probability; look at the numbers of the customer's profile",
    )
