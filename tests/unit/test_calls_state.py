"""The record of a call: what goes in comes out, it stays small, and a strange one is named with the way out."""

import itertools

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from models.churn.sums import pack, unpack
from stream.calls.intervals import Intervals
from stream.calls.state import (
    FORMAT,
    Ages,
    CallState,
    Life,
    Side,
    StateError,
    decode_state,
    encode_state,
    state_key,
)
from stream.errors import FatalError

HEARD = st.tuples(st.integers(0, 99), st.sampled_from([None, "completed", "failed"]))


def state_of(size: int = 4, unit: int = 1) -> CallState:
    said = np.full(size, unit, np.int64)
    return CallState(
        tenant="telvia",
        call_id="call-0123456789abcdef",
        customer_id="customer-01234567",
        customer_seq=0,
        model="churn",
        version="12",
        sums_key="e" * 64 + "@int8",
        size=size,
        customer=Side(pack(said), 500, 40_000),
        agent=Side(pack(-said), 500, 40_000),
        seen=(0, 3),
        probability=0.25,
        life=Life(1_700_000_000_000, 1_700_000_600_000),
    )


KEY = state_key("telvia", "call-0123456789abcdef")


def test_a_state_comes_back_as_it_was_written() -> None:
    assert decode_state(KEY, encode_state(state_of())) == state_of()


def test_a_call_of_1000_fragments_with_20_gaps_takes_at_most_4_kb_at_384_numbers() -> None:
    seen = Intervals()
    for seq in range(1020):
        if seq % 50 != 25:
            seen.add(seq)
    assert (seen.count, len(seen.edges())) == (1000, 42)
    state = replace(state_of(384, unit=500 * 2**20), seen=seen.edges())
    assert len(encode_state(state)) + len(KEY) <= 4096


def test_sums_that_outgrow_32_bits_are_kept_whole() -> None:
    large = 2**31
    state = state_of(unit=large)
    assert len(state.customer.total) == 8 * state.size
    back = decode_state(KEY, encode_state(state))
    assert unpack(back.customer.total, 4).tolist() == [large] * 4
    assert unpack(back.agent.total, 4).tolist() == [-large] * 4
    assert len(state_of(unit=large - 1).customer.total) == 4 * state.size


def test_two_calls_never_share_a_key() -> None:
    names = ["a", "a/b", "b", "a%2Fb", "a%", "%2Fb", "/", ""]
    keys = [state_key(tenant, call) for tenant, call in itertools.product(names, names)]
    assert len(set(keys)) == len(keys)
    assert state_key("telvia", "c/1") == b"telvia/c/1"


@given(st.data())
def test_damage_is_told_with_the_key_and_the_way_out(data: st.DataObject) -> None:
    whole = encode_state(state_of())
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(StateError, match=r"telvia/call-0123456789abcdef.*damaged.*no value"):
        decode_state(KEY, whole[:cut])


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"\xc1",
        b"{}",
        msgspec.msgpack.encode([FORMAT, "telvia"]),
        encode_state(replace(state_of(), size=5)),
        encode_state(replace(state_of(), seen=(0, 0))),
        encode_state(replace(state_of(), call_id="another")),
    ],
)
def test_whatever_is_no_state_of_this_call_is_damaged(damaged: bytes) -> None:
    with pytest.raises(StateError, match="is damaged") as raised:
        decode_state(KEY, damaged)
    assert isinstance(raised.value, FatalError)


@pytest.mark.parametrize(
    "later",
    [
        encode_state(replace(state_of(), format=FORMAT + 1)),
        msgspec.msgpack.encode([FORMAT + 1, {"everything": "is different"}]),
    ],
)
def test_a_state_of_a_later_program_is_told_as_such(later: bytes) -> None:
    with pytest.raises(StateError, match=rf"format {FORMAT + 1}, this program reads {FORMAT}"):
        decode_state(KEY, later)


@given(st.lists(HEARD, min_size=1), st.randoms())
def test_a_life_is_the_same_in_any_order(heard: list[tuple[int, object]], lots) -> None:
    def lived(order):
        life = Life(order[0][0], order[0][0])
        for at_ms, ended in order:
            life = life.heard(at_ms, ended)
        return life

    shuffled = heard[:]
    lots.shuffle(shuffled)
    assert lived(heard) == lived(shuffled)


@given(st.integers(0, 500), st.integers(0, 500), st.sampled_from([None, "completed"]))
def test_what_became_of_a_call_does_not_depend_on_how_often_it_is_asked(
    early: int, late: int, ended
) -> None:
    ages = Ages(silent_ms=20, ended_keep_ms=100)
    life = Life(0, 10, ended, 10 if ended else 0)
    between = ages.at(life, min(early, late))
    asked_twice = between and ages.at(between, max(early, late))
    assert asked_twice == ages.at(life, max(early, late))


def test_silence_ends_a_call_and_an_ended_call_is_forgotten_in_time() -> None:
    ages = Ages(silent_ms=20, ended_keep_ms=100)
    life = Life(0, 10)
    assert ages.at(life, 29) == life
    assert ages.at(life, 30) == Life(0, 10, "silent", 30)
    assert ages.at(life, 129) == Life(0, 10, "silent", 30)
    assert ages.at(life, 130) is None
