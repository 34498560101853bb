"""The demo's calls: what moves on the board, and that every fragment is counted once."""

import io
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from stream.demo.board import Board
from stream.demo.calls import SHOWN_CALLS, CallChart, Calls, sparkline
from stream.demo.tally import Line, Tally
from stream.records import ChurnScore, ModelRef, Source

SOURCE = Source(topic="call-transcripts", partition=0, offset=0)


def score(call: str, probability: float, **values: Any) -> ChurnScore:
    fields: dict[str, Any] = {
        "call_id": call,
        "customer_id": None,
        "tenant": "default",
        "seq": 0,
        "probability": probability,
        "previous": None,
        "contribution": 0.1,
        "profile_known": True,
        "fragments": 1,
        "partial": False,
        "duplicate": False,
        "final": False,
        "model": ModelRef(name="m", version="1"),
        "scored_at": datetime(2026, 1, 1, tzinfo=UTC),
        "source": SOURCE,
    }
    return ChurnScore(**{**fields, **values})


def test_a_chart_has_a_height_for_each_probability_from_none_to_certain() -> None:
    assert sparkline([0.0, 0.13, 0.5, 0.999, 1.0]) == "▁▂▅██"


def test_a_call_moves_with_its_fragments_and_is_marked_when_it_has_ended() -> None:
    calls = Calls()
    calls.note("hello", score("c", 0.2))
    calls.note("I am leaving", score("c", 0.5, contribution=0.3))
    chart = calls.note("hello", score("c", 0.5, duplicate=True, contribution=0.0))
    assert (chart.probabilities, chart.said, chart.moved) == ([0.2, 0.5], "I am leaving", 0.3)
    assert chart.line.split() == ["▂▅", "50", "%", "+30"]
    assert calls.note("", score("c", 0.5, final=True)).line.split()[-1] == "ended"
    assert (calls.scores, calls.ended) == (4, 1)


def test_the_handful_shown_are_those_that_began_last_in_their_order() -> None:
    calls = Calls()
    for number in range(3 * SHOWN_CALLS):
        calls.note("", score(f"c{number}", 0.5))
    calls.note("", score("c0", 0.9))
    assert [one.call_id for one in calls.recent] == [
        f"c{2 * SHOWN_CALLS + place}" for place in range(SHOWN_CALLS)
    ]
    calls.note("", score("c0", 0.9, tenant="another"))
    assert len(calls.charts) == 3 * SHOWN_CALLS + 1


def test_a_score_is_a_result_of_its_fragment_and_a_second_one_a_duplicate() -> None:
    tally = Tally(0.0)
    tally.note_sent("call-transcripts/0/1", "hello", 1.0)
    shown = tally.note_answer("call-transcripts/0/1", score("c", 0.4), 1.5)
    assert isinstance(shown, CallChart)
    assert shown.said == "hello"
    assert tally.note_answer("call-transcripts/0/1", score("c", 0.4), 1.6) is None
    assert (tally.done, tally.duplicates, tally.first_score_s) == (1, 1, 1.5)
    assert "scored 1" in tally.headline(2.0)


def test_a_score_that_overtakes_its_receipt_is_kept_and_profiles_letters_may_come_twice() -> None:
    tally = Tally(0.0)
    tally.note_answer("call-transcripts/0/1", score("c", 0.4), 1.5)
    tally.note_sent("call-transcripts/0/1", "hello", 1.0)
    for _ in range(2):
        tally.note_bad_profile("customer-profiles/0/7")
    assert (tally.calls.scores, tally.done, tally.duplicates) == (1, 1, 0)
    assert len(tally.bad_profiles) == 1


def test_the_whole_board_stands_in_a_terminal_of_80_columns_and_24_lines() -> None:
    tally = Tally(0.0)
    assert "nan" not in tally.headline(1.0)
    for number in range(9):
        name = f"call-transcripts/0/{number}"
        tally.note_sent(name, "The number is K/2737637, I think. " * 3, 1.0)
        tally.note_answer(name, score(f"live-1-00000{number}", number / 9), 1.5)
        answer = "desk=service 0.98  priority=high 0.75  tags=[praise 0.82,refund 0.39]  topic=loan"
        tally.recent.append(Line("Termination of contract T/7282120, " * 3, answer, 12.345))
    shown = io.StringIO()
    console = Console(
        file=shown,
        width=80,
        height=24,
        force_terminal=True,
        color_system=None,
        legacy_windows=False,
    )
    with Board(console, tally) as board:
        board.show(None, 2.0)
    last = shown.getvalue().rstrip("\n\x1b[?25h").rsplit("┏━", 2)
    assert len("┏━".join(last[-2:]).splitlines()) <= 24
    for number in range(9 - SHOWN_CALLS, 9):
        assert f"live-1-00000{number}" in last[-1]
    assert "synthetic" in last[-1]
    assert "dead letters 0" in " ".join(last[-1].split())
    assert "Termination" in last[-2]


def test_a_duplicate_that_is_seen_first_is_a_call_like_any_other() -> None:
    assert "40 %" in Calls().note("hello", score("c", 0.4, duplicate=True)).line
