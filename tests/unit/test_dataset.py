import gzip
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.dataset import DatasetError, answer_of, find_heads, read_dataset
from models.labels import HeadSpec, TrainingRow
from models.split import cut_folds, hold_out, normalise


def write(path: Path, *rows: object) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


def row(place: int, **more: object) -> TrainingRow:
    return TrainingRow(
        id=str(place), body=f"text {chr(97 + place % 26) * (1 + place // 26)}", **more
    )  # type: ignore[arg-type]


def test_json_lines_are_read_plain_and_gzipped_alike(tmp_path: Path) -> None:
    plain = write(
        tmp_path / "a.jsonl",
        {
            "id": "1",
            "subject": None,
            "body": "Wo ist meine Karte?",
            "labels": {"topic": "card"},
            "more": 1,
        },
        {"id": "2", "subject": "s", "body": None, "labels": {"tags": ["x", "y"]}},
    )
    packed = tmp_path / "b.jsonl.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    dataset = read_dataset([plain, packed])
    assert dataset.rows[:2] == dataset.rows[2:]
    assert [file.name for file in dataset.files] == ["a.jsonl", "b.jsonl.gz"]
    assert [file.rows for file in dataset.files] == [2, 2]
    assert dataset.files[0].sha256 != dataset.files[1].sha256


def test_stdin_is_read_as_json_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stdin:
        buffer = io.BytesIO(b'{"id": "1", "body": "hello", "labels": {"topic": "a"}}\n')

    monkeypatch.setattr("sys.stdin", Stdin)
    assert read_dataset([Path("-")]).rows[0].body == "hello"


def test_csv_gives_heads_lists_and_attributes(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(
        "\ufeffid,subject,body,label:queue,label:tags,attribute:bank,ignored\n"
        '1,Hi,"two\nlines, one cell",billing,a|b,North,x\n'
        "2,,second,,a,,y\n"
        ",,third,cards,,,\n",
        encoding="utf-8",
    )
    first, second, third = read_dataset([path]).rows
    assert first.body == "two\nlines, one cell"
    assert first.labels == {"queue": "billing", "tags": ["a", "b"]}
    assert first.attributes == {"bank": "North"}
    assert second.labels == {"tags": ["a"]}, "a list column stays a list with one label"
    assert third.labels == {"queue": "cards"}, "an empty cell is unknown, not negative"
    assert third.id == "5", "a row without id is named by its line"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{not json", "JSON"),
        ('{"id": 3, "body": "x"}', "$.id"),
        ('{"id": "1", "body": "x", "labels": {"topic": 3}}', "$.labels"),
        ('{"id": "1", "body": "  ", "labels": {"topic": "a"}}', "neither subject nor body"),
        ('{"id": "1", "body": "x", "labels": {"topic": ""}}', "empty label in head 'topic'"),
    ],
)
def test_a_bad_row_is_named_by_file_and_line(tmp_path: Path, line: str, words: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(f'{{"id": "0", "body": "good"}}\n\n{line}\n')
    with pytest.raises(DatasetError) as caught:
        read_dataset([path])
    assert f"{path}:3: " in str(caught.value)
    assert words in str(caught.value)


def test_several_bad_rows_are_named_at_once(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", *({"id": str(i)} for i in range(20)))
    with pytest.raises(DatasetError) as caught:
        read_dataset([path])
    assert [f":{n}: " in str(caught.value) for n in (1, 5, 6)] == [True, True, False]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("rows.parquet", b"", "extra `store`"),
        ("rows.xlsx", b"", "unknown kind of file"),
        ("empty.jsonl", b"\n", "has no rows"),
        ("half.jsonl.gz", gzip.compress(b"{}" * 99)[:-9], "no whole gzip file"),
        ("latin.jsonl", b'{"id": "1"}\n{"id": "\xe4"}', "latin.jsonl:2: not UTF-8"),
        ("rows.csv", b"id,body\n1,x\n", "label:<head>"),
        ("short.csv", b"id,body,label:a\n1,x\n", "short.csv:2:"),
    ],
)
def test_a_file_that_cannot_be_read_says_the_way_out(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DatasetError, match=words.replace("<", "<")):
        read_dataset([tmp_path / name])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"nothing\.jsonl cannot be read"):
        read_dataset([tmp_path / "nothing.jsonl"])


def test_a_head_is_multi_label_if_any_row_answers_with_a_list() -> None:
    rows = [row(0, labels={"a": "x", "b": "x"}), row(1, labels={"a": [], "b": "y"}), row(2)]
    heads = find_heads(rows)
    assert heads["a"] == HeadSpec("a", "multilabel", ("x",))
    assert heads["b"] == HeadSpec("b", "multiclass", ("x", "y"))
    assert [answer_of(one, "a") for one in rows] == [("x",), (), None]


def test_a_head_with_one_class_is_refused_in_words() -> None:
    heads = find_heads([row(0, labels={"only": "yes"}), row(1, labels={"only": "yes"})])
    assert isinstance(heads["only"], str)
    assert "'only'" in heads["only"]


def test_copies_of_a_text_never_cross_the_split() -> None:
    rows = [TrainingRow(id=str(i), body=f"Order {i % 25 * 'x'} no. {i}!") for i in range(200)]
    learn, kept = hold_out(rows)
    assert sorted(learn + kept) == list(range(200))
    assert 30 <= len(kept) <= 40
    assert not {normalise(rows[i].body or "") for i in learn} & {
        normalise(rows[i].body or "") for i in kept
    }


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
