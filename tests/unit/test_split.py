import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.labels import TrainingRow
from models.rows.dataset import DatasetError
from models.rows.groups import group_rows, measure_overlap
from models.rows.split import cut_folds, hold_out, normalise, split_rows


def row(place: int, **more: object) -> TrainingRow:
    return TrainingRow(
        id=str(place), body=f"text {chr(97 + place % 26) * (1 + place // 26)}", **more
    )  # type: ignore[arg-type]


def test_copies_of_a_text_never_cross_the_split() -> None:
    rows = [TrainingRow(id=str(i), body=f"Order {i % 25 * 'x'} no. {i}!") for i in range(200)]
    learn, kept = hold_out(rows)
    assert sorted(learn + kept) == list(range(200))
    assert 30 <= len(kept) <= 40
    assert not {normalise(rows[i].body or "") for i in learn} & {
        normalise(rows[i].body or "") for i in kept
    }


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(0, 9) | st.none(), st.integers(0, 9) | st.none()),
        min_size=2,
        max_size=60,
    ),
    st.integers(2, 5),
)
def test_folds_lose_nothing_and_keep_threads_and_customers_together(
    shapes: list[tuple[int, int | None, int | None]], folds: int
) -> None:
    rows = [
        row(
            text,
            thread_id=None if thread is None else f"t{thread}",
            customer_id=None if customer is None else f"c{customer}",
        )
        for text, thread, customer in shapes
    ]
    parts = cut_folds(rows, folds)
    assert sorted(place for part in parts for place in part) == list(range(len(rows)))
    part_of = {place: number for number, part in enumerate(parts) for place in part}
    for i, one in enumerate(rows):
        for j, other in enumerate(rows):
            tied = (
                one.body == other.body
                or (one.thread_id and one.thread_id == other.thread_id)
                or (one.customer_id and one.customer_id == other.customer_id)
            )
            assert not tied or part_of[i] == part_of[j]


def test_the_split_does_not_depend_on_the_order_of_rows() -> None:
    rows = [row(place) for place in range(50)]
    _, kept = hold_out(rows)
    _, kept_reversed = hold_out(rows[::-1])
    assert {rows[i].id for i in kept} == {rows[::-1][i].id for i in kept_reversed}


def test_rows_that_all_hang_together_cannot_be_split() -> None:
    rows = [row(place, customer_id="one") for place in range(30)]
    with pytest.raises(DatasetError, match="--test"):
        hold_out(rows)


def day(number: int) -> str:
    return f"2026-01-{number + 1:02}"


SHAPES = st.lists(
    st.tuples(
        st.integers(0, 9),
        st.integers(0, 9) | st.none(),
        st.integers(0, 9) | st.none(),
        st.integers(0, 27) | st.none(),
    ),
    min_size=2,
    max_size=60,
)


@settings(deadline=None)
@given(SHAPES)
def test_a_split_loses_and_repeats_nothing_and_no_group_straddles_it(
    shapes: list[tuple[int, int | None, int | None, int | None]],
) -> None:
    rows = [
        row(
            text,
            thread_id=None if thread is None else f"t{thread}",
            customer_id=None if customer is None else f"c{customer}",
            received_at=None if time is None else day(time),
        )
        for text, thread, customer, time in shapes
    ]
    try:
        split = split_rows(rows)
    except DatasetError:
        return
    assert sorted(split.learn + split.kept) == list(range(len(rows)))
    kept = set(split.kept)
    for members in group_rows(rows).members:
        assert kept.issuperset(members) or kept.isdisjoint(members)


def test_the_newest_rows_are_kept_back_when_rows_have_times() -> None:
    rows = [row(n, received_at=day(n % 28)) for n in range(112)]
    split = split_rows(rows)
    oldest_kept = min(rows[n].received_at or "" for n in split.kept)
    assert oldest_kept >= max(rows[n].received_at or "" for n in split.learn)
    assert split.facts.rule == "time"
    assert split.facts.tested_from == oldest_kept
    assert split.facts.newer_learned == 0
    assert oldest_kept in split.facts.sentence()


def test_a_customer_of_years_is_learned_from_and_counted() -> None:
    rows = [row(n, received_at=day(n % 27)) for n in range(100)]
    rows += [row(200 + n, received_at=day(n), customer_id="old") for n in (0, 27)]
    split = split_rows(rows)
    assert {100, 101} <= set(split.learn), "its first mail is older than what is tested"
    assert split.facts.newer_learned == 1
    assert "1 newer rows of older groups" in split.facts.sentence()


