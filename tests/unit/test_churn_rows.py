"""Profiles, calls and outcomes from files: what is read, what is counted, how it is told what is wrong."""

import gzip
import json
from pathlib import Path

import pytest

from models.churn.call_rows import Call, Fragment, read_calls
from models.churn.outcome_rows import read_outcomes
from models.churn.profile_rows import read_profiles
from models.rows.errors import DatasetError


def lines(path: Path, *rows: object) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


def text(path: Path, content: str) -> Path:
    path.write_bytes(content.encode("utf-8"))
    return path


# -- profiles ------------------------------------------------------------------------------------


def test_a_csv_gives_numbers_where_a_column_has_them_blanks_as_null_and_words_as_they_are(
    tmp_path: Path,
) -> None:
    content = "customer_id,tenure,charges,partner,zip,churn\nT1,12, ,Yes,01067,no\n\nT2,1.5,9e1,No,10115,yes\n"
    read = read_profiles(text(tmp_path / "p.csv", content))
    assert [one.features for one in read.rows] == [
        {"tenure": 12.0, "charges": None, "partner": "Yes", "zip": "01067"},
        {"tenure": 1.5, "charges": 90.0, "partner": "No", "zip": "10115"},
    ]
    assert [one.customer_id for one in read.rows] == ["T1", "T2"]
    assert read.places[1].endswith("p.csv:4")
    assert (read.file.name, read.file.rows) == ("p.csv", 2)


def test_one_word_among_numbers_makes_a_column_text_unless_it_is_known_to_be_numerical(
    tmp_path: Path,
) -> None:
    path = text(tmp_path / "p.csv", "customer_id,tenure\nT1,12\nT2,n/a\n")
    assert [one.features["tenure"] for one in read_profiles(path).rows] == ["12", "n/a"]
    known = read_profiles(path, ["tenure"])
    assert [one.features["tenure"] for one in known.rows] == [12.0, "n/a"]


def test_what_spreadsheets_write_is_understood(tmp_path: Path) -> None:
    content = "\ufeffsep=;\r\ncustomer_id;charges;plan\r\nT1;29,85;a,b\r\n"
    [one] = read_profiles(text(tmp_path / "p.csv", content)).rows
    assert one.features == {"charges": 29.85, "plan": "a,b"}


@pytest.mark.parametrize("cell", ["nan", "inf", "1_000", "0x10", "-", "1e9999999", "007", "."])
def test_what_only_a_program_would_call_a_number_stays_text(tmp_path: Path, cell: str) -> None:
    [one] = read_profiles(text(tmp_path / "p.csv", f"customer_id,x\nT1,{cell}\n"), ["x"]).rows
    assert one.features["x"] == cell


def test_json_lines_are_customer_profiles_or_flat_and_gzip_is_unpacked(tmp_path: Path) -> None:
    rows = (
        {"customer_id": "T1", "tenant": "telvia", "features": {"tenure": 1, "plan": None}},
        {"customer_id": "T2", "tenure": 2, "plan": "415", "churn": "yes"},
    )
    plain = lines(tmp_path / "p.jsonl", *rows)
    packed = tmp_path / "p.jsonl.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    for path in (plain, packed):
        first, second = read_profiles(path).rows
        assert (first.tenant, first.features) == ("telvia", {"tenure": 1.0, "plan": None})
        assert (second.tenant, second.features) == (None, {"tenure": 2.0, "plan": "415"})


def test_a_customer_has_one_profile_and_equal_ones_are_counted(tmp_path: Path) -> None:
    equal = text(tmp_path / "p.csv", "customer_id,x\nT1,1\nT2,2\nT1,1\n")
    read = read_profiles(equal)
    assert len(read.rows) == len(read.places) == 2
    assert read.notes == ("1 profiles stand there twice",)
    other = text(tmp_path / "q.csv", "customer_id,x\nT1,1\nT2,2\nT1,3\nT2,4\n")
    with pytest.raises(DatasetError) as refused:
        read_profiles(other)
    first, second = str(refused.value).split("\n")
    assert "q.csv:4: customer_id='T1' has another profile at" in first
    assert "q.csv:2; keep the one" in first
    assert "q.csv:5" in second


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"customer_id": "T1", "features": {"x": true}}', "feature 'x' is a bool"),
        ('{"customer_id": "T1", "x": [1]}', "feature 'x' is a list"),
        ('{"x": 1}', "missing required field `customer_id`"),
        ('{"customer_id": 7}', "got `int` - at `$.customer_id`"),
        ('{"customer_id": ""}', "has no customer_id"),
        ("[1]", "Expected `object`"),
        ("{", "write one JSON object in each line"),
        ('{"x": ' * 100_000, "nested too deeply"),
    ],
)
def test_a_bad_line_is_told_with_its_place(tmp_path: Path, content: str, said: str) -> None:
    path = text(tmp_path / "p.jsonl", '{"customer_id": "ok"}\n' + content)
    with pytest.raises(DatasetError) as refused:
        read_profiles(path)
    assert "p.jsonl:2: " in str(refused.value)
    assert said in str(refused.value)


