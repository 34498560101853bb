"""Inputs that dedicated and general workers share: no fault while each group keeps its promise; each break is found."""

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.classify import Item, read_email
from stream.clean import CleanOptions
from stream.cli.dedicated import dedicated_settings, dedication_of
from stream.dedication import Dedication
from stream.errors import FatalError
from stream.outputs import Inbound
from stream.read_options import ReadOptions
from stream.records import Source
from stream.settings import Settings
from stream.tenants import ALL_ALIKE, Period, Tenants, TenantSettings
from stream.verify.groups import GENERAL, MOST_GROUPS, Groups
from tests.unit.test_verify import (
    ANSWERS,
    LETTERS,
    LIVE,
    History,
    answer,
    both,
    causes,
    letter,
    only,
    outputs_of,
    same_faults,
)
from tests.walking import Events

GROUPS = 3
SOURCES = [f"{LIVE}/0", f"{LIVE}/1"]


@st.composite
def shared_histories(draw: st.DrawFn) -> History:
    """Two partitions whose inputs three groups answer, each in its order and as far as it is, interleaved at will."""
    offsets = st.lists(st.integers(0, 60), unique=True, min_size=2, max_size=30).map(sorted)
    history = History({source: draw(offsets) for source in SOURCES})
    committed: list[dict[str, int]] = [{} for _ in range(GROUPS)]
    queues: list[list[str]] = []
    for source, found in history.inputs.items():
        for at in found:
            history.theirs[f"{source}/{at}"] = draw(st.integers(0, GROUPS - 1))
        for group in range(GROUPS):
            committed[group][source] = position = draw(st.sampled_from([*found, found[-1] + 1]))
            own = [at for at in found if history.theirs[f"{source}/{at}"] == group]
            queues.append([f"{source}/{at}" for at in own if at < position])
    history.committed, *history.dedicated = committed
    while queues := [queue for queue in queues if queue]:
        cause = draw(st.sampled_from(queues)).pop(0)
        history.outputs += [(LETTERS, letter(cause))] if draw(st.booleans()) else both(cause)
    return history


def answered(history: History) -> dict[tuple[str, int], list[str]]:
    """Names of the answered inputs, in their order, by partition and group; only where there are some."""
    found: dict[tuple[str, int], list[str]] = {}
    for cause in causes(history):
        if outputs_of(history, cause):
            place = cause.rpartition("/")[0], history.theirs[cause]
            found.setdefault(place, []).append(cause)
    return found


def an_answered_input(history: History, data: st.DataObject) -> str:
    return data.draw(
        st.sampled_from([cause for own in answered(history).values() for cause in own])
    )


some_answered = shared_histories().filter(answered)


@given(shared_histories())
def test_groups_that_keep_their_own_order_are_clean_wherever_each_of_them_is(
    history: History,
) -> None:
    verdict = history.verdict()
    assert verdict.holds, verdict
    assert verdict.answers + verdict.letters + verdict.waiting == verdict.inputs


@given(some_answered, st.data())
def test_a_loss_in_any_group_is_found(history: History, data: st.DataObject) -> None:
    lost = an_answered_input(history, data)
    history.outputs = [output for output in history.outputs if output[1].cause != lost]
    assert same_faults(history.verdict(), only("lost", lost))


@given(
    shared_histories().filter(
        lambda history: any(len(own) > 1 for own in answered(history).values())
    ),
    st.data(),
)
def test_a_swap_within_any_group_is_found(history: History, data: st.DataObject) -> None:
    pairs = [own for own in answered(history).values() if len(own) > 1]
    first, second = data.draw(st.sampled_from(pairs))[:2]
    history.outputs = [
        output for output in history.outputs if output[1].cause not in (first, second)
    ]
    history.outputs[:0] = [*both(second), *both(first)]
    assert same_faults(history.verdict(), only("out_of_order", first, first))


@given(some_answered, st.data())
def test_a_record_that_two_groups_answered_is_found(history: History, data: st.DataObject) -> None:
    twice = an_answered_input(history, data)
    is_letter = outputs_of(history, twice)[0][0] is LETTERS
    more = both(twice) if is_letter else [(LETTERS, letter(twice))]
    # in a partition of its own: where among the others it lies is another question
    history.outputs += [(topic, dataclasses.replace(record, partition=9)) for topic, record in more]
    assert same_faults(history.verdict(), only("duplicated", twice))


@given(some_answered, st.data())
def test_an_output_above_its_groups_committed_offset_is_found_though_others_are_further(
    history: History, data: st.DataObject
) -> None:
    (source, group), own = data.draw(st.sampled_from(sorted(answered(history).items())))
    ahead = own[-1]
    [history.committed, *history.dedicated][group][source] = int(ahead.rpartition("/")[2])
    assert same_faults(history.verdict(), only("ahead", ahead))


