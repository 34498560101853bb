import gzip
import io
import json
from pathlib import Path

import pytest

from models.labels import HeadSpec, TrainingRow
from models.rows.dataset import (
    Dataset,
    DatasetError,
    answer_of,
    find_heads,
    languages_of,
    read_dataset,
    schemas_of,
)


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
        "\ufeffid,subject,body,label:queue,label:tags,attribute:bank,received_at\n"
        '1,Hi,"two\nlines, one cell",billing,a|b,North,2026-03-31\n'
        "2,,second,,a,,\n"
        ",,third,cards,,,\n",
        encoding="utf-8",
    )
    first, second, third = read_dataset([path]).rows
    assert first.body == "two\nlines, one cell"
    assert first.labels == {"queue": "billing", "tags": ["a", "b"]}
    assert first.attributes == {"bank": "North"}
    assert (first.received_at, second.received_at) == ("2026-03-31", None)
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
        ('{"id": "1", "body": "x", "labels": {"topic": " \\t"}}', "empty label in head 'topic'"),
        ('{"id": "1", "body": "x", "labels": {"tags": ["a", " "]}}', "empty label in head 'tags'"),
        ('["1", "x"]', "each row is an object"),
        ('"just words"', "each row is an object"),
        ('{"id": "1", "body": "x", "received_at": "31.03.2026"}', "write it like 2026-03-31"),
        ('{"id": "1", "body": "x", "received": "soon"}', "received_at='soon' is no time"),
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
        ("book.xls", b"", "save it as `CSV UTF-8`"),
        ("empty.jsonl", b"\n", "empty.jsonl:1: no rows, all 1 lines are blank; write each row as"),
        ("blank.jsonl.gz", gzip.compress(b" \n\n \r\n"), "gz:1: no rows, all 3 lines are blank"),
        ("blank.csv", b"\n\n  \n\n", "csv:1: no rows, all 4 lines are blank; write a header"),
        ("nothing.csv", b"", "has no rows: it is empty"),
        ("header.csv", b"id,body,label:a\n", "a header and nothing below"),
        ("ansi.csv", b"id,body,label:a\n1,gr\xfcn,b\n", r"ansi.csv:2: not UTF-8.*Excel"),
        ("half.csv", b"\xff\xfei\x00d", "begins as UTF-16"),
        ("twice.csv", b"id,body,body,label:a\n1,x,y,z\n", r"twice.csv:1: columns .'body'. stand"),
        ("textless.csv", b"id,label:a\n1,x\n", "no column `body` or `subject`"),
        ("half.jsonl.gz", gzip.compress(b"{}" * 99)[:-9], "no whole gzip file"),
        ("latin.jsonl", b'{"id": "1"}\n{"id": "\xe4"}', "latin.jsonl:2: not UTF-8"),
        ("rows.csv", b"id,body\n1,x\n", "label:<head>"),
        ("short.csv", b"id,body,label:a\n1,x\n", "short.csv:2:"),
        ("open.csv", b'id,"body,label:a\n1,x,y\n', "open.csv:1: .*write the header again"),
        ("stray.csv", b'body,label:a\nx,y\n"a"b,y\n', "stray.csv:3: .*write the CSV again"),
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


def read(path: Path, text: str, encoding: str = "utf-8") -> Dataset:
    path.write_bytes(text.encode(encoding))
    return read_dataset([path])


ROWS = 'id{0}subject{0}body{0}label:topic\r\n1{0}Größe{0}"a,b;c"{0}x\r\n2{0}{0}d{0}y\r\n'


@pytest.mark.parametrize(
    ("delimiter", "before", "encoding"),
    [
        (",", "", "utf-8-sig"),
        (";", "", "utf-8-sig"),
        (";", "sep=;\r\n", "utf-8"),
        ("|", "sep=|\r\n", "utf-8"),
        ("\t", "", "utf-16"),
    ],
)
def test_what_a_spreadsheet_exports_is_read(
    tmp_path: Path, delimiter: str, before: str, encoding: str
) -> None:
    dataset = read(tmp_path / "export.csv", before + ROWS.format(delimiter), encoding)
    first, second = dataset.rows
    assert (first.subject, first.body, first.labels) == ("Größe", "a,b;c", {"topic": "x"})
    assert (second.subject, second.body, second.labels) == (None, "d", {"topic": "y"})
    assert dataset.places[0].endswith(f":{3 if before else 2}")


def test_empty_lines_that_a_spreadsheet_leaves_are_no_rows(tmp_path: Path) -> None:
    assert len(read(tmp_path / "a.csv", "id,body,label:a\n1,x,y\n,,\n , ,\n").rows) == 1


def test_blank_lines_before_the_header_are_passed_over_and_counted(tmp_path: Path) -> None:
    dataset = read(tmp_path / "a.csv", "\n \r\nid;body;label:a\n1;x, x;y\n")
    assert (dataset.rows[0].body, dataset.places[0][-2:]) == ("x, x", ":4")


