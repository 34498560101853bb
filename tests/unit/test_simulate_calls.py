"""The calls of the built-in world: repeatable, comparable word for word, and as unruly as live streams are."""

import tomllib
from collections import Counter
from itertools import islice, pairwise
from pathlib import Path

import msgspec
import pytest

from models.churn.call_rows import read_calls as read_training_calls
from models.churn.outcome_rows import read_outcomes
from models.churn.profile_rows import read_profiles as read_training_profiles
from stream.calls.profile_records import read_profile
from stream.cli.call_files import traffic_of_calls, traffic_of_profiles
from stream.errors import PoisonRecordError
from stream.records import CallFragment, CaseOutcome, decode
from stream.simulate import (
    OutgoingRecord,
    World,
    case,
    cases,
    live_calls,
    mixed,
    paced,
    records_of,
    write_history,
)
from stream.simulate.customers import CATEGORICAL, COURSES, NEW_CONTRACT, NUMERICAL
from stream.simulate.grammar import chance, expand, read_table
from stream.topics import CALL_TRANSCRIPTS, CASE_OUTCOMES, CUSTOMER_PROFILES


@pytest.fixture(scope="module")
def calls() -> list[list[OutgoingRecord]]:
    return list(islice(live_calls(3), 250))


def fragments(call: list[OutgoingRecord]) -> list[CallFragment]:
    return [
        decode(record.value, CallFragment) for record in call if record.topic == CALL_TRANSCRIPTS
    ]


def test_equal_seeds_give_equal_calls_and_the_past_is_not_the_present(
    calls: list[list[OutgoingRecord]],
) -> None:
    assert list(islice(live_calls(3), 250)) == calls
    assert list(islice(live_calls(4), 5)) != calls[:5]
    past, live = ({one.call_id for one in islice(cases(3, era), 50)} for era in ("past", "live"))
    assert not past & live


def test_twins_differ_from_the_turning_point_on_and_in_nothing_else() -> None:
    for number in range(30):
        content, disappointed = (
            case(1, "live", number, course) for course in ("content", "disappointed")
        )
        at = content.turning_point
        assert content.turns[:at] == disappointed.turns[:at]
        assert content.turns[at].text != disappointed.turns[at].text
        assert content.features == disappointed.features
        assert content.customer_id == disappointed.customer_id


def test_a_disappointed_caller_leaves_far_more_often_than_a_content_one_with_the_same_profile() -> (
    None
):
    moves = sorted(
        case(1, "live", number, "disappointed").probability
        - case(1, "live", number, "content").probability
        for number in range(100)
    )
    assert moves[0] > 0.05, "even of those whom nothing else moves"
    assert moves[10] > 0.25, "nine of ten"


def test_who_leaves_is_not_settled_by_what_can_be_known() -> None:
    some = list(islice(cases(2, "past"), 1500))
    left = [one.probability for one in some if one.churned]
    stayed = [one.probability for one in some if not one.churned]
    right = sum((high > low) + (high == low) / 2 for high in left for low in stayed)
    assert (
        0.82 < right / (len(left) * len(stayed)) < 0.92
    )  # the area under the ROC curve of a perfect model
    assert 0.25 < len(left) / len(some) < 0.45


def test_past_calls_have_both_languages_all_courses_and_holes_in_their_profiles() -> None:
    some = list(islice(cases(1, "past"), 400))
    assert {one.language for one in some} == {"en", "de"}
    assert {one.course for one in some} == set(COURSES)
    assert {turn.speaker for one in some for turn in one.turns} == {"customer", "agent"}
    assert all(set(one.features) == {*NUMERICAL, *CATEGORICAL} for one in some)
    missing = Counter(name for one in some for name, value in one.features.items() if value is None)
    assert set(missing) == {"satisfaction", "payment"}
    assert NEW_CONTRACT not in {one.features["contract"] for one in some}


def test_every_line_that_is_spoken_expands() -> None:
    for name in ("calls.en", "calls.de"):
        assert set(read_table(name)) == set(read_table("calls.en"))
        for lines in read_table(name).values():
            for line in lines:
                text = expand(line, chance(line), lambda slot: f"<{slot}>")
                assert text
                assert not set("[]|") & set(text)


def test_a_call_as_it_should_be_is_complete_and_in_order() -> None:
    one = case(1, "live", 0)
    profile, *spoken = records_of(one)
    assert read_profile(profile.key, profile.value)
    said = fragments(spoken)
    assert [fragment.seq for fragment in said] == list(range(1, len(one.turns) + 2))
    assert [fragment.text for fragment in said[:-1]] == [turn.text for turn in one.turns]
    assert said[-1].event == "completed"
    assert {record.key for record in spoken} == {one.call_id.encode()}


