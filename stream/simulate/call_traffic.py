"""Live calls of the built-in world as records: profile, fragments as a transcription service sends them, outcome.

In small shares what happens to such streams: partial segments, duplicates, late fragments, calls that fail or never
end, callers without a profile, profiles of wrong types, a contract that is new. Knows nothing of Kafka's client.
"""

from collections.abc import Iterator
from dataclasses import replace
from random import Random

import msgspec

from stream.records import CallFragment, Record, encode
from stream.simulate.call_files import outcome_of, profile_of
from stream.simulate.calls import Case, cases
from stream.simulate.customers import NEW_CONTRACT
from stream.simulate.grammar import chance
from stream.simulate.outgoing import OutgoingRecord
from stream.topics import CALL_TRANSCRIPTS, CASE_OUTCOMES, CUSTOMER_PROFILES

_PARTIAL, _DUPLICATE, _LATE = 0.12, 0.02, 0.03  # of segments
_FAILED, _ENDLESS = 0.02, 0.01  # of calls
_UNKNOWN, _NAMELESS, _BAD_PROFILE, _NEW_CONTRACT = 0.06, 0.01, 0.03, 0.03
_END_S, _OUTCOME_S = 2.0, 5.0


def live_calls(seed: int = 1) -> Iterator[list[OutgoingRecord]]:
    """Calls without end, the records of each in the order of sending; `after_s` counts from its first."""
    for number, drawn in enumerate(cases(seed, "live")):
        rng = chance(seed, "traffic of calls", number)
        call = _with_new_contract(drawn) if rng.random() < _NEW_CONTRACT else drawn
        yield [*_profile_records(call, rng), *_call_records(call, rng)]


def records_of(case: Case) -> list[OutgoingRecord]:
    """A call as it should be: its profile, every fragment once and in order, its end."""
    customer = case.customer_id
    return [_profile_record(case), *_spoken(case, customer), _end(case, customer, "completed")]


def _with_new_contract(case: Case) -> Case:
    return replace(case, features={**case.features, "contract": NEW_CONTRACT})


def _profile_records(case: Case, rng: Random) -> Iterator[OutgoingRecord]:
    if rng.random() < _UNKNOWN:
        return
    good = _profile_record(case)
    yield good
    if rng.random() < _BAD_PROFILE:  # a careless export: the good one stays
        features = {**case.features, "vip": True}
        fields: dict[str, object] = msgspec.to_builtins(profile_of(case))
        yield replace(good, value=encode({**fields, "features": features}))


def _call_records(case: Case, rng: Random) -> Iterator[OutgoingRecord]:
    customer = None if rng.random() < _NAMELESS else case.customer_id
    yield _fragment(case, CallFragment(call_id=case.call_id, seq=0, event="started"), 0, customer)
    yield from _shaken(_spoken(case, customer), rng)
    draw = rng.random()
    if draw >= _ENDLESS:
        yield _end(case, customer, "failed" if draw < _ENDLESS + _FAILED else "completed")
    yield OutgoingRecord(
        topic=CASE_OUTCOMES,
        key=case.call_id.encode(),
        value=_lean(outcome_of(case)),
        record_id=case.call_id,
        after_s=_last_s(case) + _OUTCOME_S,
    )


def _spoken(case: Case, customer: str | None) -> list[OutgoingRecord]:
    return [
        _fragment(
            case,
            CallFragment(
                call_id=case.call_id,
                seq=seq,
                speaker=turn.speaker,
                text=turn.text,
                offset_ms=turn.offset_ms,
            ),
            turn.offset_ms,
            customer,
        )
        for seq, turn in enumerate(case.turns, start=1)
    ]


def _end(case: Case, customer: str | None, event: str) -> OutgoingRecord:
    seq, last_ms = len(case.turns) + 1, round(_last_s(case) * 1000)
    end = CallFragment(
        call_id=case.call_id, seq=seq, event="failed" if event == "failed" else "completed"
    )
    return _fragment(case, end, last_ms + round(_END_S * 1000), customer)


def _last_s(case: Case) -> float:
    return case.turns[-1].offset_ms / 1000


def _shaken(spoken: list[OutgoingRecord], rng: Random) -> Iterator[OutgoingRecord]:
    """Some come in a partial form first, some twice, some after the next one."""
    held: OutgoingRecord | None = None
    for record in spoken:
        if held is None and record is not spoken[-1] and rng.random() < _LATE:
            held = record
            continue
        if rng.random() < _PARTIAL:
            yield _partial(record)
        yield record
        if rng.random() < _DUPLICATE:
            yield record
        if held is not None:
            yield replace(held, after_s=record.after_s)
            held = None


def _partial(record: OutgoingRecord) -> OutgoingRecord:
    assert record.value is not None, "a segment has a value: this is a bug"
    fragment = msgspec.json.decode(record.value, type=CallFragment)
    words = (fragment.text or "").split()
    begun = " ".join(words[: max(1, len(words) // 2)])
    partial = msgspec.structs.replace(fragment, text=begun, partial=True)
    return replace(record, value=_lean(partial), caption=begun)


def _fragment(
    case: Case, fragment: CallFragment, offset_ms: int, customer: str | None
) -> OutgoingRecord:
    whole = msgspec.structs.replace(fragment, tenant=case.tenant.name, customer_id=customer)
    return OutgoingRecord(
        topic=CALL_TRANSCRIPTS,
        key=case.call_id.encode(),
        value=_lean(whole),
        caption=fragment.text,
        record_id=f"{case.call_id}/{fragment.seq}",
        after_s=offset_ms / 1000,
    )


def _profile_record(case: Case) -> OutgoingRecord:
    return OutgoingRecord(
        topic=CUSTOMER_PROFILES,
        key=f"{case.tenant.name}/{case.customer_id}".encode(),
        value=encode(profile_of(case)),
        record_id=case.customer_id,
    )


def _lean(record: Record) -> bytes:
    fields: dict[str, object] = msgspec.to_builtins(record)
    return encode({name: value for name, value in fields.items() if value not in (None, {})})
