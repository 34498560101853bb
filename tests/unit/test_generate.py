import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from stream import generate
from stream.asyncapi import RECORDS, asyncapi_document, file_stem, record_schema
from stream.errors import PoisonRecordError
from stream.outputs import Inbound, dead_letter, output_headers
from stream.records import InboundEmail, Record, Source, decode_inbound_email, encode, from_kafka_ms
from stream.settings import Settings
from stream.topics import (
    CHURN_STATE,
    DEAD_LETTERS,
    TOPICS,
    creation_config,
    partition_count,
    topic_named,
)
from tests.unit.record_strategies import records

ROOT = Path(__file__).parents[2]
GOLDEN = sorted((ROOT / "tests" / "golden").glob("*.json"))
VALIDATORS = {file_stem(record): Draft202012Validator(record_schema(record)) for record in RECORDS}
MARKERS = "# Name\n\n<!-- settings:begin -->\nold\n<!-- settings:end -->\n\nend\n"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return json.loads(json.dumps(asyncapi_document()))


def pointed_at(document: dict[str, Any], ref: str) -> Any:
    found: Any = document
    for part in ref.removeprefix("#/").split("/"):
        found = found[part]
    return found


def refs(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if "$ref" in part else []
        return own + [ref for value in part.values() for ref in refs(value)]
    return [ref for value in part for ref in refs(value)] if isinstance(part, list) else []


def test_committed_schemas_and_asyncapi_document_are_current() -> None:
    files = generate.generated_files(ROOT)
    stale = generate.stale_files({p: c for p, c in files.items() if p.suffix == ".json"})
    assert stale == [], "run `make generate` and commit the result"


def test_the_readme_settings_table_is_current() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert generate.with_table(readme, generate.settings_table()) == readme


def test_no_other_schema_lies_about() -> None:
    expected = {path.name for path in generate.generated_files(ROOT) if path.suffix == ".json"}
    assert {path.name for path in (ROOT / "schemas").iterdir()} == expected


def test_check_says_what_is_stale_and_writing_mends_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "README.md").write_text(MARKERS, "utf-8")
    assert generate.main(["--check"], tmp_path) == 1
    assert "stale: schemas/asyncapi.json" in capsys.readouterr().out
    assert not (tmp_path / "schemas").exists()
    assert generate.main([], tmp_path) == 0
    assert generate.main(["--check"], tmp_path) == 0
    assert capsys.readouterr().err == ""
    (tmp_path / "schemas" / "decision.json").write_text("{}")
    assert generate.main(["--check"], tmp_path) == 1


def test_a_readme_without_markers_is_refused_with_the_way_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "README.md").write_text("# Name\n")
    assert generate.main([], tmp_path) == 1
    assert "add both lines" in capsys.readouterr().err


def test_the_readme_keeps_what_is_outside_its_markers() -> None:
    readme = generate.with_table(MARKERS, "| new |")
    assert readme == MARKERS.replace("old", "| new |")
    assert generate.with_table(readme, "| new |") == readme


def test_the_settings_table_has_a_row_for_each_setting_and_no_secret() -> None:
    table = generate.settings_table()
    for name in Settings.model_fields:
        assert f"`SWITCHBOARD_{name.upper()}`" in table
    assert len(table.splitlines()) == len(Settings.model_fields) + 3
    assert all(line.count(" | ") == 2 for line in table.splitlines())
    assert "| `SWITCHBOARD_TOPIC_PARTITIONS` | `4` |" in table
    assert "(≥ 1, ≤ 10 000)" in table


def test_documents_do_not_depend_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    before = asyncapi_document(), generate.settings_table()
    monkeypatch.setenv("SWITCHBOARD_CLEANED_RETENTION_DAYS", "3")
    monkeypatch.setenv("SWITCHBOARD_TOPIC_PREFIX", "mine-")
    assert (asyncapi_document(), generate.settings_table()) == before


@pytest.mark.parametrize("record", RECORDS)
def test_schemas_are_valid_draft_2020_12(record: type[Record]) -> None:
    schema = record_schema(record)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)
    for ref in refs(schema):
        assert pointed_at(schema, ref)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden_records_fit_their_schemas(path: Path) -> None:
    VALIDATORS[path.name.split(".")[0]].validate(json.loads(path.read_text("utf-8")))


@given(email=records(InboundEmail))
def test_schema_and_decoder_agree_on_the_forms_of_a_mail(email: InboundEmail) -> None:
    value = encode(email)
    try:
        accepted = bool(decode_inbound_email(value))
    except PoisonRecordError:
        accepted = False
    assert VALIDATORS["inbound-email"].is_valid(json.loads(value)) == accepted


