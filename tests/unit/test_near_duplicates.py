"""The join against the plain definition, on inputs small enough for it, and inputs made to be slow."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.rows import near_duplicates
from models.rows.folding import fold_words
from models.rows.near_duplicates import find_near, group_near
from models.rows.shingle_sets import MAX_WORDS, IntArray, ShingleSets, count_common

WORD = st.sampled_from(["alfa", "bravo", "carl", "dora", "emil"])
BASE = st.lists(WORD, max_size=12)


@st.composite
def families(draw: st.DrawFn) -> list[str]:
    """Texts of few words, many of them another one with words exchanged, added or cut off."""
    bases = draw(st.lists(BASE, min_size=1, max_size=3))
    texts: list[str] = []
    for _ in range(draw(st.integers(1, 10))):
        words = list(draw(st.sampled_from(bases)))
        for place in draw(st.lists(st.integers(0, 11), max_size=2)):
            words[place : place + 1] = [draw(WORD)]
        texts.append(" ".join(words[draw(st.integers(0, 1)) :]))
    return texts


def are_near(one: str, other: str) -> bool:
    left, right = (
        {tuple(words[n : n + 3]) for n in range(len(words) - 2)}
        for words in (fold_words(one).split(" "), fold_words(other).split(" "))
    )
    return fold_words(one) == fold_words(other) or 5 * len(left & right) > 3 * len(left | right)


def grouped_plainly(texts: list[str]) -> list[int]:
    groups = list(range(len(texts)))
    for n, one in enumerate(texts):
        for m in range(n):
            if are_near(one, texts[m]):
                low, high = sorted((groups[n], groups[m]))
                groups = [low if group == high else group for group in groups]
    return groups


@settings(max_examples=200, deadline=None)
@given(families())
def test_groups_are_those_of_comparing_every_pair(texts: list[str]) -> None:
    assert group_near(texts).tolist() == grouped_plainly(texts)


@settings(max_examples=200, deadline=None)
@given(families(), families())
def test_marks_are_those_of_comparing_every_pair(texts: list[str], others: list[str]) -> None:
    assert find_near(texts, others).tolist() == [
        any(are_near(one, other) for other in others) for one in texts
    ]


def test_short_texts_are_alike_only_when_they_are_equal() -> None:
    assert group_near(["Hi there", "hi, THERE 5!", "hi", "", "?"]).tolist() == [0, 0, 2, 3, 3]


def test_an_empty_list_has_no_groups() -> None:
    assert group_near([]).tolist() == []
    assert find_near([], ["a"]).tolist() == []
    assert find_near(["a"], []).tolist() == [False]


def numbered(number: int) -> str:
    """Nine words that no other number has, without digits, which folding takes away."""
    letters = "".join(chr(97 + int(x)) for x in str(number))
    return " ".join(f"{letters}x{chr(97 + n)}" for n in range(9))


def count_comparisons(texts: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    """How many pairs the join compares in full."""
    compared: list[int] = []

    def count(sets: ShingleSets, left: IntArray, right: IntArray) -> IntArray:
        compared.append(len(left))
        return count_common(sets, left, right)

    monkeypatch.setattr(near_duplicates, "count_common", count)
    group_near(texts)
    return sum(compared)


def test_a_shingle_of_every_text_makes_no_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"{numbered(n)} best regards from berlin" for n in range(1000)]
    assert count_comparisons(texts, monkeypatch) == 0


def test_a_thousand_copies_of_a_form_need_no_million_comparisons(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    form = " ".join(numbered(n) for n in range(5))
    texts = [f"{form} {numbered(1000 + n)[:12]}" for n in range(1000)]
    assert len(set(group_near(texts).tolist())) == 1
    assert count_comparisons(texts, monkeypatch) < 50 * 1000


def test_of_a_very_long_text_the_beginning_counts() -> None:
    head = " ".join(numbered(n) for n in range(MAX_WORDS // 9 + 1))
    assert group_near([f"{head} {'a ' * 9999}", f"{head} {'b ' * 9999}"]).tolist() == [0, 0]
