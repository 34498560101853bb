import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.clean.boilerplate import MAX_ENTRIES, Boilerplate


def found(line: str, *entries: str) -> bool:
    return Boilerplate.of(entries).spans([line]) == [(0, 1)]


@pytest.mark.parametrize(
    ("entry", "line", "expected"),
    [
        ("Acme desk", "ACME  desk ", True),
        ("Acme desk", "Acme desk!", False),
        ("Ticket *", "Ticket 7", True),
        ("Ticket *", "My ticket 7", False),
        ("* via Acme", "Jane via Acme", True),
        ("a*b*abcd", "a b abcd", True),
        ("abcd*cdef", "abcdef", False),
        ("Ticket [1] *", "Ticket [1] x", True),
        ("Ticket * of Acme", "Ticket 7 of Acme and more", False),
        ("* of Acme", "Ticket 7 of Acme and more", False),
        ("My * desk", "My Acme desk", True),
    ],
)
def test_an_entry_matches_whole_lines_and_a_star_any_words(
    entry: str, line: str, expected: bool
) -> None:
    assert found(line, entry) == expected


@pytest.mark.parametrize("entry", ["", "*", "ok", "* - *", "x" * 3_000])
def test_an_entry_that_would_take_a_customers_words_is_refused_by_name(entry: str) -> None:
    with pytest.raises(ValueError, match="entry 2"):
        Boilerplate.of(["Acme desk", entry])


@pytest.mark.parametrize(
    "entries",
    [["line\n" * 21], [f"* of tenant {number}" for number in range(21)]],
)
def test_entries_that_would_cost_every_mail_much_are_refused(entries: list[str]) -> None:
    with pytest.raises(ValueError, match=r"at most 20|20 lines"):
        Boilerplate.of(entries)


def test_the_search_stops_where_the_check_says_so() -> None:
    asked = 0

    def count() -> None:
        nonlocal asked
        asked += 1

    Boilerplate.of(["Acme desk *"]).spans(["acme"] * 640, count)
    assert asked == 10


def test_too_many_entries_are_refused() -> None:
    with pytest.raises(ValueError, match=str(MAX_ENTRIES)):
        Boilerplate.of(f"entry number {number}" for number in range(MAX_ENTRIES + 1))


@given(st.lists(st.sampled_from(["Acme desk", "Ticket 7", "hello", ""]), max_size=20))
def test_spans_rise_and_never_overlap(lines: list[str]) -> None:
    spans = Boilerplate.of(["Acme desk", "Ticket *\nAcme desk"]).spans(lines)
    ends = [0, *(end for _, end in spans)]
    assert all(start >= end for (start, _), end in zip(spans, ends, strict=False))
    assert all(lines[start] for start, _ in spans)
