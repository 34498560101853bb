"""A window's fragments in, the steps of its fold out: which call and bundle each belongs to, seen before or not, ended.

Everything but words and probabilities, so that it can be asked before a word is computed. Changes no table.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from models.churn.sums import Int64Array
from stream.calls.choice import ChurnModels, choose
from stream.calls.intervals import MOST_INTERVALS
from stream.calls.state import state_key
from stream.calls.table import CallTable
from stream.calls.unfolded import Unfolded
from stream.errors import PoisonRecordError
from stream.records import CallFragment, Source

Calls = dict[tuple[int, bytes], tuple[Unfolded, CallFragment]]


@dataclass(slots=True, eq=False)
class CallItem:
    """One fragment of a window.

    Args:
        source: where it came from; its partition is that of the call's state.
        fragment: checked.
        appended_ms: when Kafka took it.
        row: what it says in fixed point, int64 [D], as the bundle of `rows_needed` projects it; None: not yet known,
            or nothing is said.
        row_key: `sums_key` of that bundle.
    """

    source: Source
    fragment: CallFragment
    appended_ms: int
    row: Int64Array | None = None
    row_key: str = ""


@dataclass(slots=True, eq=False)
class Step:
    """A fragment with its call, as the fold comes by. `call` None: it is not scored, `error` says why."""

    item: CallItem
    call: Unfolded | None
    error: PoisonRecordError | None = None
    customer_id: str | None = None
    is_duplicate: bool = False
    is_first: bool = False
    is_final: bool = False
    fragments: int = 0

    @property
    def is_heard(self) -> bool:
        """Its words count: in the call, or, of a partial one, in its own score."""
        says = bool(self.item.fragment.text and not self.item.fragment.text.isspace())
        return says and not self.is_duplicate and self.call is not None and self.call.sums_key != ""


def steps_of(
    items: Iterable[CallItem], table: CallTable, models: ChurnModels
) -> tuple[list[Step], Calls]:
    """Everything but the words: which call and bundle, seen before or not, whose, ended or not."""
    steps: list[Step] = []
    calls: Calls = {}
    for item in items:
        fragment = item.fragment
        call = _call_of(item, calls, table, models)
        step = Step(item, call)
        steps.append(step)
        if call is None:
            step.error = _no_model(fragment)
            continue
        step.is_duplicate = fragment.seq in call.seen
        step.is_first = not call.seen.count
        if not (fragment.partial or step.is_duplicate):
            if not call.seen.has_room_for(fragment.seq):
                step.call, step.error = None, _too_many_gaps()
                continue
            call.note(fragment, item.appended_ms)
        step.customer_id = call.customer_id if step.is_duplicate else call.customer_with(fragment)
        step.is_final = call.life is not None and call.life.ended is not None
        step.fragments = call.seen.count
    return steps, calls


def _call_of(
    item: CallItem, calls: Calls, table: CallTable, models: ChurnModels
) -> Unfolded | None:
    fragment, partition = item.fragment, item.source.partition
    key = state_key(fragment.tenant, fragment.call_id)
    known = calls.get((partition, key))
    if known is not None and known[0].is_remembered(item.appended_ms, table.ages):
        return known[0]
    state = None if known is not None else table.find(partition, key)
    if state is not None and table.ages.at(state.life, item.appended_ms) is None:
        state = None
    choice = choose(state, fragment.tenant, models)
    if choice is None:
        return None
    call = Unfolded(key, state, choice)
    call.is_remembered(item.appended_ms, table.ages)
    calls[partition, key] = call, fragment
    return call


def _no_model(fragment: CallFragment) -> PoisonRecordError:
    return PoisonRecordError(
        "infer",
        "no-churn-model",
        f"no churn model is live for tenant {fragment.tenant!r}; train one (switchboard train-churn), "
        "approve it (switchboard models approve), then send this again (switchboard dead-letters replay)",
    )


def _too_many_gaps() -> PoisonRecordError:
    return PoisonRecordError(
        "validate",
        "too-many-gaps",
        f"{MOST_INTERVALS:,} runs of seq with gaps between them are remembered of a call, and this one would begin "
        "another; number its fragments 0, 1, 2, …, send the missing ones, then this again (switchboard dead-letters "
        "replay)",
    )
