import base64
import gzip
import json
import mailbox
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from models.churn.profile_rows import read_profiles as read_training_profiles
from models.churn.vectors import category_of, number_of
from stream.cli.call_files import traffic_of_calls, traffic_of_profiles
from stream.errors import FatalError
from stream.records import (
    CallFragment,
    CustomerProfile,
    InboundEmail,
    decode,
    decode_inbound_email,
    encode,
)
from stream.simulate import (
    RowError,
    labelled_rows,
    read_emails,
    training_file_beside,
)

RAW = b"From: a@customer.example\r\nSubject: hi\r\n\r\nhello\r\n"


def write_rows(path: Path, *rows: object) -> Path:
    text = "\n".join(json.dumps(row) for row in rows).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def emails(path: Path) -> list[InboundEmail]:
    return [decode_inbound_email(record.value) for record in read_emails(path)]


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz"])
def test_a_labelled_row_becomes_a_mail_without_its_labels(tmp_path: Path, name: str) -> None:
    row = {
        "id": "x-1",
        "subject": None,
        "body": "My card",
        "language": "en",
        "labels": {"intent": "card", "tags": ["a"]},
        "tenant": "bank",
        "company": "SOME BANK",
        "received": "2019-09-24",
    }
    (record,) = read_emails(write_rows(tmp_path / name, row))
    assert record.record_id == "x-1"
    assert record.caption == "My card"
    assert json.loads(record.value or b"") == {
        "id": "x-1",
        "body": "My card",
        "language": "en",
        "tenant": "bank",
    }


def test_a_plain_inbound_email_keeps_every_field(tmp_path: Path) -> None:
    row = {
        "id": "x-2",
        "tenant": "t",
        "received_at": "2026-01-02T03:04:05Z",
        "subject": "s",
        "html": "<p>h</p>",
        "from": "a@b.example",
        "to": ["c@d.example"],
        "customer_id": "c",
        "thread_id": "th",
        "in_reply_to": "<1@x>",
        "attributes": {"custodian_bank": "B"},
    }
    (record,) = read_emails(write_rows(tmp_path / "rows.jsonl", row))
    assert json.loads(record.value or b"") == row
    assert record.key == b"th"


def test_raw_bytes_and_base64_survive(tmp_path: Path) -> None:
    encoded = base64.b64encode(RAW).decode()
    path = write_rows(
        tmp_path / "m.jsonl",
        {"id": "a", "source": "x", "raw_base64": encoded},
        {"id": "b", "raw": encoded},
    )
    assert [email.raw for email in emails(path)] == [RAW, RAW]


def test_cleaning_fixtures_keep_their_form(tmp_path: Path) -> None:
    path = write_rows(
        tmp_path / "f.jsonl",
        {"id": "a", "raw": "text", "content_type": "text/plain", "expected_reply": "text"},
        {"id": "b", "raw": "<p>t</p>", "content_type": "text/html"},
        {"id": "c", "raw": RAW.decode(), "content_type": "message/rfc822"},
    )
    plain, html, raw = emails(path)
    assert (plain.body, html.html, raw.raw) == ("text", "<p>t</p>", RAW)


def test_bytes_of_a_page_arrive_as_html_mail(tmp_path: Path) -> None:
    page = "<p>größe".encode("utf-16")
    encoded = base64.b64encode(page).decode()
    row = {"id": "a", "source_path": "x/test.html", "raw_base64": encoded}
    (email,) = emails(write_rows(tmp_path / "h.jsonl", row))
    assert email.raw is not None
    assert email.raw.endswith(page)
    assert b"Content-Type: text/html\r\n" in email.raw


@pytest.mark.parametrize("name", ["letter.eml", "letter.txt", "letter.eml.gz"])
def test_a_message_file_is_one_mail(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(RAW) if name.endswith(".gz") else RAW)
    (email,) = emails(path)
    assert email.raw == RAW
    assert email.id.startswith("letter")


def test_an_mbox_gives_its_mails_with_numbered_ids(tmp_path: Path) -> None:
    path = tmp_path / "inbox"
    box = mailbox.mbox(path)
    for number in range(3):
        box.add(RAW.replace(b"hello", b"hello %d" % number))
    box.close()
    got = emails(path)
    assert [email.id for email in got] == ["inbox-00000", "inbox-00001", "inbox-00002"]
    assert all(b"hello %d" % n in (email.raw or b"") for n, email in enumerate(got))


@pytest.mark.parametrize(
    "line",
    [
        "[1, 2]",
        '{"subject": "no id"}',
        '{"id": "a"}',
        '{"id": "a", "raw_base64": "***"}',
        '{"id": "a", "raw": "***"}',
        '{"id": "a", "body": 5}',
        '{"id": "a", "body": "cut',
    ],
)
def test_a_wrong_row_names_file_and_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(f'{{"id": "ok", "body": "fine"}}\n\n{line}\n')
    with pytest.raises(RowError, match=r"rows\.jsonl:3: "):
        list(read_emails(path))


def test_another_kind_of_file_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(RowError, match=r"photo\.png:1: neither"):
        list(read_emails(path))
    with pytest.raises(RowError, match=r"absent: cannot be read"):
        list(read_emails(tmp_path / "absent"))


def test_repeating_starts_again_but_an_empty_file_ends(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "r.jsonl", {"id": "a", "body": "1"}, {"id": "b", "body": "2"})
    again = read_emails(path, repeat=True)
    assert [next(again).record_id for _ in range(5)] == ["a", "b", "a", "b", "a"]
    empty = tmp_path / "empty.jsonl"
    empty.write_text("\n")
    assert list(read_emails(empty, repeat=True)) == []