@given(shared_histories(), st.data())
def test_where_all_inputs_are_the_general_groups_it_is_as_strict_as_without_others(
    history: History, data: st.DataObject
) -> None:
    some = st.sampled_from(causes(history))
    history.outputs += [(ANSWERS, answer(data.draw(some))) for _ in range(3)]
    history.theirs = {}
    shared = history.verdict()
    history.dedicated = []
    assert history.verdict() == shared


def test_without_a_tenants_file_two_groups_outputs_are_out_of_order_as_ever() -> None:
    first, second = f"{LIVE}/0/1", f"{LIVE}/0/2"
    committed = {f"{LIVE}/0": 3}
    history = History({f"{LIVE}/0": [1, 2]}, [*both(second), *both(first)], committed)
    assert same_faults(history.verdict(), only("out_of_order", first, first))
    history.dedicated, history.theirs = [committed], {second: 1}
    assert history.verdict().holds


def test_a_dedicated_group_without_offsets_lets_its_inputs_wait_and_no_others() -> None:
    history = History({f"{LIVE}/0": [1, 2]}, committed={f"{LIVE}/0": 3}, dedicated=[{}])
    history.theirs = {f"{LIVE}/0/1": 1}
    verdict = history.verdict()
    assert (verdict.waiting, verdict.lost.names) == (1, (f"{LIVE}/0/2",))


def test_outputs_of_inputs_that_are_not_judged_are_not_taken_for_a_groups() -> None:
    old = [f"{LIVE}/0/{at}" for at in (2, 1)]
    outputs = [output for cause in old for output in both(cause)]
    history = History({f"{LIVE}/0": [6]}, outputs, dedicated=[{}])
    verdict = history.verdict(begin=5)
    assert verdict.holds
    assert verdict.unjudged == 4


# -- who answers what ------------------------------------------------------------------------------

TENANTS = Tenants(
    {
        "acme": TenantSettings(dedicated=Period(100)),
        "north": TenantSettings(dedicated=Period(50, 150), dedicated_to="two banks/ä"),
        "south": TenantSettings(dedicated=Period(120, 200), dedicated_to="two banks/ä"),
        "plain": TenantSettings(dedicated_to="two banks/ä"),
    }
)
NAMES = ["acme", "two banks/ä"]
VALUES = st.sampled_from(["acme", "north", "south", "plain", "other", "two banks/ä"]).flatmap(
    lambda tenant: st.sampled_from(
        [
            json.dumps({"id": "1", "tenant": tenant, "body": "My card is lost"}).encode(),
            json.dumps({"id": "1", "tenant": tenant, "subject": "", "body": ""}).encode(),
            json.dumps({"id": "1", "tenant": tenant}).encode(),  # no form: unreadable
            b'{"tenant": "' + tenant.encode() + b'", ',
        ]
    )
)


@given(st.none() | st.just(b"\xff") | VALUES, st.integers(40, 210))
def test_an_input_is_the_group_s_whose_workers_do_not_pass_over_it(
    value: bytes | None, appended_ms: int
) -> None:
    dedicated = [Dedication(name, TENANTS.team(name)) for name in NAMES]
    takers: list[int] = []
    for number, worker in enumerate([None, *dedicated]):
        inbound = Inbound(Source(topic=LIVE, partition=0, offset=0), b"key", value, ())
        item = Item(inbound, appended_ms)
        read_email(item, ReadOptions(CleanOptions(), frozenset(), TENANTS, worker), lambda _: None)
        takers += [] if item.passed_over else [number]
    assert takers == [Groups("g", TENANTS).number_of(value, appended_ms)]


def test_the_groups_are_those_of_the_workers_and_their_times_those_of_all_their_tenants() -> None:
    groups = Groups("g", TENANTS)
    settings = Settings(group_id="g")
    assert list(groups.ids) == [
        "g",
        *(
            dedicated_settings(
                settings, Dedication(name, TENANTS.team(name)), TENANTS, Events()
            ).group_id
            for name in NAMES
        ),
    ]
    assert groups.periods == (Period(100), Period(50, 200))
    assert dedication_of(["acme"], TENANTS, alone=False).name == NAMES[0]


def test_without_dedicated_tenants_there_is_one_group() -> None:
    for tenants in (ALL_ALIKE, Tenants({"plain": TenantSettings(dedicated_to="banks")})):
        groups = Groups("g", tenants)
        assert (groups.ids, groups.periods) == (("g",), ())
        assert groups.number_of(b'{"id": "1", "tenant": "plain", "body": "x"}', 0) == GENERAL


def test_more_groups_than_a_byte_can_say_are_refused_with_the_way_out() -> None:
    def tenants(count: int) -> Any:
        return Tenants(
            {f"t{number}": TenantSettings(dedicated=Period(0)) for number in range(count)}
        )

    assert len(Groups("g", tenants(MOST_GROUPS - 1)).ids) == MOST_GROUPS
    with pytest.raises(FatalError, match=r"names 256 groups.*dedicated_to"):
        Groups("g", tenants(MOST_GROUPS))
