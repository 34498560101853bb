import math
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stream.demo.tally import SHOWN, Tally, answer_text
from stream.records import Classification, HeadResult, ScoredLabel, Source

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def answer_of(**values: Any) -> Classification:
    fields: dict[str, Any] = {
        "id": "1",
        "tenant": "default",
        "status": "classified",
        "reason": None,
        "heads": {"queue": HeadResult(abstained=False, label="card", confidence=0.914)},
        "language": "en",
        "truncated": False,
        "model": None,
        "received_at": MOMENT,
        "classified_at": MOMENT,
        "source": Source(topic="in", partition=0, offset=0),
    }
    return Classification(**{**fields, **values})


def test_a_mail_and_its_answer_become_a_line_with_the_latency() -> None:
    tally = Tally(0.0)
    tally.note_sent("in/0/1", "card lost", 10.0)
    line = tally.note_answer("in/0/1", answer_of(), 10.25)
    assert line is not None
    assert (line.caption, line.answer, line.latency_s) == ("card lost", "queue=card 0.91", 0.25)
    assert (tally.done, tally.statuses["classified"], tally.duplicates) == (1, 1, 0)


def test_an_answer_that_overtakes_its_own_receipt_is_kept_with_its_moment() -> None:
    tally = Tally(0.0)
    assert tally.note_answer("in/0/1", answer_of(), 10.1) is None
    assert tally.done == 0
    tally.note_sent("in/0/1", "card lost", 10.0)
    assert tally.done == 1
    assert abs(tally.latencies_s[0] - 0.1) < 1e-9
    assert tally.recent[0].caption == "card lost"


def test_a_second_answer_is_a_duplicate_and_changes_nothing_else() -> None:
    tally = Tally(0.0)
    tally.note_sent("in/0/1", "a", 1.0)
    tally.note_answer("in/0/1", answer_of(), 2.0)
    assert tally.note_answer("in/0/1", answer_of(), 3.0) is None
    tally.note_dead("in/0/1", "bad-json")
    assert (tally.duplicates, tally.done, len(tally.latencies_s), sum(tally.dead.values())) == (
        2,
        1,
        1,
        0,
    )


def test_a_duplicate_that_overtakes_the_receipt_is_seen_too() -> None:
    tally = Tally(0.0)
    tally.note_answer("in/0/1", answer_of(), 1.0)
    tally.note_answer("in/0/1", answer_of(), 1.1)
    tally.note_sent("in/0/1", "a", 0.9)
    assert (tally.duplicates, tally.done) == (1, 1)


def test_answers_to_mail_of_others_are_not_counted() -> None:
    tally = Tally(0.0)
    tally.note_answer("in/0/99", answer_of(), 1.0)
    assert (tally.done, tally.latencies_s) == (0, [])


def test_dead_letters_are_counted_by_reason_and_are_results_too() -> None:
    tally = Tally(0.0)
    for offset, reason in enumerate(["bad-json", "bad-json", "empty-mail"]):
        tally.note_sent(f"in/0/{offset}", "x", 0.0)
        tally.note_dead(f"in/0/{offset}", reason)
    assert tally.dead == {"bad-json": 2, "empty-mail": 1}
    assert tally.done == 3


@given(st.lists(st.floats(0, 100), min_size=1), st.floats(0, 1))
def test_a_percentile_is_a_latency_that_was_seen_and_grows_with_its_share(
    latencies_s: list[float], share: float
) -> None:
    tally = Tally(0.0, latencies_s=latencies_s)
    assert tally.percentile_ms(share) / 1000 in [1000 * seen / 1000 for seen in latencies_s]
    assert tally.percentile_ms(0) <= tally.percentile_ms(share) <= tally.percentile_ms(1)
    assert tally.percentile_ms(1) == 1000 * max(latencies_s)


def test_before_the_first_result_there_is_no_latency_and_the_headline_still_reads() -> None:
    tally = Tally(5.0)
    assert math.isnan(tally.percentile_ms(0.5))
    assert tally.headline(5.0).startswith("sent 0  answered 0")


def test_the_headline_counts_by_the_clock_it_is_given() -> None:
    tally = Tally(0.0)
    for offset in range(4):
        tally.note_sent(f"in/0/{offset}", "x", 0.0)
    tally.note_answer("in/0/0", answer_of(), 0.1)
    tally.note_answer("in/0/1", answer_of(status="skipped", reason="reply", heads={}), 0.2)
    tally.note_dead("in/0/2", "bad-json")
    assert tally.headline(10.0) == (
        "sent 4  answered 3  0.3 records/s  p50 200 ms  p99 200 ms  classified 1  skipped 1  dead letters 1"
    )


def test_only_the_newest_answers_are_kept_for_show() -> None:
    tally = Tally(0.0)
    for offset in range(3 * SHOWN):
        tally.note_sent(f"in/0/{offset}", str(offset), 0.0)
        tally.note_answer(f"in/0/{offset}", answer_of(), 1.0)
    assert [line.caption for line in tally.recent] == [
        str(2 * SHOWN + place) for place in range(SHOWN)
    ]


def test_answers_read_as_a_person_would_write_them() -> None:
    several = HeadResult(
        abstained=False,
        labels=[ScoredLabel(label="a", confidence=0.9), ScoredLabel(label="b", confidence=0.5)],
    )
    unsure = HeadResult(abstained=True, label=None, confidence=0.2, alternatives=[])
    none = HeadResult(abstained=False, labels=[])
    heads = {"tags": several, "queue": unsure, "none": none}
    assert answer_text(answer_of(heads=heads)) == "tags=[a 0.90,b 0.50]  queue=?  none=[]"
    assert answer_text(answer_of(status="skipped", reason="reply", heads={})) == "skipped: reply"
    assert answer_text(answer_of(status="abstained", reason="no model", heads={})) == "no model"