@pytest.mark.parametrize(
    ("text", "line", "own", "other"),
    [
        ("body,label:a\nfirst,x\nmy card;card\n", 3, ",", ";"),
        ("subject;body;label:a\nHi;first;x\nHi,second,y\n", 3, ";", ","),
        ('subject,body,label:a\r\n"Hi";"a, b";"x"\r\n', 2, ",", ";"),
        ('sep=;\nbody;label:a\n"one\nmail";x\nnext,y\n', 5, ";", ","),
        ("body,label:a\rfirst,x\rnext;y\r", 3, ",", ";"),
    ],
)
def test_lines_with_another_separator_than_the_header_are_named_with_both(
    tmp_path: Path, text: str, line: int, own: str, other: str
) -> None:
    with pytest.raises(DatasetError) as caught:
        read(tmp_path / "mixed.csv", text)
    assert f"mixed.csv:{line}: " in str(caught.value)
    assert f"it is separated by {other!r} and the header by {own!r}" in str(caught.value)
    assert "write the whole file with one of them" in str(caught.value)


def test_a_bar_alone_says_that_no_label_applies(tmp_path: Path) -> None:
    dataset = read(tmp_path / "a.csv", "body,label:tags\nx,lost|late\ny,|\nz,\n")
    assert [one.labels for one in dataset.rows] == [{"tags": ["lost", "late"]}, {"tags": []}, {}]


@pytest.mark.parametrize(
    ("column", "known_form"),
    [
        ("category", "label:category"),
        ("Label: topic", "write label:topic"),
        ("Attributes:bank", "write attribute:bank"),
        ("Body", "write body"),
        ("Betreff", "write subject"),
        ("customer id", "write customer_id"),
        ("recieved_at", "write received_at"),
        ("Datum", "write received_at"),
    ],
)
def test_an_unknown_column_is_refused_with_the_nearest_known_form(
    tmp_path: Path, column: str, known_form: str
) -> None:
    with pytest.raises(DatasetError) as caught:
        read(tmp_path / "rows.csv", f"id,subject,text,{column},label:a\n1,a,x,y,z\n")
    assert f"{tmp_path / 'rows.csv'}:1: unknown columns" in str(caught.value)
    assert f"{column!r}: " in str(caught.value)
    assert known_form in str(caught.value)
    assert "'text': write body" in str(caught.value), "all unknown columns are named at once"


