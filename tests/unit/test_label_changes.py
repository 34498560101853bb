from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.labels import TrainingRow
from models.rows.dataset import DatasetError
from models.rows.label_changes import NO_CHANGES, HeadChange, LabelChanges, describe_changes


def read(folder: Path, text: str) -> LabelChanges:
    path = folder / "changes.toml"
    path.write_text(text, encoding="utf-8")
    return LabelChanges.read(path)


def row(**labels: str | list[str]) -> TrainingRow:
    return TrainingRow(id="1", body="x", labels=labels)


TABLES = """
[topic]
"card lost" = "card"
"card stolen" = "card"
"misc" = ""

["line of business"]
Kredit = "loan"
"""


def test_labels_are_renamed_merged_and_removed(tmp_path: Path) -> None:
    changes = read(tmp_path, TABLES)
    rows = [
        row(topic="card lost", **{"line of business": "Kredit"}),
        row(topic="misc", other="misc"),
        row(topic=["card lost", "new", "card stolen", "misc"]),
        row(topic=["misc"]),
        row(topic="untouched"),
    ]
    now = changes.apply(rows)
    assert [one.labels for one in now] == [
        {"topic": "card", "line of business": "loan"},
        {"other": "misc"},
        {"topic": ["card", "new"]},
        {"topic": []},
        {"topic": "untouched"},
    ]
    assert now[-1] is rows[-1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            '[topic]\n"a" = "b"\n"b" = "c"',
            r"head 'topic': 'a' = 'b', but 'b' = 'c' changes the new",
        ),
        ('[topic]\n"a" = "b"\n"b" = ""', r"'b' = '' changes the new name too"),
        ('[topic]\n"a" = "b"\n"b" = "a"', r"changes the new name too"),
        ('[topic]\n"a" = "a"', r"'a' = 'a' changes nothing"),
        ('[topic]\n"a" = " "', r"a label is empty"),
        ('[topic]\n"a" = 5', r"'a' = 5 is no label; quote"),
        ('"a" = "b"', r"'a' stands below no head; write tables"),
        ('[topic]\n"a" = b', r"is no TOML: .*line 2"),
    ],
)
def test_a_change_without_a_clear_meaning_names_file_head_label_and_way_out(
    tmp_path: Path, text: str, words: str
) -> None:
    with pytest.raises(DatasetError, match=words) as caught:
        read(tmp_path, text)
    assert str(tmp_path / "changes.toml") in str(caught.value)


def test_a_file_that_is_missing_or_no_utf8_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"none\.toml cannot be read"):
        LabelChanges.read(tmp_path / "none.toml")
    (tmp_path / "ansi.toml").write_bytes(b'[topic]\n"gr\xfcn" = "b"')
    with pytest.raises(DatasetError, match=r"ansi\.toml: not UTF-8"):
        LabelChanges.read(tmp_path / "ansi.toml")


def test_an_old_label_must_be_known_from_rows_or_the_previous_version(tmp_path: Path) -> None:
    changes = read(tmp_path, '[topic]\n"card lost" = "card"')
    changes.check_known([row(topic="card lost")], {})
    changes.check_known([row(topic=["x", "card lost"])], {})
    changes.check_known([], {"topic": ("card lost", "loan")})
    changes.check_known([row(topic="card")], {})  # the rows have the new name already
    with pytest.raises(DatasetError, match="'card lost'; did you mean 'card last'"):
        changes.check_known([row(topic="card last")], {"topic": ("loan",)})
    with pytest.raises(DatasetError, match="has head 'topic'"):
        changes.check_known([row(queue="card lost")], {})


LABEL = st.sampled_from("abcdefg")


@given(
    st.dictionaries(LABEL, st.sampled_from("vwxyz") | st.none()),
    st.lists(LABEL | st.lists(LABEL, max_size=4)),
)
def test_changes_applied_twice_are_changes_applied_once(
    table: dict[str, str | None], answers: list[str | list[str]]
) -> None:
    changes = LabelChanges({"h": table})
    rows = [row(h=answer) for answer in answers]
    once = changes.apply(rows)
    assert changes.apply(once) == once
    assert len(once) == len(rows)


@given(st.lists(LABEL, unique=True), st.lists(LABEL, unique=True), st.dictionaries(LABEL, LABEL))
def test_every_label_is_told_exactly_once(
    before: list[str], after: list[str], table: dict[str, str]
) -> None:
    change = describe_changes(before, after, table)
    told = [*change.added, *change.renamed.values(), *change.merged]
    assert len(told) == len(set(told))
    assert set(told) <= set(after)
    assert len(told) + change.unchanged == len(after)
    gone = [*change.removed, *change.renamed, *(x for olds in change.merged.values() for x in olds)]
    assert len(gone) == len(set(gone))
    assert len(gone) + change.unchanged == len(before)


def test_a_change_of_every_kind_is_described() -> None:
    change = describe_changes(
        ("a", "b", "c", "d", "e", "f"),
        ("a", "bc", "dd", "f", "new"),
        {"b": "bc", "c": "bc", "d": "dd", "e": None},
    )
    assert change == HeadChange(
        added=("new",),
        removed=("e",),
        declared=("e",),
        renamed={"d": "dd"},
        merged={"bc": ("b", "c")},
        unchanged=2,
    )
    assert not change.is_empty
    assert describe_changes(("a", "b"), ("b", "a"), {}).is_empty


def test_a_label_that_takes_in_another_is_a_merge_with_itself() -> None:
    assert describe_changes(("a", "b"), ("b",), {"a": "b"}).merged == {"b": ("a", "b")}


def test_no_changes_leave_the_rows_as_they_are() -> None:
    rows = [row(topic="a")]
    assert NO_CHANGES.apply(rows) == rows
    assert NO_CHANGES.of("topic") == {}
