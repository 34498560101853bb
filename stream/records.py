"""The records of every topic: bytes from Kafka in, checked frozen values out, and back. Knows no Kafka client.

Wire form: UTF-8 JSON objects; unknown fields are ignored; times are RFC 3339 with zone, on output UTC with `Z`.
JSON Schemas and the AsyncAPI document are generated from these classes (`stream.generate`).
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from stream.errors import PoisonRecordError

SCHEMA_VERSION = 1

Id = Annotated[str, Meta(min_length=1, max_length=256)]
Tenant = Annotated[str, Meta(min_length=1, max_length=128)]
Instant = Annotated[datetime, Meta(tz=True)]
Probability = Annotated[float, Meta(ge=0.0, le=1.0)]
Kind = Literal["message", "reply", "auto_reply", "bounce", "bulk", "notification"]
ModelKind = Literal["text", "churn"]  # what a model reads: e-mail, or calls
Labels = dict[str, str | list[str]]


class Record(Struct, frozen=True, kw_only=True):
    """Base of all records: frozen, by keyword, unknown fields ignored."""


class Source(Record, frozen=True):
    """Where the record came from that caused this one."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        """`topic/partition/offset`: the value of the header `output-id`."""
        return f"{self.topic}/{self.partition}/{self.offset}"


class ModelRef(Record, frozen=True):
    """The bundle that made a result."""

    name: str
    version: str


class InboundEmail(Record, frozen=True):
    """One e-mail, in exactly one of three forms: `body` (plain text), `html`, or `raw` (base64 of RFC 822 bytes)."""

    id: Id
    tenant: Tenant = "default"
    received_at: Instant | None = None  # None: the record's Kafka timestamp
    subject: str | None = None
    body: str | None = None
    html: str | None = None
    raw: bytes | None = None
    from_: str | None = field(default=None, name="from")
    to: str | list[str] | None = None
    customer_id: str | None = None
    thread_id: str | None = None
    language: str | None = None
    in_reply_to: str | None = None
    attributes: dict[str, str] = {}


class CleanedEmail(Record, frozen=True):
    """The text as the model saw it.

    `removed` counts characters by reason (quote, signature, footer, boilerplate, markup), `left_out` visible ones that
    are beyond the limits. `attachments` are named, never read. The body of an encrypted mail is empty.
    """

    id: str
    tenant: str
    customer_id: str | None
    thread_id: str | None
    kind: Kind
    subject: str
    body: str
    language: str | None
    attributes: dict[str, str]
    malformed_html: bool
    removed: dict[str, int]
    received_at: Instant
    attachments: list[str] = []
    protection: Literal["signed", "encrypted"] | None = None
    left_out: int = 0
    source: Source | None = None
    schema_version: int = SCHEMA_VERSION


class ScoredLabel(Record, frozen=True):
    """A label with its calibrated confidence."""

    label: str
    confidence: Probability


class HeadResult(Record, frozen=True):
    """One head's answer: `label`, `confidence`, `alternatives` (multi-class) or `labels` (multi-label)."""

    abstained: bool
    label: str | UnsetType | None = UNSET
    confidence: Probability | UnsetType = UNSET
    alternatives: Sequence[ScoredLabel] | UnsetType = UNSET
    labels: Sequence[ScoredLabel] | UnsetType = UNSET


class Classification(Record, frozen=True):
    """Labels for one e-mail. `status` abstained: every head, or no model was asked. `reason` says why, or is null."""

    id: str
    tenant: str
    status: Literal["classified", "abstained", "skipped"]
    reason: str | None
    heads: Mapping[str, HeadResult]
    language: str | None
    truncated: bool
    model: ModelRef | None
    received_at: Instant
    classified_at: Instant
    source: Source
    schema_version: int = SCHEMA_VERSION


class CallFragment(Record, frozen=True):
    """One piece of a call's transcript; `partial`: it comes again in its final form under the same `seq`."""

    call_id: Id
    seq: Annotated[int, Meta(ge=0, le=2**53 - 1)]
    tenant: Tenant = "default"
    customer_id: Id | None = None
    speaker: Literal["customer", "agent"] | None = None
    text: str | None = None
    offset_ms: int | None = None
    spoken_at: Instant | None = None
    event: Literal["started", "segment", "completed", "failed"] = "segment"
    partial: bool = False


class ChurnScore(Record, frozen=True):
    """The churn probability after one fragment; `contribution` is what this fragment added."""

    call_id: str
    customer_id: str | None
    tenant: str
    seq: int
    probability: Probability
    previous: Probability | None
    contribution: float
    profile_known: bool
    fragments: int
    partial: bool
    duplicate: bool
    final: bool
    model: ModelRef
    scored_at: Instant
    source: Source
    schema_version: int = SCHEMA_VERSION


