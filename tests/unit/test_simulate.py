import json
from email import message_from_bytes, policy
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import PoisonRecordError
from stream.records import decode_inbound_email
from stream.simulate import OutgoingRecord, World
from stream.simulate.grammar import chance, expand, read_table, with_typos, without_umlauts
from stream.simulate.letters import MOST_SENTENCES, write_letter
from stream.simulate.poison import POISON_KINDS, poison
from stream.simulate.tenants import PRIORITIES, TENANTS
from stream.topics import INBOUND_EMAILS, INBOUND_EMAILS_BULK


@pytest.fixture(scope="module")
def traffic() -> list[OutgoingRecord]:
    return list(islice(World(5).traffic(), 600))


def test_equal_seeds_give_equal_worlds(traffic: list[OutgoingRecord]) -> None:
    assert list(islice(World(5).traffic(), 600)) == traffic
    assert list(World(5).history(50)) == list(World(5).history(50))


def test_other_seeds_give_other_worlds(traffic: list[OutgoingRecord]) -> None:
    assert list(islice(World(6).traffic(), 600)) != traffic
    assert [row.body for row in World(5).history(20)] != [row.body for row in World(6).history(20)]


def test_a_longer_history_begins_with_the_shorter_one() -> None:
    assert list(World(1).history(40))[:10] == list(World(1).history(10))


def test_history_has_two_languages_all_tenants_and_all_labels() -> None:
    rows = list(World(1).history(600))
    assert {row.language for row in rows} == {"en", "de"}
    assert {row.tenant for row in rows} == {tenant.name for tenant in TENANTS}
    assert {row.labels["topic"] for row in rows} == {
        topic for tenant in TENANTS for topic in tenant.topics
    }
    assert {row.labels["priority"] for row in rows} == set(PRIORITIES)
    tags = [tag for row in rows for tag in row.labels["tags"]]
    assert set(tags) == {tag for tenant in TENANTS for tag in tenant.tags}
    assert any(row.labels["tags"] == [] for row in rows)


def test_topics_of_a_tenant_are_its_own_and_some_are_shared() -> None:
    seen = {tenant.name: set(tenant.topics) for tenant in TENANTS}
    assert set.intersection(*seen.values())
    for row in World(1).history(300):
        assert row.labels["topic"] in seen[str(row.tenant)]


def test_history_hardly_repeats_itself() -> None:
    bodies = [row.body for row in World(1).history(1000)]
    assert len(set(bodies)) > 980


def test_traffic_does_not_repeat_the_history(traffic: list[OutgoingRecord]) -> None:
    history = {row.body for row in World(5).history(600)}
    bodies = [decode_inbound_email(record.value).body for record in traffic if record.truth]
    shared = [body for body in bodies if body is not None and body in history]
    assert len(shared) <= 3  # one-sentence mails may meet by chance


def test_letters_have_one_to_twelve_sentences_without_leftover_templates() -> None:
    rng = chance("letters")
    lengths: set[int] = set()
    for _ in range(800):
        letter = write_letter(rng)
        text = f"{letter.subject} {letter.greeting} {' '.join(letter.sentences)}"
        assert not set("[]{}|") & set(text), text
        lengths.add(len(letter.sentences))
    assert min(lengths) == 1
    assert max(lengths) <= MOST_SENTENCES
    assert len(lengths) >= 10


def test_every_line_of_the_tables_expands() -> None:
    for name in ("topics.en", "topics.de", "phrases.en", "phrases.de"):
        for section, lines in read_table(name).items():
            assert lines, section
            for line in lines:
                text = expand(line, chance(line), lambda slot: f"<{slot}>")
                assert text
                assert not set("[]|") & set(text)


@given(st.text(), st.integers(0, 5), st.integers())
def test_typos_keep_the_number_of_words(text: str, count: int, seed: int) -> None:
    assert len(with_typos(text, count, chance(seed)).split(" ")) == len(text.split(" "))


def test_a_foreign_keyboard_spells_umlauts() -> None:
    assert without_umlauts("Größe über Äcker") == "Groesse ueber Aecker"


def test_traffic_has_every_form_and_the_bulk_topic(traffic: list[OutgoingRecord]) -> None:
    forms = {"body": 0, "html": 0, "raw": 0}
    for record in traffic:
        if record.value is None or record.caption is None:
            continue
        email = decode_inbound_email(record.value)
        assert email.id == record.record_id
        forms["raw" if email.raw else "html" if email.html else "body"] += 1
    assert min(forms.values()) > 50
    assert {record.topic for record in traffic} == {INBOUND_EMAILS, INBOUND_EMAILS_BULK}


def test_labels_are_never_sent(traffic: list[OutgoingRecord]) -> None:
    for record in traffic:
        if record.truth:
            assert record.value is not None
            assert "labels" not in json.loads(record.value)
            assert not record.headers


def test_raw_mails_have_alternatives_attachments_and_the_headers_of_machines(
    traffic: list[OutgoingRecord],
) -> None:
    types: set[str] = set()
    headers: set[str] = set()
    for record in traffic:
        if record.caption is None or not (raw := decode_inbound_email(record.value).raw):
            continue
        message = message_from_bytes(raw, policy=policy.default)
        assert (message["Subject"] or "") == record.caption
        types |= {part.get_content_type() for part in message.walk()}
        headers |= {name.lower() for name in message}
    assert {"multipart/alternative", "multipart/mixed", "multipart/report"} <= types
    assert {"text/plain", "text/html", "application/pdf"} <= types
    assert {"auto-submitted", "list-unsubscribe", "precedence"} <= headers


def test_traffic_has_replies_signatures_footers_and_styles(traffic: list[OutgoingRecord]) -> None:
    everything = b"\n".join(record.value or b"" for record in traffic).decode(errors="replace")
    for mark in ("in_reply_to", "Ursprüngliche Nachricht", "Original Message", "> ", "-- \\n"):
        assert mark in everything
    for mark in ("Amtsgericht", "<style", "<table", "MsoNormal", "iPhone"):
        assert mark in everything


def test_traffic_has_a_few_poison_records(traffic: list[OutgoingRecord]) -> None:
    poisoned = [record for record in traffic if record.caption is None]
    assert 3 <= len(poisoned) <= 30


@pytest.mark.parametrize(
    ("kind", "stage", "error"),
    [
        ("null-value", "decode", "null-value"),
        ("bad-utf8", "decode", "bad-utf8"),
        ("bad-json", "decode", "bad-json"),
        ("not-an-object", "validate", "wrong-shape"),
        ("missing-id", "validate", "wrong-shape"),
        ("wrong-type", "validate", "wrong-shape"),
        ("several-forms", "validate", "several-forms"),
        ("bad-base64", "validate", "wrong-shape"),
    ],
)
def test_poison_fails_for_the_reason_of_its_kind(kind: str, stage: str, error: str) -> None:
    with pytest.raises(PoisonRecordError) as caught:
        decode_inbound_email(poison(kind, "m-1"))
    assert (caught.value.stage, caught.value.kind) == (stage, error)


def test_every_kind_of_poison_is_made() -> None:
    assert set(POISON_KINDS) >= {"bad-utf8", "bad-json", "missing-id", "wrong-type", "empty-mail"}
    assert decode_inbound_email(poison("empty-mail", "m-1")).body == "  \n "  # cleaning refuses it