def test_captions_are_short_and_of_one_line(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "r.jsonl", {"id": "a", "body": "long\n words " * 200})
    (record,) = read_emails(path)
    assert record.caption is not None
    assert len(record.caption) <= 80
    assert "\n" not in record.caption


def test_only_rows_with_labels_are_for_training(tmp_path: Path) -> None:
    path = write_rows(
        tmp_path / "r.jsonl",
        {"id": "a", "body": "1", "labels": {"h": "x"}},
        {"id": "b", "body": "2"},
    )
    (row,) = labelled_rows(path)
    assert (row.id, row.labels) == ("a", {"h": "x"})
    message = tmp_path / "m.eml"
    message.write_bytes(RAW)
    assert list(labelled_rows(message)) == []


def test_the_training_part_is_found_beside_the_test_part(tmp_path: Path) -> None:
    test, train = tmp_path / "n.test.jsonl.gz", tmp_path / "n.train.jsonl.gz"
    assert training_file_beside(test) is None
    train.touch()
    assert training_file_beside(test) == train
    assert training_file_beside(train) is None


def test_a_call_becomes_its_fragments_and_an_end(tmp_path: Path) -> None:
    call = {
        "call_id": "c1",
        "fragments": [
            {"seq": 1, "speaker": "agent", "offset_ms": 10, "text": "hello", "asr": "hallo"},
            {"seq": 2, "speaker": "caller", "offset_ms": None, "text": "hi"},
        ],
        "labels": {"task": "x"},
    }
    [records] = traffic_of_calls(write_rows(tmp_path / "c.jsonl", call))
    fragments = [decode(record.value, CallFragment) for record in records]
    assert {record.key for record in records} == {b"c1"}
    assert [(f.seq, f.speaker, f.text, f.event) for f in fragments] == [
        (1, "agent", "hello", "segment"),
        (2, "customer", "hi", "segment"),
        (3, None, None, "completed"),
    ]


FRAGMENT = CallFragment(
    call_id="c", seq=7, customer_id="T1", speaker="agent", text="hi; you", offset_ms=900,
    spoken_at=datetime(2026, 3, 1, 8, tzinfo=UTC), partial=True,
)  # fmt: skip
ROW = "call_id;seq;customer_id;speaker;text;offset_ms;spoken_at;partial"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("f.jsonl", encode(FRAGMENT)),
        (
            "f.jsonl",
            b"\xef\xbb\xbf" + encode({"new": 1, **msgspec.to_builtins(FRAGMENT)}) + b"\r\n",
        ),
        ("f.csv", f'{ROW}\r\nc;7;T1;agent;"hi; you";900;2026-03-01T08:00;true\r\n'.encode()),
        (
            "f.csv",
            gzip.compress(f'{ROW}\nc;7;T1;agent;"hi; you";900;2026-03-01T08:00Z;1\n'.encode()),
        ),
    ],
)
def test_single_fragments_are_sent_as_they_are_from_whichever_file_and_end_no_call(
    tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    [[record]] = traffic_of_calls(tmp_path / name)
    assert decode(record.value, CallFragment) == FRAGMENT
    assert record.after_s == 0


@pytest.mark.parametrize("line", ['{"call_id": "c"}', "5", '{"fragments": [], "seq": 1}'])
def test_a_wrong_call_names_file_and_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "c.jsonl"
    path.write_text(line)
    with pytest.raises(RowError, match=r"c\.jsonl:1: neither a call nor a fragment"):
        list(traffic_of_calls(path))


def test_profiles_have_numbers_words_and_nulls_but_not_the_answer(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("customer_id,age,plan,total,churn\nc1,30,basic,,yes\nc2,1e3,nan,7.5,no\n")
    records = list(traffic_of_profiles(path))
    first, second = [decode(record.value, CustomerProfile) for record in records]
    assert records[0].key == b"default/c1"
    assert first.features == {"age": 30.0, "plan": "basic", "total": None}
    assert second.features == {"age": 1000.0, "plan": "nan", "total": 7.5}


TABLE = "customer_id;tenure;postal_code;churned\r\nT1;7,5;04109;yes\r\nT2;n/a;10115;no\r\n"
LINES = """{"customer_id": "T1", "tenure": 7.5, "postal_code": "04109"}
{"customer_id": "T2", "tenure": "n/a", "postal_code": 10115}"""


@pytest.mark.parametrize(("name", "content"), [("p.csv", f"\ufeff{TABLE}"), ("p.jsonl", LINES)])
def test_profiles_are_sent_as_training_reads_them(tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / name
    path.write_text(content, newline="")
    sent = [decode(record.value, CustomerProfile).features for record in traffic_of_profiles(path)]
    assert sent == [
        {"tenure": 7.5, "postal_code": "04109"},
        {"tenure": "n/a", "postal_code": 10115.0},
    ]
    trained = [one.features for one in read_training_profiles(path, ["tenure"]).rows]
    for ours, theirs in zip(sent, trained, strict=True):
        assert number_of(ours["tenure"]) == number_of(theirs["tenure"])
        assert category_of(ours["postal_code"]) == category_of(theirs["postal_code"])


def test_a_table_without_customers_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("id,age\n1,2\n")
    with pytest.raises(FatalError, match=r"p\.csv:1: no column 'customer_id'"):
        list(traffic_of_profiles(path))


def test_every_public_mail_file_is_read_as_it_is(shared_data: Path) -> None:
    for folder, least in (("text", 200), ("rfc822", 150), ("cleaning", 8)):
        for path in sorted((shared_data / folder).glob("*.jsonl.gz")):
            ids = [record.record_id for record in read_emails(path)]
            assert len(ids) >= least, path
            assert len(set(ids)) == len(ids)
