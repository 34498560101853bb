"""The benchmarks of cleaning: who is right, who stalled, what came back, how time grows. No timing is judged."""

import pytest

from benchmarks.clean_effect import share, show, wrap_rows
from benchmarks.clean_fixtures import Row, Tally, expected_text, is_right, our_body, task_of
from benchmarks.clean_peers import PEERS, Answers, Outcome, Peer, Task, attempt
from benchmarks.clean_share import shares
from benchmarks.cleaning import growth, pages_of_3_kb
from benchmarks.hostile import HOSTILE, ORDINARY
from benchmarks.tagless import without_tags
from models.labels import TrainingRow

MAIL = "Yes, please.\n\nOn Mon, Nov 3, 2025 at 10:00 AM Bob <bob@x.example> wrote:\n> Shall I?\n"


def row(**fields: object) -> Row:
    known: Row = {
        "id": "r1",
        "source": "s",
        "removes": "quotes+signature",
        "language": "en",
        "content_type": "text/plain",
        "raw": MAIL,
        "expected_reply": "Yes, please.",
        "match": "exact",
    }
    return known | fields


def test_an_answer_is_judged_as_the_row_says_and_with_white_space_aside() -> None:
    assert is_right("Yes, please.\n", row())
    assert not is_right("Yes,  please.", row())
    assert is_right("Yes,  please.", row(), white_space_aside=True)
    assert is_right("Yes,please.", row(match="ignore_whitespace"))
    page = row(expected_reply=None, expected_reply_html="<p>Yes, <b>please</b>.</p>")
    assert is_right("Yes, please.", page)
    assert expected_text(row(expected_reply=None)) is None
    with pytest.raises(ValueError, match="states no expected reply"):
        is_right("", row(expected_reply=None))


def test_our_side_cleans_a_row_in_the_mode_it_names() -> None:
    signed = "Yes.\n\n-- \nAnn"
    assert our_body(row()) == "Yes, please."
    assert our_body(row(raw=signed)) == "Yes."
    assert our_body(row(raw=signed, removes="quotes")).endswith("Ann")
    assert our_body(row(raw="<p>Yes.</p>", content_type="text/html")) == "Yes."


def test_a_library_gets_what_it_can_read() -> None:
    raw = "Subject: x\nContent-Type: text/html\n\n<p>Yes.</p><style>p {}</style>"
    task = task_of(row(raw=raw, content_type="message/rfc822"))
    assert task.is_html
    assert task.plain == "Yes."
    assert without_tags("<title>no</title>a<br>b&amp;c<script>x</script>") == "a\nb&c"


@pytest.mark.parametrize("name", PEERS)
def test_every_library_answers_from_its_child_process(name: str) -> None:
    with Peer(name) as peer:
        answers = peer.read(Task(MAIL)).answers
        assert any("Yes, please." in body and "Shall I?" not in body for body in answers.values())


def test_a_stalled_library_is_killed_named_and_started_again() -> None:
    with Peer("email-reply-parser") as peer:
        assert peer.read(Task("On " * 7_000), limit_s=0.3) == Outcome(stalled=True)
        assert peer.read(Task(MAIL)).answers["parse_reply"] == "Yes, please."


def test_a_library_that_raises_is_a_result_too() -> None:
    def broken(task: Task) -> Answers:
        raise KeyError(task.text)

    outcome = attempt(broken, Task("x"))
    assert outcome.error == "KeyError"
    assert outcome.answers == {}


def test_the_better_way_counts_by_source_and_stalls_are_named() -> None:
    tally = Tally()
    tally.add(row(), Outcome({"one": "Yes, please.", "two": "Yes,\nplease."}))
    tally.add(row(id="r2"), Outcome({"one": "no", "two": "Yes,\nplease."}))
    tally.add(row(id="r3"), Outcome(stalled=True))
    assert tally.best("s") == 1
    assert tally.best("s", white_space_aside=True) == 2
    assert tally.best("other") == 0
    assert tally.stalled == ["r3"]


def test_growth_is_the_worst_doubling_and_is_not_told_of_times_too_short_to_say() -> None:
    assert growth([10.0, 20.0, 50.0]) == 2.5
    assert growth([0.1, 0.9, 1.0]) is None


def test_hostile_and_ordinary_mails_are_as_large_as_asked_for() -> None:
    for name, make in {**HOSTILE, **ORDINARY}.items():
        email = make(50_000)
        size = len(email.body or email.html or email.raw or "")
        assert 25_000 <= size <= 70_000, name


def test_pages_for_timing_are_of_about_3_kb_and_many() -> None:
    pages = pages_of_3_kb(30)
    assert len(pages) == 30
    assert all(2_000 <= len(page.html or "") <= 4_000 for page in pages)


def test_the_share_recovered_is_given_only_where_wrapping_costs() -> None:
    assert share(0.8, 0.6, 0.8) == pytest.approx(1)
    assert share(0.8, 0.6, 0.7) == pytest.approx(0.5)
    assert share(0.8, 0.81, 0.8) is None
    line = {"data": "x", "head": "h", "original": 0.8, "raw": 0.8, "cleaned": 0.8}
    assert "costs nothing" in show([{**line, "recovered": None, "original_cleaned": 0.8}])


def test_each_row_is_wrapped_once_as_text_and_once_as_a_page_in_two_seeds() -> None:
    rows = [TrainingRow(id=str(n), subject="", body="It is broken.", language="de") for n in (1, 2)]
    forms = [[mail.is_html for mail in wrap_rows(rows, seed)] for seed in (1, 2)]
    assert forms == [[False, True], [True, False]]
    assert wrap_rows(rows, 1) == wrap_rows(rows, 1)


def test_the_share_of_cleaning_is_that_of_the_mean_and_older_rows_leave_quantiles_open() -> None:
    stages = {"queue": 1.0, "clean": 1.0, "tokenize": 1.0, "infer": 6.0, "produce": 1.0}
    line = {"data": "x.jsonl.gz", "load": 0.7, "p50_ms": 10.0, "p99_ms": 20.0, "stages_ms": stages}
    assert shares([line])[-1] == "| x, 70 % | 10 / 20 | 1 | 10.0 % | - | - |"
    assert "| 20.0 % | 25.0 % |" in shares([{**line, "clean_p50_ms": 2.0, "clean_p99_ms": 5.0}])[-1]
