"""Two models on the same rows: what may be said, and what may not."""

import io
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from models.evaluation.answers import (
    AnswerRow,
    AnswersError,
    answer_key,
    read_answers,
    write_answers,
)
from models.evaluation.compare import ModelAnswers, compare_answer_rows
from models.labels import TrainingRow
from stream.cli.evaluation_view import comparison_table
from tests.kept_answers import LABELS, answers, model, wrong_every

GUESSES = st.lists(
    st.tuples(st.sampled_from(LABELS), st.sampled_from(LABELS), st.sampled_from(LABELS)),
    min_size=1,
    max_size=80,
)


@settings(deadline=None, max_examples=30)
@given(GUESSES)
def test_a_model_is_never_worse_or_better_than_itself(rows: list[tuple[str, str, str]]) -> None:
    own = model(answers([row[0] for row in rows], [row[1] for row in rows]))
    compared = compare_answer_rows(own, own)
    assert not compared.is_significantly_worse
    assert compared.heads[0].verdict in {"no difference", "cannot tell"}
    assert compared.heads[0].labels == ()
    assert all(change.difference == 0 for change in compared.heads[0].changes.values())


@settings(deadline=None, max_examples=20)
@given(GUESSES, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(
    rows: list[tuple[str, str, str]], shuffler: random.Random
) -> None:
    truth, first, second = zip(*rows, strict=True)
    before, after = answers(truth, first), answers(truth, second)
    mixed = shuffler.sample(before, len(rows)), shuffler.sample(after, len(rows))
    assert compare_answer_rows(*map(model, mixed)) == compare_answer_rows(
        model(before), model(after)
    )


@settings(deadline=None, max_examples=20)
@given(GUESSES)
def test_exchanging_the_models_exchanges_what_was_won_and_lost(
    rows: list[tuple[str, str, str]],
) -> None:
    truth, first, second = zip(*rows, strict=True)
    one, other = model(answers(truth, first)), model(answers(truth, second))
    [there], [back] = compare_answer_rows(one, other).heads, compare_answer_rows(other, one).heads
    assert (there.only_before, there.only_after) == (back.only_after, back.only_before)
    assert there.changes["macro_f1"].difference == -back.changes["macro_f1"].difference
    turned = {"worse": "better", "better": "worse"}
    assert back.verdict == turned.get(there.verdict, there.verdict)


def test_a_clearly_worse_model_is_worse_in_words_with_figures() -> None:
    compared = compare_answer_rows(model(wrong_every(20)), model(wrong_every(5), name="support/2"))
    assert compared.is_significantly_worse
    assert "queue: significantly worse on 300 rows: accuracy 0.950 → 0.800" in compared.reasons[0]
    assert "p < 0.001 by Holm" in compared.reasons[0]
    assert (
        compare_answer_rows(model(wrong_every(5)), model(wrong_every(20))).heads[0].verdict
        == "better"
    )


def test_rare_labels_given_away_for_a_frequent_one_are_a_loss() -> None:
    """Accuracy stays, macro F1 falls."""
    truth = ["a"] * 400 + ["b"] * 20 + ["c"] * 20
    before = answers(truth, ["b"] * 20 + truth[20:])
    after = answers(truth, ["a"] * 400 + ["a"] * 20 + ["c"] * 20)
    [head] = compare_answer_rows(model(before), model(after)).heads
    assert head.changes["accuracy"].difference == 0
    assert head.verdict == "worse"
    assert "macro F1" in head.reason


@pytest.mark.parametrize("rows", [1, 29])
def test_too_few_rows_are_neither_worse_nor_better(rows: int) -> None:
    before, after = answers(["a"] * rows, ["a"] * rows), answers(["a"] * rows, ["b"] * rows)
    compared = compare_answer_rows(model(before), model(after))
    assert compared.heads[0].verdict == "cannot tell"
    assert not compared.is_significantly_worse
    assert "--data FILE" in compared.reasons[0]


def test_rows_that_share_no_text_cannot_tell() -> None:
    other = [AnswerRow(key=f"x{row.key}", id=row.id, heads=row.heads) for row in wrong_every(5)]
    compared = compare_answer_rows(model(wrong_every(20)), model(other))
    assert (compared.rows, compared.heads, compared.is_significantly_worse) == (0, (), False)
    assert "cannot tell" in compared.reasons[0]


def test_rows_are_joined_by_text_and_the_rest_is_counted() -> None:
    rows = wrong_every(10, 100)
    compared = compare_answer_rows(model(rows[:80]), model(rows[20:]))
    assert (compared.rows, compared.rows_only_before, compared.rows_only_after) == (60, 20, 20)


def test_a_text_that_occurs_twice_is_paired_twice() -> None:
    rows = [AnswerRow(key="same", id=row.id, heads=row.heads) for row in wrong_every(10, 40)]
    compared = compare_answer_rows(model(rows), model(rows[::-1]))
    assert compared.rows == 40
    assert compared.heads[0].relabelled_rows == 0


def test_new_labels_stand_apart_and_do_not_count() -> None:
    truth = ["a", "b"] * 50 + ["c"] * 30
    before = model(answers(truth, ["a", "b"] * 50 + ["a"] * 30), "ab")
    after = model(answers(truth, truth))
    [head] = compare_answer_rows(before, after).heads
    assert head.new_labels == {"c": 30}
    assert (head.rows, head.apart_rows) == (100, 30)
    assert head.verdict == "no difference"
    [back] = compare_answer_rows(after, before).heads
    assert back.removed_labels == {"c": 30}


def test_a_renamed_label_is_no_new_label() -> None:
    before = model(answers(["old", "b"] * 50, ["old", "b"] * 50), ["old", "b"])
    after = model(answers(["new", "b"] * 50, ["new", "b"] * 50), ["new", "b"])
    [head] = compare_answer_rows(before, after, {"queue": {"old": "new"}}).heads
    assert (head.new_labels, head.rows, head.both_right) == ({}, 100, 100)
    [unmapped] = compare_answer_rows(before, after).heads
    assert (unmapped.new_labels, unmapped.relabelled_rows) == ({"new": 50}, 50)
    assert unmapped.removed_labels == {"old": 50}


def test_rows_whose_label_changed_are_counted_and_named_and_never_compared() -> None:
    """Both models still answer as they learned: on these rows nobody is right or wrong."""
    before = answers(["a"] * 90, ["a"] * 90)
    after = answers(["b"] * 40 + ["a"] * 50, ["b"] * 40 + ["a"] * 50)
    [head] = compare_answer_rows(model(before), model(after)).heads
    assert (head.rows, head.relabelled_rows, head.apart_rows) == (50, 40, 0)
    assert (head.only_before, head.only_after, head.labels) == (0, 0, ())
    assert head.relabelled == ("r0", "r1", "r10", "r11", "r12")
    assert "no difference beyond chance on 50 rows (40 rows whose label changed are left out):" in (
        head.reason
    )


def test_a_person_sees_how_many_rows_are_left_out_and_which() -> None:
    before = answers(["a"] * 90 + ["c"] * 10, ["a"] * 100)
    after = answers(["b"] * 40 + ["a"] * 50 + ["c"] * 10, ["a"] * 100)
    console = Console(file=io.StringIO(), width=200)
    comparison_table(compare_answer_rows(model(before, "ab"), model(after)), console)
    shown = console.file.getvalue()  # type: ignore[attr-defined]  # it is the StringIO
    assert "queue: 40 rows whose label changed are left out, e.g. r0, r1" in shown
    assert "queue: 10 rows with a label that only one of the two knows are left out" in shown


def test_where_only_rows_with_changed_labels_are_left_the_reason_says_so() -> None:
    before, after = answers(["a"] * 40, ["a"] * 40), answers(["b"] * 40, ["b"] * 40)
    compared = compare_answer_rows(model(before), model(after))
    assert "only 0 rows were answered by both" in compared.reasons[0]
    assert "(40 rows whose label changed are left out)" in compared.reasons[0]


def test_multi_label_heads_are_compared_over_the_labels_both_know() -> None:
    truth = [["a", "b"], ["b"], []] * 40
    before = model(answers(truth, truth), "ab")
    after = model(answers(truth, [["a"], ["c"], []] * 40), "abc")
    [head] = compare_answer_rows(before, after).heads
    assert head.verdict == "worse"
    assert "micro F1 1.000 → 0.500" in head.reason
    assert [change.label for change in head.labels] == ["b"]
    assert head.labels[0].became_wrong == ("r0", "r1", "r10", "r100", "r102")


def test_a_lost_head_is_said() -> None:
    before = ModelAnswers(
        "m/1", {"queue": frozenset("ab"), "topic": frozenset("xy")}, wrong_every(9)
    )
    compared = compare_answer_rows(before, model(wrong_every(9), name="m/2"))
    assert compared.lost_heads == ("topic",)
    assert "topic: m/2 does not have this head" in compared.reasons


def test_answers_survive_their_file(tmp_path: Path) -> None:
    rows = wrong_every(7, 30)
    path = tmp_path / "answers.jsonl"
    path.write_bytes(write_answers(rows))
    assert read_answers(path) == rows
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(AnswersError, match=r"answers\.jsonl:30 is damaged"):
        read_answers(path)
    with pytest.raises(AnswersError, match="train it again, or name rows"):
        read_answers(tmp_path / "none.jsonl")


def test_a_key_tells_texts_apart_and_keeps_none_of_them() -> None:
    row = TrainingRow(
        id="1", subject="Lost card", body="Where is\n my card?", attributes={"bank": "X"}
    )
    assert answer_key(row) == "2f018c4f18c67d66"
    assert answer_key(TrainingRow(id="2", subject="lost  CARD", body="where is my card? ",
                                  attributes={"bank": "x"})) == answer_key(row)  # fmt: skip
    assert answer_key(
        TrainingRow(id="1", subject="Lost card", body="Where is my card?")
    ) != answer_key(row)
