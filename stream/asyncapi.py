"""Describes the topics for other teams: JSON Schemas of the records and one AsyncAPI 3.0 document of all channels.

Takes the classes of `stream.records` and the table of `stream.topics`, gives JSON documents to
`stream.generate`, which writes them. Knows no files.
"""

from collections.abc import Mapping
from importlib.metadata import version
from typing import get_args

import msgspec

from stream.errors import Stage
from stream.outputs import MAX_ERROR_MESSAGE_BYTES, OUTPUT_ID, TRACEPARENT
from stream.records import CallFragment, HeadResult, InboundEmail, Record
from stream.settings import Settings
from stream.topics import CHURN_STATE, DEAD_LETTERS, TOPICS, Topic, creation_config

Document = dict[str, object]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
RECORDS: tuple[type[Record], ...] = tuple(
    dict.fromkeys(topic.record for topic in TOPICS if topic.record is not None)
)
_BINDING = "0.5.0"


def _given(name: str) -> Document:
    return {"required": [name], "properties": {name: {"not": {"type": "null"}}}}


# What the decoding functions check beyond the types; the schemas would be laxer than the worker without.
_RULES: Mapping[type[Record], Document] = {
    InboundEmail: {
        "anyOf": [
            *(_given(form) for form in ("body", "html", "raw")),
            {
                "required": ["subject"],
                "properties": {"subject": {"type": "string", "minLength": 1}},
            },
        ],
        "not": {
            "anyOf": [
                {"allOf": [_given(one), _given(other)]}
                for one, other in (
                    ("body", "html"),
                    ("body", "raw"),
                    ("html", "raw"),
                    ("subject", "raw"),
                )
            ]
        },
    },
    CallFragment: {
        "if": {"properties": {"event": {"const": "segment"}}},
        "then": _given("text"),
    },
    HeadResult: {
        "oneOf": [
            {"required": ["label", "confidence", "alternatives"], "not": {"required": ["labels"]}},
            {"required": ["labels"], "not": {"required": ["label"]}},
        ]
    },
}


def file_stem(record: type[Record]) -> str:
    """The record's name in file names: `InboundEmail` → `inbound-email`."""
    name = "".join(
        f"-{letter.lower()}" if letter.isupper() else letter for letter in record.__name__
    )
    return name.removeprefix("-")


def record_schema(record: type[Record]) -> Document:
    """The JSON Schema (draft 2020-12) of one record, complete in itself."""
    _, schemas = _schemas((record,), "#/$defs/{name}")
    own = schemas.pop(record.__name__)
    return {"$schema": DIALECT, **own, **({"$defs": schemas} if schemas else {})}


def _schemas(
    records: tuple[type[Record], ...], ref_template: str
) -> tuple[tuple[Document, ...], dict[str, Document]]:
    refs, schemas = msgspec.json.schema_components(records, ref_template=ref_template)
    for record, rules in _RULES.items():
        if record.__name__ in schemas:
            schemas[record.__name__].update(rules)
    return refs, schemas


def asyncapi_document() -> Document:
    """The AsyncAPI 3.0 document: a channel per topic with its key, writer, cleanup, record and headers."""
    _, schemas = _schemas(RECORDS, "#/components/schemas/{name}")
    settings = Settings.model_construct()  # the defaults, whatever this machine's environment says
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Switchboard",
            "version": version("switchboard-classifier"),
            "description": (
                "Kafka topics of Switchboard. Values are UTF-8 JSON objects unless a message says otherwise; "
                "unknown fields are ignored. Outputs are transactional: read them with "
                "`isolation.level=read_committed`. Every topic name may have a prefix (setting)."
            ),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic, settings) for topic in TOPICS},
        "operations": dict(_operation(topic) for topic in TOPICS),
        "components": {
            "messages": {_message_name(topic): _message(topic) for topic in TOPICS},
            "schemas": schemas,
        },
    }


def _message_name(topic: Topic) -> str:
    if topic.record is None:
        return "".join(word.title() for word in topic.name.split("-"))
    return topic.record.__name__ if topic.name != "inbound-emails-bulk" else "InboundEmailBulk"


def _channel(topic: Topic, settings: Settings) -> Document:
    config: Document = {
        name: int(value) if value.lstrip("-").isdigit() else value
        for name, value in creation_config(topic, settings).items()
    }
    config["cleanup.policy"] = [topic.cleanup]
    name = _message_name(topic)
    binding: Document = {"topicConfiguration": config, "bindingVersion": _BINDING}
    if topic.partitions is not None:
        binding["partitions"] = topic.partitions
    return {
        "address": topic.name,
        "title": topic.name,
        "summary": topic.purpose,
        "description": f"Key: {topic.key}. Written by: {topic.written_by}. Cleanup: {topic.cleanup}.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
        "bindings": {"kafka": binding},
    }


def _operation(topic: Topic) -> tuple[str, Document]:
    """What Switchboard itself does with a topic: it receives what users write and sends the rest."""
    action = "receive" if topic.written_by.startswith("users") else "send"
    operation: Document = {
        "action": action,
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "summary": topic.purpose,
        "messages": [{"$ref": f"#/channels/{topic.name}/messages/{_message_name(topic)}"}],
    }
    return f"{action}-{topic.name}", operation


def _message(topic: Topic) -> Document:
    key: Document = {"type": "string", "description": topic.key}
    message: Document = {
        "name": _message_name(topic),
        "summary": topic.purpose,
        "headers": _headers(topic),
        "bindings": {"kafka": {"key": key, "bindingVersion": _BINDING}},
    }
    if topic.record is not None:
        message["payload"] = {"$ref": f"#/components/schemas/{topic.record.__name__}"}
    elif topic.name == CHURN_STATE:
        message["contentType"] = "application/msgpack"
        message["description"] = "Internal, may change; a record without value ends a call's state."
    else:
        message["contentType"] = "application/octet-stream"
        message["description"] = "The input's value as it was; none where it was too large."
    return message


def _headers(topic: Topic) -> Document:
    """Kafka headers are bytes; these are UTF-8 text."""
    texts: dict[str, Document] = {
        TRACEPARENT: _text("W3C Trace Context, passed on from input to output when present.")
    }
    required: list[str] = []
    if topic.written_by == "worker":
        texts[OUTPUT_ID] = _text(
            "topic/partition/offset of the record that caused this one; equal for equal causes."
        )
        required = [OUTPUT_ID]
    if topic.name == DEAD_LETTERS:
        facts = _dead_letter_headers()
        required += [name for name in facts if name != "payload"]
        texts |= facts
    return {"type": "object", "properties": texts, "required": required}


def _dead_letter_headers() -> dict[str, Document]:
    return {
        "error-stage": {"enum": list(get_args(Stage)), "description": "Where it failed."},
        "error-type": _text("A stable word for counting, such as bad-json or empty-mail."),
        "error-message": _text(
            f"What is wrong and the way out, at most {MAX_ERROR_MESSAGE_BYTES} bytes; no text of the mail."
        ),
        "source-topic": _text("Topic of the record."),
        "source-partition": _text("Partition of the record, decimal."),
        "source-offset": _text("Offset of the record, decimal."),
        "failed-at": {"type": "string", "format": "date-time", "description": "UTC."},
        "payload": {
            "const": "too-large",
            "description": "The value was left out; `dead-letters replay` reads it at the source.",
        },
    }


def _text(description: str) -> Document:
    return {"type": "string", "description": description}
