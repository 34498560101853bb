"""Files of calls: every form gives the fragments that training reads of it, and a bad line is told without its text."""

import gzip
import json
from pathlib import Path

import pytest

from models.churn.call_rows import read_calls
from stream.calls.call_lines import CallLines
from stream.cli.call_files import FileProfiles, read_call_files
from stream.errors import FatalError, PoisonRecordError
from stream.records import CallFragment
from tests.unit.test_churn_rows import text

SAID = (("agent", "How can I help?"), ("customer", "my bill, again"), ("customer", "a “quote”, ok"))
PIECES = [{"seq": at, "speaker": who, "text": words} for at, (who, words) in enumerate(SAID)]
WHOLE = {"call_id": "c", "tenant": "acme", "customer_id": "T1", "fragments": PIECES}
LINES = [
    {**{key: WHOLE[key] for key in ("call_id", "tenant", "customer_id")}, **piece}
    for piece in PIECES
]
CSV = "call_id,tenant,customer_id,seq,speaker,text\n" + "".join(
    f'c,acme,T1,{at},{who},"{words}"\n' for at, (who, words) in enumerate(SAID)
)
MESSAGES = [
    {
        "Transcript": {
            "Results": [
                {
                    "ResultId": f"r{at}",
                    "ChannelId": channel,
                    "Alternatives": [{"Transcript": words}],
                }
            ]
        }
    }
    for at, (channel, words) in enumerate(
        zip(("ch_1", "ch_0", "ch_0"), (words for _, words in SAID), strict=True)
    )
]
HEARD = {"call_id": "c", "tenant": "acme", "customer_id": "T1", "messages": MESSAGES}
FORMS = {
    "whole.jsonl": json.dumps(WHOLE),
    "fragments.jsonl": "\n".join(map(json.dumps, LINES)),
    "rows.csv": CSV,
    "rows-of-a-spreadsheet.csv": "\ufeffsep=;\r\n"
    + CSV.replace(',"', ';"')
    .replace(",", ";", 5)
    .replace("c,acme,T1,", "c;acme;T1;")
    .replace(",agent", ";agent")
    .replace(",customer;", ";customer;"),
    "transcribed.jsonl": json.dumps(HEARD),
}


def found_in(path: Path, tenant: str = "default") -> list[CallFragment | PoisonRecordError]:
    return [one.fragment for one in read_call_files([path], tenant)]


@pytest.mark.parametrize("name", FORMS)
def test_every_form_of_a_call_gives_the_same_fragments(tmp_path: Path, name: str) -> None:
    expected = [
        CallFragment(call_id="c", seq=at, tenant="acme", customer_id="T1", speaker=who, text=words)
        for at, (who, words) in enumerate(SAID)
    ]
    assert found_in(text(tmp_path / name, FORMS[name])) == expected


@pytest.mark.parametrize("name", [name for name in FORMS if not name.startswith("transcribed")])
def test_what_is_scored_is_what_training_reads(tmp_path: Path, name: str) -> None:
    path = text(tmp_path / name, FORMS[name])
    [call] = read_calls(path).rows
    scored = [one for one in found_in(path) if isinstance(one, CallFragment)]
    assert [(one.seq, one.speaker == "customer", one.text) for one in scored] == [
        (one.seq, one.is_customer, one.text) for one in call.fragments
    ]


def test_a_file_of_messages_is_one_call_named_after_the_file(tmp_path: Path) -> None:
    path = tmp_path / "call-17.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, MESSAGES)).encode()))
    found = [one for one in found_in(path, "acme") if isinstance(one, CallFragment)]
    assert [(one.call_id, one.tenant, one.seq, one.text) for one in found] == [
        ("call-17", "acme", at, words) for at, (_, words) in enumerate(SAID)
    ]


def test_a_file_that_names_no_tenant_is_of_the_models(tmp_path: Path) -> None:
    path = text(
        tmp_path / "c.csv", "call_id,seq,text,partial,event\nc,0,hello,true,\nc,1,,,completed\n"
    )
    assert found_in(path, "acme") == [
        CallFragment(call_id="c", seq=0, tenant="acme", text="hello", partial=True),
        CallFragment(call_id="c", seq=1, tenant="acme", text="", event="completed"),
    ]


def test_blank_names_are_names_that_are_not_told() -> None:
    line = b'{"call_id": "c", "tenant": "", "customer_id": "", "seq": 0, "text": "hello"}'
    assert CallLines("f", "acme").of_line(line) == [
        CallFragment(call_id="c", seq=0, tenant="acme", text="hello")
    ]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("secret words", "bad-json"),
        ("[1]", "wrong-shape"),
        ('{"call_id": "c", "seq": 1, "text": "x", "spoken_at": "secret"}', "wrong-shape"),
        ('{"call_id": "c", "seq": -1, "text": "secret"}', "wrong-shape"),
        ('{"call_id": "c", "seq": "secret", "text": "x"}', "wrong-shape"),
        ('{"seq": 1, "text": "secret"}', "wrong-shape"),
        ('{"Transcript": {"Results": [{"ResultId": 3, "x": "secret"}]}}', "wrong-shape"),
        ('{"a":' * 100_000, "bad-json"),
    ],
)
def test_a_bad_line_is_told_by_kind_and_never_by_its_words(line: str, kind: str) -> None:
    with pytest.raises(PoisonRecordError) as told:
        CallLines("f", "default").of_line(line.encode())
    assert told.value.kind == kind
    assert "secret" not in told.value.message


def test_bad_rows_of_a_csv_are_told_and_their_neighbours_read(tmp_path: Path) -> None:
    path = text(tmp_path / "c.csv", "call_id,seq,text\nc,0,a\nc,x,b\nc,1\nc,2,d\n")
    found = list(read_call_files([path], "default"))
    assert [one.number for one in found] == [2, 3, 4, 5]
    assert [isinstance(one.fragment, CallFragment) for one in found] == [True, False, False, True]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("c.csv", "call_id,text\nc,a\n"),
        ("missing.jsonl", None),
        ("c.csv", "call_id,seq,text\nc,0,\x00"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, name: str, content: str | None
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content.encode("utf-8").replace(b"\x00", b"\xff"))
    with pytest.raises(FatalError, match=name.replace(".", r"\.")):
        found_in(path)


def test_a_profile_without_a_tenant_is_of_whichever_call() -> None:
    from models.churn.profile_rows import Profile  # noqa: PLC0415

    rows = [Profile(None, "T1", {"a": 1.0}), Profile("acme", "T2", {"a": 2.0})]
    asked = [("acme", "T1"), ("acme", "T2"), ("beta", "T2"), ("beta", "T3")]
    assert FileProfiles(rows).get_many(asked) == [{"a": 1.0}, {"a": 2.0}, None, None]