class CustomerProfile(Record, frozen=True):
    """What is known of a customer beside the words: the features of the churn model."""

    customer_id: Id
    tenant: Tenant = "default"
    features: dict[str, float | str | None] = {}


class CaseOutcome(Record, frozen=True):
    """A closed case: the labels a person settled on, or whether the caller left."""

    id: Id
    kind: Literal["email", "call"] = "email"
    tenant: Tenant = "default"
    labels: Labels = {}
    churned: bool | None = None
    closed_at: Instant | None = None
    closed_by: str | None = None


class Decision(Record, frozen=True):
    """The audit trail: who decided what about a model, why, and on which report."""

    tenant: str
    name: str
    version: str
    decision: Literal["approved", "rejected", "rolled_back"]
    by: str
    reason: str
    report_sha256: str
    decided_at: Instant
    forced: bool = False
    kind: ModelKind = "text"
    schema_version: int = SCHEMA_VERSION


class Deployment(Record, frozen=True):
    """The bundle of its kind live for a tenant, and the one before (`previous_name` where it is another), by sha256."""

    tenant: str
    name: str
    version: str
    manifest_sha256: str
    previous_version: str | None
    previous_manifest_sha256: str | None
    deployed_at: Instant
    previous_name: str | UnsetType = UNSET
    kind: ModelKind = "text"
    schema_version: int = SCHEMA_VERSION


_QUOTED_WORD = re.compile(r" '.*' - at", re.DOTALL)
R = TypeVar("R", bound=Record)
_decoders: dict[type[Record], msgspec.json.Decoder[Record]] = {}
encode = msgspec.json.Encoder().encode


def decode(value: bytes | None, record_type: type[R]) -> R:
    """Decode and validate in one step.

    Args:
        value: the record's bytes; None is a tombstone, which no e-mail or call topic may hold.
        record_type: the class to make.

    Raises:
        PoisonRecordError: stage `decode` (null, not UTF-8, not JSON) or `validate` (JSON of the
            wrong shape, with the JSON path). The message never quotes the record's text.
    """
    if value is None:
        raise PoisonRecordError(
            "decode", "null-value", "the record has no value; produce a JSON object"
        )
    decoder = _decoders.get(record_type)
    if decoder is None:
        decoder = _decoders[record_type] = msgspec.json.Decoder(record_type)
    try:
        return decoder.decode(value)  # type: ignore[return-value]  # the table maps each class to its own decoder
    except msgspec.ValidationError as error:
        reason = _QUOTED_WORD.sub(
            " - at", str(error)
        )  # msgspec quotes a word that is not in its list
        raise PoisonRecordError(
            "validate", "wrong-shape", f"{record_type.__name__}: {reason}"
        ) from None
    except UnicodeDecodeError as error:
        raise PoisonRecordError(
            "decode", "bad-utf8", f"byte {error.start} is not UTF-8; encode it so"
        ) from None
    except msgspec.DecodeError as error:
        raise PoisonRecordError("decode", "bad-json", f"not a JSON object: {error}") from None
    except RecursionError:
        message = "JSON is nested too deeply; flatten it"
        raise PoisonRecordError("decode", "bad-json", message) from None


def decode_inbound_email(value: bytes | None) -> InboundEmail:
    """Decode an e-mail and check that it comes in exactly one form.

    Raises:
        PoisonRecordError: as `decode`, and stage `validate` where no form or several are given.
    """
    email = decode(value, InboundEmail)
    try:
        _ = email.received_at and utc(email.received_at)
    except OverflowError:
        message = "received_at has no equivalent in UTC; give a time between the years 1 and 9999"
        raise PoisonRecordError("validate", "wrong-shape", message) from None
    forms = [name for name in ("body", "html", "raw") if getattr(email, name) is not None]
    if len(forms) > 1 or (email.raw is not None and email.subject is not None):
        given = ", ".join(["subject"] * (email.subject is not None) + forms)
        message = f"the mail is given as {given}; give subject + body, subject + html, or raw alone"
        raise PoisonRecordError("validate", "several-forms", message)
    if not forms and not email.subject:
        message = (
            "none of subject, body, html, raw is given; give subject + body, subject + html, or raw"
        )
        raise PoisonRecordError("validate", "empty-mail", message)
    return email


def utc(moment: datetime) -> datetime:
    """The same instant in UTC, as outputs carry it."""
    return moment.astimezone(UTC)


def from_kafka_ms(timestamp_ms: int) -> datetime:
    """A Kafka timestamp (milliseconds since the epoch) as an instant in UTC."""
    return datetime.fromtimestamp(timestamp_ms / 1000, UTC)