def test_live_calls_are_as_unruly_as_real_ones(calls: list[list[OutgoingRecord]]) -> None:
    seen: Counter[str] = Counter()
    for call in calls:
        said = fragments(call)
        final = [
            fragment for fragment in said if fragment.event == "segment" and not fragment.partial
        ]
        offsets = [fragment.offset_ms or 0 for fragment in final]
        seen["segments"] += len(final)
        seen["partial"] += sum(fragment.partial for fragment in said)
        seen["duplicate"] += len(final) - len({fragment.seq for fragment in final})
        seen["late"] += sum(later < sooner for sooner, later in pairwise(offsets))
        seen[str(said[-1].event)] += 1
        profiles = [record for record in call if record.topic == CUSTOMER_PROFILES]
        seen["without profile"] += not profiles
        seen["bad profile"] += sum(is_bad(record) for record in profiles)
        seen["new contract"] += any(NEW_CONTRACT.encode() in (r.value or b"") for r in profiles)
        [outcome] = [record for record in call if record.topic == CASE_OUTCOMES]
        assert decode(outcome.value, CaseOutcome).churned is not None
        assert [record.after_s for record in call] == sorted(record.after_s for record in call)
    for what in (
        "partial",
        "duplicate",
        "late",
        "segment",
        "failed",
        "without profile",
        "bad profile",
        "new contract",
    ):
        assert 0 < seen[what] < 0.2 * seen["segments"], what
    assert seen["completed"] > 0.9 * len(calls)


def is_bad(record: OutgoingRecord) -> bool:
    try:
        read_profile(record.key, record.value)
    except PoisonRecordError:
        return True
    return False


def test_the_past_is_read_by_what_trains(tmp_path: Path) -> None:
    files = write_history(tmp_path / "a", 60)
    again = write_history(tmp_path / "b", 60)
    assert files.calls.read_bytes() == again.calls.read_bytes()
    features = tomllib.loads(files.features.read_text("utf-8"))
    assert features == {
        "numerical": list(NUMERICAL),
        "categorical": list(CATEGORICAL),
        "textual": ["customer", "agent"],
    }
    read = read_training_calls(files.calls).rows
    profiles = read_training_profiles(files.profiles).rows
    outcomes = read_outcomes(files.outcomes).rows
    assert [call.call_id for call in read] == [outcome.call_id for outcome in outcomes]
    assert [call.customer_id for call in read] == [profile.customer_id for profile in profiles]
    assert len(read) == 60


def test_the_past_can_be_sent_as_traffic(tmp_path: Path) -> None:
    files = write_history(tmp_path, 3)
    sent = list(traffic_of_calls(files.calls))
    assert [fragments(call)[-1].event for call in sent] == ["completed"] * 3
    assert len(list(traffic_of_profiles(files.profiles))) == 3


def test_what_a_transcription_service_wrote_is_sent_as_fragments(tmp_path: Path) -> None:
    path = tmp_path / "heard.jsonl"
    heard = {
        "call_id": "c-1",
        "speakers": {"spk_0": "agent"},
        "messages": [
            {"segments": [{"id": "a", "text": "Hello", "speaker": "spk_0", "start_time": 0.5}]},
            {"segments": [{"id": "b", "text": "My li", "partial": True, "start_time": 2}]},
            {"segments": [{"id": "b", "text": "My line", "start_time": 2}]},
        ],
    }
    path.write_bytes(msgspec.json.encode(heard))
    [call] = traffic_of_calls(path)
    said = [(f.seq, f.speaker, f.text, f.partial, f.event) for f in fragments(call)]
    assert said == [
        (0, "agent", "Hello", False, "segment"),
        (1, None, "My li", True, "segment"),
        (1, None, "My line", False, "segment"),
        (2, None, None, False, "completed"),
    ]
    assert [record.after_s for record in call] == [0.5, 2.0, 2.0, 2.0]


# -- pacing ------------------------------------------------------------------------------------------


def record(name: str, after_s: float = 0.0) -> OutgoingRecord:
    return OutgoingRecord("t", None, name.encode(), after_s=after_s)


def test_calls_go_beside_each_other_at_the_pace_of_speech_and_the_mean_rate_is_kept() -> None:
    call = [record(f"call {n}", after_s=10.0 * n) for n in range(4)]
    groups = [call, *([record(f"mail {n}")] for n in range(6))]
    sent = list(paced(groups, rate_per_s=2, pace=10))
    assert [(r.due_s, (r.value or b"").decode()) for r in sent] == [
        (0.0, "call 0"),
        (1.0, "call 1"),
        (2.0, "call 2"),
        (2.0, "mail 0"),
        (2.5, "mail 1"),
        (3.0, "call 3"),
        (3.0, "mail 2"),
        (3.5, "mail 3"),
        (4.0, "mail 4"),
        (4.5, "mail 5"),
    ]


def test_the_world_sends_its_share_of_calls_each_in_its_own_order() -> None:
    groups = mixed(World(1).traffic(), live_calls(1), share=0.3)
    sent = list(islice(paced(groups, rate_per_s=20, pace=10), 1500))
    due = [one.due_s or 0.0 for one in sent]
    assert due == sorted(due)
    assert due[-1] == pytest.approx(1500 / 20, rel=0.2)
    of_calls = [
        one for one in sent if one.topic in (CALL_TRANSCRIPTS, CUSTOMER_PROFILES, CASE_OUTCOMES)
    ]
    assert 0.2 < len(of_calls) / len(sent) < 0.4
    for number, call in enumerate(islice(live_calls(1), 5)):
        keys = {one.key for one in call}
        assert [one.value for one in sent if one.key in keys] == [one.value for one in call], number


def test_a_source_that_ends_ends_the_mixture() -> None:
    assert len(list(mixed([record("a"), record("b")], [], share=0.0))) == 2
    assert list(mixed([record("a")], [], share=0.5)) == []
