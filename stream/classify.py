"""One inbound record in, what shall be written about it out: the steps of a record's life, each pure.

`read_email` decodes and cleans; the engine tokenises and computes; `classification` makes the answer. What cannot be
processed becomes a `PoisonRecordError` on its own item, and its neighbours go on. Knows no Kafka and no device.
"""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime

from models.bundle import Bundle
from models.heads import HeadAnswer
from stream.clean import PROBLEMS, CleanOptions, clean_with_notes
from stream.errors import PoisonRecordError
from stream.outputs import Inbound
from stream.records import (
    Classification,
    CleanedEmail,
    HeadResult,
    Kind,
    ModelRef,
    ScoredLabel,
    decode_inbound_email,
    from_kafka_ms,
    utc,
)

NO_MODEL = "no model for this tenant"
NO_WORDS = "no-words"


@dataclass(slots=True)
class Item:
    """One record on its way through a window. Filled from left to right; `error` ends the way."""

    inbound: Inbound
    appended_ms: int
    cleaned: CleanedEmail | None = None
    was_fenced: bool = False
    skipped: str | None = None
    bundle: Bundle | None = None
    text: str = ""
    tokens: list[int] = field(default_factory=list[int])
    truncated: bool = False
    answers: Mapping[str, HeadAnswer] = field(default_factory=dict[str, HeadAnswer])
    error: PoisonRecordError | None = None

    @property
    def waits_for_model(self) -> bool:
        """It has a text that a model shall see."""
        return self.error is None and self.skipped is None and self.bundle is not None


@dataclass(frozen=True)
class ReadOptions:
    """How mail is cleaned, and which kinds are not classified."""

    cleaning: CleanOptions
    skip_kinds: Set[Kind]


def read_email(
    item: Item, options: ReadOptions, bundle_for: Callable[[str], Bundle | None]
) -> None:
    """Decode, clean and choose the model. A record that cannot be read gets its error, nothing is raised.

    Args:
        item: filled in place: `cleaned`, `was_fenced`, and either `skipped` or `bundle` with `text`.
        options: how to clean, what to skip.
        bundle_for: the model of a tenant; None: there is none.
    """
    source = item.inbound.source
    try:
        email = decode_inbound_email(item.inbound.value)
        received_at = (
            utc(email.received_at) if email.received_at else from_kafka_ms(item.appended_ms)
        )
        cleaned, notes = clean_with_notes(email, received_at, source, options.cleaning)
        item.was_fenced = notes.is_over_time or cleaned.left_out > 0
        if notes.problem is not None:
            raise PoisonRecordError("clean", notes.problem, PROBLEMS[notes.problem])
        item.cleaned = cleaned
    except PoisonRecordError as error:
        item.error = error
        return
    if cleaned.kind in options.skip_kinds:
        item.skipped = cleaned.kind
        return
    item.bundle = bundle_for(cleaned.tenant)
    if item.bundle is not None:
        item.text = item.bundle.text(cleaned.subject, cleaned.body, cleaned.attributes)
        if not item.text:  # a reply that only quotes, where replies are classified
            item.skipped = NO_WORDS


def classification(item: Item, now: datetime) -> Classification:
    """The answer for a record without an error, whatever became of it."""
    cleaned = item.cleaned
    assert cleaned is not None, "an item without error was never cleaned: this is a bug"
    assert cleaned.source is not None, "a live mail has a source: this is a bug"
    heads = {name: head_result(answer) for name, answer in item.answers.items()}
    reason = item.skipped
    if item.skipped:
        status = "skipped"
    elif heads and not all(head.abstained for head in heads.values()):
        status = "classified"
    else:
        status, reason = "abstained", "below threshold" if heads else NO_MODEL
    bundle = item.bundle
    return Classification(
        id=cleaned.id,
        tenant=cleaned.tenant,
        status=status,
        reason=reason,
        heads=heads,
        language=cleaned.language,
        truncated=item.truncated,
        model=ModelRef(name=bundle.name, version=bundle.version) if bundle else None,
        received_at=cleaned.received_at,
        classified_at=utc(now),
        source=cleaned.source,
    )


def head_result(answer: HeadAnswer) -> HeadResult:
    """One head's answer in its wire form."""
    labels = [
        ScoredLabel(label=label, confidence=confidence) for label, confidence in answer.labels
    ]
    if answer.kind == "multilabel":
        return HeadResult(abstained=answer.abstained, labels=labels)
    best = labels[0]
    return HeadResult(
        abstained=answer.abstained,
        label=None if answer.abstained else best.label,
        confidence=best.confidence,
        alternatives=labels if answer.abstained else labels[1:],
    )