def test_a_tenth_of_the_rows_may_lack_a_time_and_is_learned_from() -> None:
    rows = [row(n, received_at=None if n % 10 == 0 else day(n % 28)) for n in range(100)]
    split = split_rows(rows)
    assert split.facts.rule == "time"
    assert {n for n in range(100) if n % 10 == 0} <= set(split.learn)
    rows[1] = row(1)
    assert split_rows(rows).facts.rule == "hash", "more than a tenth lacks one"


@pytest.mark.parametrize("is_timed", [True, False])
def test_a_few_rows_more_keep_nearly_all_rows_where_they_were(*, is_timed: bool) -> None:
    rows = [row(n, received_at=day(n % 28) if is_timed else None) for n in range(500)]
    before = {rows[n].id for n in hold_out(rows[:480])[1]}
    after = {rows[n].id for n in hold_out(rows)[1]}
    assert len(before - after) <= 20


LONG = "my card was stolen in the train to berlin yesterday and i need a new one please"


def test_near_duplicates_never_cross_the_split_and_are_counted() -> None:
    copies = set(range(40))
    rows = [
        TrainingRow(id=str(n), body=f"{chr(97 + n % 20) * 4} {LONG} {chr(97 + n // 20) * 5}")
        for n in copies
    ]
    rows += [row(n) for n in range(200)]
    split = split_rows(rows)
    assert copies.isdisjoint(split.kept) or copies.issubset(split.kept)
    assert split.facts.near_duplicates == 40
    assert split.facts.largest_group == 40
    for part in cut_folds(rows, 4):
        assert copies.isdisjoint(part) or copies.issubset(part)


def test_groups_found_before_give_the_folds_and_the_split_of_groups_found_now() -> None:
    rows = [row(n, customer_id=f"c{n % 41}" if n % 3 else None) for n in range(120)]
    numbers = group_rows(rows).numbers()
    assert cut_folds(rows, 4, numbers) == cut_folds(rows, 4)
    assert hold_out(rows, groups=numbers) == hold_out(rows)


def test_overlap_counts_equal_near_and_kindred_rows_and_names_some() -> None:
    learned = [
        TrainingRow(id="1", body=LONG, customer_id="c1", tenant="acme"),
        row(3, thread_id="t1"),
    ]
    asked = [
        TrainingRow(id="a", body=LONG.upper() + "!", customer_id="c1", tenant="acme"),
        TrainingRow(id="b", body=LONG + " thanks"),
        TrainingRow(id="c", body="something else that is asked for the first time"),
        TrainingRow(id="d", body="quite another matter", customer_id="c1", tenant="acme"),
        TrainingRow(id="e", body="and a third one", customer_id="c1", tenant="globex"),
        TrainingRow(id="f", body="a fourth, in an old thread", thread_id="t1"),
    ]
    overlap = measure_overlap(asked, learned, [f"/data/t.jsonl:{n}" for n in range(6)])
    assert (overlap.rows, overlap.equal, overlap.near, overlap.same_origin) == (6, 1, 1, 2)
    assert overlap.examples == ("t.jsonl:0", "t.jsonl:1", "t.jsonl:3", "t.jsonl:5")
    words = overlap.warning("test")
    assert (
        "2 more are of its thread or customer (t.jsonl:0, t.jsonl:1, t.jsonl:3, t.jsonl:5)" in words
    )


def test_how_likely_a_row_is_kept_back_does_not_depend_on_the_size_of_its_group() -> None:
    rows = [row(n) for n in range(2000)]
    rows += [row(2000 + n, customer_id=f"c{n // 50}") for n in range(2000)]
    kept = hold_out(rows)[1]
    alone, grouped = (sum(place < 2000 for place in kept), sum(place >= 2000 for place in kept))
    assert 0.12 < alone / 2000 < 0.28
    assert 0.12 < grouped / 2000 < 0.28


def test_a_new_group_that_is_too_large_is_told_apart_from_new_rows_of_old_groups() -> None:
    rows = [row(n, received_at=day(n % 26)) for n in range(100)]
    rows += [row(200 + n, received_at=day(27), customer_id="new") for n in range(60)]
    rows += [row(300 + n, received_at=day(n), customer_id="old") for n in (0, 27)]
    split = split_rows(rows)
    assert (split.facts.newer_learned, split.facts.too_large) == (1, 60)
    assert "60 rows of new groups too large to keep back" in split.facts.sentence()