def test_the_first_five_bad_rows_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(DatasetError) as refused:
        read_profiles(text(tmp_path / "p.csv", "customer_id,x\n" + ",1\n" * 9))
    assert str(refused.value).count("has no customer_id") == 5


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is empty"),
        (b"customer_id,x\n", "a header and nothing below it"),
        (b"customer_id,x\nT1,\xff\n", "p.csv:2: not UTF-8"),
        (b"customer,x\nT1,1\n", "no column 'customer_id'; did you mean 'customer'?"),
        (b"customer_id,x,x\nT1,1,2\n", r"columns ['x'] stand there twice"),
        (b"customer_id,x\nT1,1,2\n", "p.csv:2: the row has not as many cells as the header"),
        (b'customer_id,x\nT1,"1\n', "write the CSV again"),
    ],
)
def test_a_bad_file_is_told(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "p.csv"
    path.write_bytes(content)
    with pytest.raises(DatasetError) as refused:
        read_profiles(path)
    assert said in str(refused.value)


# -- calls ---------------------------------------------------------------------------------------


def test_fragments_of_many_calls_are_sorted_into_their_calls_and_by_seq(tmp_path: Path) -> None:
    path = lines(
        tmp_path / "c.jsonl",
        {"call_id": "b", "seq": 2, "text": "third", "speaker": "agent", "tenant": "t"},
        {"call_id": "a", "seq": 0, "text": "hello", "customer_id": "T1"},
        {"call_id": "b", "seq": 0, "text": "first", "speaker": "customer", "tenant": "t"},
        {"call_id": "b", "seq": 0, "text": "of another tenant", "tenant": "u"},
    )
    read = read_calls(path)
    assert read.rows == (
        Call("t", "b", None, (Fragment(0, True, "first"), Fragment(2, False, "third"))),
        Call(None, "a", "T1", (Fragment(0, True, "hello"),)),
        Call("u", "b", None, (Fragment(0, True, "of another tenant"),)),
    )
    assert [place.rpartition(":")[2] for place in read.places] == ["1", "2", "4"]
    assert read.notes == ()


def test_a_seq_counts_once_the_first_one_and_partial_segments_not_at_all(tmp_path: Path) -> None:
    path = lines(
        tmp_path / "c.jsonl",
        {"call_id": "a", "seq": 1, "text": "I wa", "partial": True},
        {"call_id": "a", "seq": 1, "text": "I want"},
        {"call_id": "a", "seq": 1, "text": "I want"},
        {"call_id": "a", "seq": 1, "text": "something else"},
        {"call_id": "a", "seq": 0, "event": "started"},
        {"call_id": "a", "seq": 0, "text": "too late: its seq was seen"},
        {"call_id": "a", "seq": 2, "text": " "},
        {"call_id": "a", "seq": 9, "event": "completed", "text": "good bye"},
    )
    read = read_calls(path)
    assert [fragment.text for fragment in read.rows[0].fragments] == ["I want", "good bye"]
    assert read.notes == (
        "1 fragments that stand there twice",
        "2 fragments with the seq of another one, left out",
        "1 partial segments left out",
    )


def test_whole_calls_are_read_as_their_fragments_are(tmp_path: Path) -> None:
    fragments = [
        {"seq": 4, "speaker": "caller", "text": "hi", "emotion": {"neutral": 1.0}},
        {"seq": 1, "speaker": "agent", "text": "hello", "spoken_at": "2026-03-02T08:31:00Z"},
    ]
    whole = lines(tmp_path / "w.jsonl", {"call_id": "a", "fragments": fragments, "labels": {}})
    apart = lines(tmp_path / "f.jsonl", *({"call_id": "a", **one} for one in fragments))
    assert read_calls(whole).rows == read_calls(apart).rows
    [call] = read_calls(whole).rows
    assert call.fragments == (Fragment(1, False, "hello"), Fragment(4, True, "hi"))
    assert call.began_s == 1772440260


def test_of_several_customers_the_one_that_is_named_first_in_the_call_counts(
    tmp_path: Path,
) -> None:
    rows = [{"call_id": "a", "seq": n, "text": "x", "customer_id": f"T{n}"} for n in (5, 2, 7)]
    read = read_calls(lines(tmp_path / "c.jsonl", *rows, {"call_id": "a", "seq": 0, "text": "x"}))
    assert read.rows[0].customer_id == "T2"
    assert read.notes == ("1 calls name several customers; the first one counts",)


def test_a_csv_of_fragments_is_read(tmp_path: Path) -> None:
    content = 'call_id,seq,speaker,text,customer_id\na,1,agent,"Hello, how are you?",T1\na,0,,hi,\n'
    [call] = read_calls(text(tmp_path / "c.csv", content)).rows
    assert call.customer_id == "T1"
    assert call.fragments == (Fragment(0, True, "hi"), Fragment(1, False, "Hello, how are you?"))


def test_a_call_in_which_nobody_speaks_stays_and_is_counted(tmp_path: Path) -> None:
    read = read_calls(lines(tmp_path / "c.jsonl", {"call_id": "a", "seq": 0, "event": "started"}))
    assert read.rows[0].fragments == ()
    assert read.notes == ("1 calls in which nobody said anything",)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"call_id": "a", "text": "x"}, "missing required field `seq`"),
        ({"call_id": "a", "seq": -1, "text": "x"}, "`int` >= 0"),
        ({"call_id": "a", "seq": 0}, "seq=0 has no text"),
        ({"call_id": "a", "fragments": [{"seq": 3}]}, "seq=3 has no text"),
        ({"call_id": "", "seq": 0, "text": "x"}, "length >= 1"),
        ({"call_id": "a", "seq": 0, "text": "x", "speaker": "robot"}, "Invalid enum value"),
        ({"call_id": "a", "seq": 0, "text": "x", "spoken_at": "now"}, "spoken_at='now' is no time"),
        (
            {"call_id": "a", "fragments": [], "start_time_ms": 1774944900000000},
            "start_time_ms=1774944900000000 is no time; write milliseconds",
        ),
    ],
)
def test_a_bad_fragment_is_told_with_its_place(tmp_path: Path, row: object, said: str) -> None:
    first = {"call_id": "ok", "seq": 0, "text": "x", "customer_id": "A"}
    with pytest.raises(DatasetError) as refused:
        read_calls(lines(tmp_path / "c.jsonl", first, row))
    assert "c.jsonl:2: " in str(refused.value)
    assert said in str(refused.value)


