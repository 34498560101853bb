"""The table of topics as data: name, key, record, writer and creation settings, for all.

The start-up creates and checks topics by it, the documents are generated from it. Knows nothing of
Kafka's client.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from stream.records import (
    CallFragment,
    CaseOutcome,
    ChurnScore,
    Classification,
    CleanedEmail,
    CustomerProfile,
    Decision,
    Deployment,
    InboundEmail,
    Record,
)
from stream.settings import MAX_DEAD_LETTER_BYTES, MAX_INPUT_BYTES, MEBI, Settings

INBOUND_EMAILS = "inbound-emails"
INBOUND_EMAILS_BULK = "inbound-emails-bulk"
CALL_TRANSCRIPTS = "call-transcripts"
CUSTOMER_PROFILES = "customer-profiles"
CASE_OUTCOMES = "case-outcomes"
CLASSIFICATIONS = "classifications"
CHURN_SCORES = "churn-scores"
CLEANED_EMAILS = "cleaned-emails"
CHURN_STATE = "churn-state"
DEAD_LETTERS = "dead-letters"
MODEL_DECISIONS = "model-decisions"
MODEL_DEPLOYMENTS = "model-deployments"

DAY_MS = 24 * 60 * 60 * 1000
_USERS, _WORKER, _MODELS = "users", "worker", "switchboard models"


@dataclass(frozen=True)
class Topic:
    """One topic as it is created and documented; `name` is without the prefix of `Settings.topic`.

    Attributes:
        key: what the record's key is, in words (also the column of the table).
        record: the class of the value; None where it is not JSON of ours.
        partitions: a number that must not be another; None: `Settings.topic_partitions`.
        same_partitions_as: a topic whose partition count this one must share.
        config: Kafka's topic settings beside `cleanup.policy` and the timestamp type, as strings.
        retention_setting: the field of `Settings` that holds the retention in days.
    """

    name: str
    purpose: str
    key: str
    record: type[Record] | None
    written_by: str
    cleanup: Literal["delete", "compact"] = "delete"
    partitions: int | None = None
    same_partitions_as: str | None = None
    config: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    retention_setting: Literal["cleaned_retention_days", "dead_letter_retention_days"] | None = None


def _config(**settings: str | int | float) -> Mapping[str, str]:
    """Kafka's names with their dots; none of those used here has an underscore itself."""
    return MappingProxyType(
        {name.replace("_", "."): str(value) for name, value in settings.items()}
    )


_INPUT = _config(max_message_bytes=MAX_INPUT_BYTES)
_LARGEST = _config(max_message_bytes=MAX_DEAD_LETTER_BYTES)
# A restart reads churn-state from its start, so few superseded updates may lie in it (50,000 calls
# with 8 uncompacted updates each took 4.5 s to restore); tombstones stay a day for slow restores.
_STATE = _config(
    segment_bytes=32 * MEBI,
    min_cleanable_dirty_ratio=0.1,
    max_compaction_lag_ms=10 * 60 * 1000,
    delete_retention_ms=DAY_MS,
)

TOPICS: tuple[Topic, ...] = (
    Topic(
        INBOUND_EMAILS,
        "Live e-mail to classify.",
        "any (customer or thread id is best)",
        InboundEmail,
        _USERS,
        config=_INPUT,
    ),
    Topic(
        INBOUND_EMAILS_BULK,
        "Backfills and replays, served behind live mail.",
        "any",
        InboundEmail,
        _USERS,
        config=_INPUT,
    ),
    Topic(
        CALL_TRANSCRIPTS,
        "Fragments of calls as they are spoken; with another key than `call_id`: a dead letter.",
        "call_id",
        CallFragment,
        _USERS,
        config=_INPUT,
    ),
    Topic(
        CUSTOMER_PROFILES,
        "What is known of each customer; the latest record per key counts.",
        "tenant/customer_id",
        CustomerProfile,
        _USERS,
        "compact",
        config=_INPUT,
    ),
    Topic(
        CASE_OUTCOMES,
        "Closed cases, from the CRM.",
        "id",
        CaseOutcome,
        "users (CRM)",
        config=_INPUT,
    ),
    Topic(
        CLASSIFICATIONS,
        "Labels with confidence, one record per e-mail.",
        "id",
        Classification,
        _WORKER,
    ),
    Topic(
        CHURN_SCORES,
        "The churn probability after each fragment.",
        "call_id",
        ChurnScore,
        _WORKER,
    ),
    Topic(
        CLEANED_EMAILS,
        "The text as the model saw it: personal data, kept for a limited time.",
        "id",
        CleanedEmail,
        _WORKER,
        config=_LARGEST,
        retention_setting="cleaned_retention_days",
    ),
    Topic(
        CHURN_STATE,
        "Internal: the state of calls in progress (MessagePack); a tombstone when a call ended.",
        "tenant/call_id, in the partition number of its source",
        None,
        _WORKER,
        "compact",
        same_partitions_as=CALL_TRANSCRIPTS,
        config=_STATE,
    ),
    Topic(
        DEAD_LETTERS,
        "What could not be processed: the original bytes, untouched; the reason in headers.",
        "source key",
        None,
        _WORKER,
        config=_LARGEST,
        retention_setting="dead_letter_retention_days",
    ),
    Topic(
        MODEL_DECISIONS,
        "The audit trail: who decided what about a model, why, and on which report.",
        "tenant/name",
        Decision,
        _MODELS,
        partitions=1,
        config=_config(retention_ms=-1, retention_bytes=-1),
    ),
    Topic(
        MODEL_DEPLOYMENTS,
        "The bundle that is live, and the one before it.",
        "tenant/name",
        Deployment,
        _MODELS,
        "compact",
        partitions=1,
    ),
)

_BY_NAME = {topic.name: topic for topic in TOPICS}


def topic_named(name: str) -> Topic:
    """The topic with this name, without the prefix.

    Raises:
        KeyError: there is none. This is a bug: names come from the constants of this module.
    """
    return _BY_NAME[name]


def creation_config(topic: Topic, settings: Settings) -> dict[str, str]:
    """Kafka's settings for a topic that is created; times are the broker's (LogAppendTime)."""
    config = {
        "cleanup.policy": topic.cleanup,
        "message.timestamp.type": "LogAppendTime",
        **topic.config,
    }
    if topic.retention_setting is not None:
        days: int = getattr(settings, topic.retention_setting)
        config["retention.ms"] = str(days * DAY_MS)
    return config


def partition_count(topic: Topic, settings: Settings) -> int:
    """Partitions of a topic that is created."""
    return topic.partitions or settings.topic_partitions