def test_json_lines_ignore_fields_that_are_not_known(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", {"id": "1", "body": "x", "category": "y", "labels": {}})
    assert read_dataset([path]).rows == (TrainingRow(id="1", body="x"),)


def test_received_is_another_name_of_the_time(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.jsonl",
        {"id": "1", "body": "x", "received": "2015-03-31"},
        {"id": "2", "body": "y", "received_at": "2015-03-31T02:00:00+02:00", "received": "2000"},
        {"id": "3", "body": "z", "received": None},
    )
    one, two, three = read_dataset([path]).rows
    assert one.received_at == "2015-03-31"
    assert one.received_s() == two.received_s(), "a plain date is its midnight in UTC"
    assert three.received_s() is None


def test_one_id_with_two_labels_is_refused_and_both_lines_are_named(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.jsonl",
        {"id": "7", "body": "x", "labels": {"topic": "card"}},
        {"id": "8", "body": "y", "labels": {"topic": "card"}},
        {"id": "7", "body": "z", "labels": {"topic": "loan"}},
    )
    with pytest.raises(DatasetError) as caught:
        read_dataset([path])
    for words in (f"{path}:3: id='7'", f"at {path}:1", "'loan'", "'card'", "'topic'"):
        assert words in str(caught.value)


def test_equal_duplicates_are_fine_and_counted(tmp_path: Path) -> None:
    rows = [
        {"id": "7", "body": "x", "labels": {"topic": "card"}},
        {"id": "7", "body": "x", "labels": {"topic": "card"}},
        {"id": "7", "body": "x", "labels": {"other": "head"}},
        {"id": "7", "body": "x", "tenant": "t", "labels": {"topic": "loan"}},
    ]
    assert read_dataset([write(tmp_path / "a.jsonl", *rows)]).warnings == (
        "2 rows repeat the id and the labels of an earlier row",
    )


def test_two_files_that_count_their_rows_alike_are_only_warned_of(tmp_path: Path) -> None:
    one = write(tmp_path / "a.jsonl", {"id": "1", "body": "x", "labels": {"topic": "card"}})
    two = write(tmp_path / "b.jsonl", {"id": "1", "body": "y", "labels": {"topic": "loan"}})
    (warning,) = read_dataset([one, two]).warnings
    assert f"'1' at {one.name}:1 and {two.name}:1" in warning
    two = write(tmp_path / "b.jsonl", {"id": "1", "body": "x", "labels": {"topic": "loan"}})
    with pytest.raises(DatasetError, match="keep the right one"):
        read_dataset([one, two])


def test_csv_rows_without_ids_never_clash(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("body,label:a\none,x\n")
    (tmp_path / "b.csv").write_text("body,label:a\ntwo,y\n")
    assert not read_dataset([tmp_path / "a.csv", tmp_path / "b.csv"]).warnings


def test_equal_texts_with_different_labels_are_counted_with_examples_and_no_text(
    tmp_path: Path,
) -> None:
    bodies = [("Geheim  1", "a"), ("geheim 1", "b"), ("geheim 2", "b"), ("geheim 1", "a")]
    rows = [{"id": str(n), "body": x, "labels": {"h": y}} for n, (x, y) in enumerate(bodies)]
    path = write(tmp_path / "a.jsonl", *rows)
    (warning,) = read_dataset([path]).warnings
    assert "head 'h': 1 rows have the text of an earlier row and another label" in warning
    assert f"'a' at {path.name}:1 and 'b' at {path.name}:2" in warning
    assert "geheim" not in warning.lower()


def test_white_space_around_a_label_of_a_csv_cell_is_no_part_of_it(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("body,label:topic,label:tags\none, card ,a | b\ntwo,  ,  \n")
    assert [row.labels for row in read_dataset([path]).rows] == [
        {"topic": "card", "tags": ["a", "b"]},
        {},
    ]


def test_labels_that_differ_only_by_case_or_white_space_are_warned_of(tmp_path: Path) -> None:
    labels = ["Card", "card", "card ", "loan", "Card"]
    rows = [
        {"id": str(n), "body": f"body {n}", "labels": {"h": label}}
        for n, label in enumerate(labels)
    ]
    path = write(tmp_path / "a.jsonl", *rows)
    (warning,) = read_dataset([path]).warnings
    assert (
        f"'Card' (2 rows, first at {path.name}:1) and 'card' (1 rows, first at {path.name}:2)"
        in warning
    )
    assert "loan" not in warning


def test_labels_of_one_tenant_are_not_in_the_schema_of_another() -> None:
    rows = [
        row(0, tenant="a", labels={"h": "x", "g": "only a"}),
        row(1, tenant="b", labels={"h": ["y", "z"]}),
        row(2, labels={"h": "everyone"}),
        row(3, tenant="default", labels={"h": "default's"}),
        row(4, tenant="a", labels={"h": "of two"}),
        row(5, tenant="b", labels={"h": "of two"}),
    ]
    shared = ("default's", "everyone", "of two")
    assert schemas_of(rows) == {
        "*": {"g": (), "h": shared},
        "a": {"g": ("only a",), "h": (*shared, "x")},
        "b": {"g": (), "h": (*shared, "y", "z")},
    }


def test_rows_of_one_tenant_or_of_nobody_need_no_schema() -> None:
    nobodys = [row(0, labels={"h": "x"}), row(1, tenant="default", labels={"h": "y"})]
    assert schemas_of(nobodys) == {}
    own = row(2, tenant="a", labels={"h": "own"})
    assert schemas_of([own, row(3, tenant="a", labels={"h": "x"})]) == {}
    assert schemas_of([own, *nobodys]) == {"*": {"h": ("x", "y")}, "a": {"h": ("own", "x", "y")}}


def test_a_tenant_whose_rows_have_no_tag_still_has_the_tags_of_everyone() -> None:
    rows = [
        row(0, tenant="a", labels={"tags": []}),
        row(1, tenant="b", labels={"tags": ["lost"]}),
        row(2, labels={"tags": ["late"]}),
    ]
    assert schemas_of(rows)["a"] == {"tags": ("late",)}


def test_languages_are_those_that_enough_rows_say() -> None:
    def languages(*said: str | None) -> tuple[str, ...]:
        return languages_of([row(n, language=one) for n, one in enumerate(said)])

    assert languages("de-DE", "EN", "de", None) == ("de", "en")
    assert languages(*["de"] * 150, *["fr"] * 2, "it") == ("de", "fr")
    assert languages("de", None, None) == (), "most rows do not say"
    assert languages("de", "German") == (), "no mail's language is called so"


def test_a_column_of_labels_that_is_empty_everywhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("body,label:topic,label:prio\nlost,card,\nmissing,card, \n")
    with pytest.raises(DatasetError, match=r"rows\.csv:1: column 'label:prio' is empty in all 2"):
        read_dataset([path])


@pytest.mark.parametrize(("several", "is_odd"), [(1, True), (2, False)])
def test_a_few_lists_that_make_a_head_multi_label_are_named(
    tmp_path: Path, several: int, is_odd: bool
) -> None:
    path = tmp_path / "rows.csv"
    lines = [
        f"mail {chr(97 + n % 26)}{n},{'card|fee' if n < several else 'card'}" for n in range(100)
    ]
    path.write_text("\n".join(["body,label:topic", *lines]))
    warned = " ".join(read_dataset([path]).warnings)
    assert ("1 of 100 rows have several labels (the first: rows.csv:2" in warned) == is_odd