@pytest.mark.parametrize(
    ("stem", "value"),
    [
        ("inbound-email", {"body": "no id"}),
        ("inbound-email", {"id": "1"}),
        ("inbound-email", {"id": "1", "body": "x", "html": "y"}),
        ("inbound-email", {"id": 1, "body": "x"}),
        ("call-fragment", {"call_id": "c", "seq": 0}),
        ("call-fragment", {"call_id": "c", "seq": -1, "text": "t"}),
        ("call-fragment", {"call_id": "c", "seq": 1, "event": "other", "text": "t"}),
        ("case-outcome", {"kind": "email"}),
        ("churn-score", {"call_id": "c", "probability": 1.5}),
    ],
)
def test_schemas_refuse_what_is_wrong(stem: str, value: dict[str, Any]) -> None:
    assert not VALIDATORS[stem].is_valid(value)


def test_a_call_that_ends_needs_no_text() -> None:
    VALIDATORS["call-fragment"].validate({"call_id": "c", "seq": 3, "event": "completed"})


def test_every_topic_is_a_channel_with_key_writer_cleanup_and_message(
    document: dict[str, Any],
) -> None:
    assert document["asyncapi"] == "3.0.0"
    assert list(document["channels"]) == [topic.name for topic in TOPICS]
    for topic in TOPICS:
        channel = document["channels"][topic.name]
        config = channel["bindings"]["kafka"]["topicConfiguration"]
        assert channel["address"] == topic.name
        assert config["cleanup.policy"] == [topic.cleanup]
        assert set(config) == set(creation_config(topic, Settings.model_construct()))
        assert f"Written by: {topic.written_by}" in channel["description"]
        (name,) = channel["messages"]
        message = document["components"]["messages"][name]
        assert message["bindings"]["kafka"]["key"]["description"] == topic.key
        if topic.record is not None:
            assert message["payload"]["$ref"].endswith(f"/{topic.record.__name__}")


def test_every_reference_in_the_asyncapi_document_leads_somewhere(document: dict[str, Any]) -> None:
    assert refs(document)
    for ref in refs(document):
        assert pointed_at(document, ref), ref


def test_users_topics_are_received_and_the_others_sent(document: dict[str, Any]) -> None:
    for topic in TOPICS:
        action = "receive" if topic.written_by.startswith("users") else "send"
        operation = document["operations"][f"{action}-{topic.name}"]
        assert operation["action"] == action
        channel = pointed_at(document, operation["channel"]["$ref"])
        assert (
            pointed_at(document, operation["messages"][0]["$ref"]) in channel["messages"].values()
        )
    assert len(document["operations"]) == len(TOPICS)


@given(trace=st.booleans())
def test_the_headers_we_write_are_the_headers_we_describe(trace: bool) -> None:
    messages = json.loads(json.dumps(asyncapi_document()))["components"]["messages"]
    inbound = [("traceparent", b"00-a-b-01")] if trace else []
    source = Source(topic="inbound-emails", partition=0, offset=1)
    error = PoisonRecordError("decode", "bad-json", "not JSON")
    letter = dead_letter(
        DEAD_LETTERS, Inbound(source, b"k", b"v", inbound), error, from_kafka_ms(0), 10**6
    )
    written = {
        "DeadLetters": dict(letter.headers),
        "Classification": dict(output_headers(source, inbound)),
    }
    for name, headers in written.items():
        schema = messages[name]["headers"]
        assert set(headers) <= set(schema["properties"])
        texts = {key: value.decode() for key, value in headers.items()}
        Draft202012Validator(schema).validate(texts)


def test_topics_are_those_of_the_contract() -> None:
    compacted = {topic.name for topic in TOPICS if topic.cleanup == "compact"}
    assert compacted == {"customer-profiles", "churn-state", "model-deployments"}
    assert len({topic.name for topic in TOPICS}) == len(TOPICS) == 12
    settings = Settings.model_construct()
    config = {topic.name: creation_config(topic, settings) for topic in TOPICS}
    assert {values["message.timestamp.type"] for values in config.values()} == {"LogAppendTime"}
    inputs = [topic.name for topic in TOPICS if topic.written_by.startswith("users")]
    assert {config[name]["max.message.bytes"] for name in inputs} == {str(16 * 2**20)}
    assert config[DEAD_LETTERS]["max.message.bytes"] == str(17 * 2**20)
    assert config[DEAD_LETTERS]["retention.ms"] == str(30 * 86_400_000)
    assert config["cleaned-emails"]["retention.ms"] == str(90 * 86_400_000)
    assert config["model-decisions"]["retention.ms"] == "-1"
    assert config[CHURN_STATE]["segment.bytes"] == str(32 * 2**20)
    assert config[CHURN_STATE]["min.cleanable.dirty.ratio"] == "0.1"
    assert topic_named(CHURN_STATE).same_partitions_as == "call-transcripts"


def test_partition_counts_follow_the_setting_but_for_the_models_topics() -> None:
    settings = Settings.model_construct(topic_partitions=12)
    ones = {topic.name for topic in TOPICS if partition_count(topic, settings) == 1}
    assert ones == {"model-decisions", "model-deployments"}
    assert {partition_count(topic, settings) for topic in TOPICS} == {1, 12}