# -- outcomes ------------------------------------------------------------------------------------


def test_outcomes_are_case_outcomes_of_calls(tmp_path: Path) -> None:
    path = lines(
        tmp_path / "o.jsonl",
        {
            "id": "c-1",
            "kind": "call",
            "tenant": "t",
            "churned": True,
            "closed_at": "1970-01-01T00:01:00Z",
        },
        {"id": "e-1", "kind": "email", "labels": {"topic": "card"}},
        {"id": "c-2", "kind": "call", "churned": None},
        {"customer_id": "T1", "churned": False},
    )
    read = read_outcomes(path)
    first, second = read.rows
    assert (first.tenant, first.call_id, first.churned, first.closed_s) == ("t", "c-1", True, 60.0)
    assert (second.call_id, second.customer_id, second.churned) == (None, "T1", False)
    assert len(read.places) == 2
    assert read.notes == ("1 outcomes of e-mails left out", "1 outcomes that do not say who left")


@pytest.mark.parametrize("column", ["churned", "churn"])
@pytest.mark.parametrize(("yes", "no"), [("yes", "no"), ("TRUE", "False"), ("1", "0")])
def test_a_csv_says_yes_or_no_in_any_of_three_ways(
    tmp_path: Path, column: str, yes: str, no: str
) -> None:
    content = f"customer_id,{column},tenure\nT1,{yes},1\nT2,{no},2\nT3,,3\n"
    read = read_outcomes(text(tmp_path / "o.csv", content))
    assert [(one.customer_id, one.churned) for one in read.rows] == [("T1", True), ("T2", False)]


def test_two_answers_for_one_call_are_refused_and_equal_ones_counted(tmp_path: Path) -> None:
    equal = text(tmp_path / "o.csv", "call_id,churned\na,yes\na,yes\n")
    assert read_outcomes(equal).notes == ("1 outcomes stand there twice",)
    other = text(tmp_path / "p.csv", "call_id,customer_id,churned\na,T,yes\na,T,no\n")
    with pytest.raises(DatasetError, match=r"p\.csv:3: call_id='a' has another outcome at .*:2"):
        read_outcomes(other)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("call_id,churned\na,maybe\n", "o.csv:2: churned='maybe' is neither yes nor no"),
        ("call_id,churned\n,yes\n", "o.csv:2: the row has neither call_id nor customer_id"),
        (
            "call_id,churned,closed_at\na,no,0001-01-01T00:00+14:00\n",
            "closed_at='0001-01-01T00:00+",
        ),
        ("call_id,churned\na,\n", "none of 1 rows says who left"),
        ("call_id,left\na,yes\n", "no column 'churned' or 'churn'"),
        ("name,churned\na,yes\n", "no column 'call_id' or 'customer_id'"),
    ],
)
def test_a_bad_outcome_is_told(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(DatasetError) as refused:
        read_outcomes(text(tmp_path / "o.csv", content))
    assert said in str(refused.value)
