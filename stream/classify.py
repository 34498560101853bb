"""One inbound record in, what shall be written about it out: the steps of a record's life, each pure.

`read_email` decodes and cleans; the engine tokenises and computes; `classification` makes the answer. What cannot be
processed becomes a `PoisonRecordError` on its own item, and its neighbours go on. Knows no Kafka and no device.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from models.bundle import Bundle
from models.heads import HeadAnswer
from stream.calls.steps import CallItem
from stream.clean import PROBLEMS, clean_with_notes
from stream.errors import PoisonRecordError
from stream.outputs import Inbound
from stream.read_options import ReadOptions, is_one_of
from stream.records import (
    ChurnScore,
    Classification,
    CleanedEmail,
    HeadResult,
    ModelRef,
    ScoredLabel,
    decode_inbound_email,
    from_kafka_ms,
    utc,
)
from stream.tenants import EVERY_HEAD

NO_MODEL = "no model for this tenant"
NO_LABEL = "no label allowed for this tenant"
BELOW = "below threshold"
UNKNOWN_TENANT = "unknown tenant"
OTHER_LANGUAGE = "language not supported"
NO_WORDS = "no-words"


@dataclass(slots=True)
class Item:
    """One record on its way through a window. Filled from left to right; `error` ends the way.

    `passed_over`: workers of another group answer it, here nothing is written about it. Of a call's fragment `call` and
    `score` are filled, of a mail `cleaned` and `answers`; the words of both meet the encoder in the same way.
    """

    inbound: Inbound
    appended_ms: int
    passed_over: bool = False
    cleaned: CleanedEmail | None = None
    was_fenced: bool = False
    skipped: str | None = None
    abstained: str | None = None
    status: str = ""  # of its classification, once there is one
    abstain_below: Mapping[str, float] = field(default_factory=dict[str, float])
    bundle: Bundle | None = None
    text: str = ""
    tokens: list[int] = field(default_factory=list[int])
    truncated: bool = False
    answers: Mapping[str, HeadAnswer] = field(default_factory=dict[str, HeadAnswer])
    call: CallItem | None = None
    score: ChurnScore | None = None
    error: PoisonRecordError | None = None

    @property
    def waits_for_model(self) -> bool:
        """It has a text that a model shall see."""
        decided = self.error is not None or self.skipped is not None or self.abstained is not None
        return not decided and self.bundle is not None


def read_email(
    item: Item, options: ReadOptions, bundle_for: Callable[[str], Bundle | None]
) -> None:
    """Decode, clean and choose the model. A record that cannot be read gets its error, nothing is raised.

    Args:
        item: filled in place: `passed_over`, or `cleaned`, `was_fenced`, and one of `skipped`, `abstained`, or
            `bundle` with `text`.
        options: how to clean, what to skip, by tenant.
        bundle_for: the model of a tenant; None: there is none.
    """
    source = item.inbound.source
    try:
        email = decode_inbound_email(item.inbound.value)
    except PoisonRecordError as error:
        item.passed_over = options.only is not None  # nobody knows whose it is: others answer it
        item.error = None if item.passed_over else error
        return
    item.passed_over = not options.takes(email.tenant, item.appended_ms)
    if item.passed_over:
        return
    try:
        received_at = (
            utc(email.received_at) if email.received_at else from_kafka_ms(item.appended_ms)
        )
        own = options.of(email.tenant)
        cleaned, notes = clean_with_notes(email, received_at, source, own.cleaning)
        item.was_fenced = notes.is_over_time or cleaned.left_out > 0
        if notes.problem is not None:
            raise PoisonRecordError("clean", notes.problem, PROBLEMS[notes.problem])
        item.cleaned = cleaned
    except PoisonRecordError as error:
        item.error = error
        return
    if own.is_unknown:
        item.abstained = UNKNOWN_TENANT
    elif cleaned.kind in own.skip_kinds:
        item.skipped = cleaned.kind
    elif not own.reads(cleaned.language):
        item.abstained = OTHER_LANGUAGE
    else:
        item.abstain_below = own.abstain_below
        bundle = item.bundle = bundle_for(cleaned.tenant)
        if bundle is None:
            return
        item.text = bundle.text(cleaned.subject, cleaned.body, cleaned.attributes)
        if not item.text:  # a reply that only quotes, where replies are classified
            item.skipped = NO_WORDS
        elif not own.languages and not is_one_of(cleaned.language, bundle.languages):
            item.abstained = OTHER_LANGUAGE  # the model never saw one in it


def give_up(item: Item, options: ReadOptions) -> None:
    """Choose who writes the dead letter of a record that must not be run: as `read_email` would choose.

    It is decoded for that, where there are dedicated workers: what ends a worker is its text as a rule, not its shape.
    """
    if not options.divides_mail:
        return
    try:
        email = decode_inbound_email(item.inbound.value)
        item.passed_over = not options.takes(email.tenant, item.appended_ms)
    except PoisonRecordError:
        item.passed_over = options.only is not None


def classification(item: Item, now: datetime) -> Classification:
    """The answer for a record without an error, whatever became of it."""
    cleaned = item.cleaned
    assert cleaned is not None, "an item without error was never cleaned: this is a bug"
    assert cleaned.source is not None, "a live mail has a source: this is a bug"
    least = item.abstain_below
    heads = {
        name: head_result(answer, least.get(name, least.get(EVERY_HEAD, 0.0)))
        for name, answer in item.answers.items()
    }
    reason = item.skipped
    if item.skipped:
        status = "skipped"
    elif heads and not all(head.abstained for head in heads.values()):
        status = "classified"
    else:
        nothing = (
            NO_MODEL if item.bundle is None else NO_LABEL
        )  # its schema allows none on any head
        status, reason = "abstained", item.abstained or (BELOW if heads else nothing)
    bundle, item.status = item.bundle, status
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


def head_result(answer: HeadAnswer, least: float = 0.0) -> HeadResult:
    """One head's answer in its wire form.

    Args:
        answer: what the head says, its own thresholds applied.
        least: a less confident label is left out; where there is one to choose, the head abstains.
    """
    labels = [
        ScoredLabel(label=label, confidence=confidence) for label, confidence in answer.labels
    ]
    if answer.kind == "multilabel":
        sure = [scored for scored in labels if scored.confidence >= least]
        return HeadResult(abstained=answer.abstained, labels=sure)
    best = labels[0]
    abstained = answer.abstained or best.confidence < least
    return HeadResult(
        abstained=abstained,
        label=None if abstained else best.label,
        confidence=best.confidence,
        alternatives=labels if abstained else labels[1:],
    )
