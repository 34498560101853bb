"""One inbound record in, what shall be written about it out: the steps of a record's life, each pure.

`read_email` decodes and cleans; the engine tokenises and computes; `classification` makes the answer. What cannot be
processed becomes a `PoisonRecordError` on its own item, and its neighbours go on. Knows no Kafka and no device.
"""

from collections.abc import Callable, Collection, Mapping, Set
from dataclasses import dataclass, field, replace
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
from stream.tenants import ALL_ALIKE, EVERY_HEAD, Period, Tenants, TenantSettings, language_code

NO_MODEL = "no model for this tenant"
UNKNOWN_TENANT = "unknown tenant"
OTHER_LANGUAGE = "language not supported"
NO_WORDS = "no-words"


@dataclass(slots=True)
class Item:
    """One record on its way through a window. Filled from left to right; `error` ends the way.

    `passed_over`: workers of another group answer it, here nothing is written about it.
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
    error: PoisonRecordError | None = None

    @property
    def waits_for_model(self) -> bool:
        """It has a text that a model shall see."""
        decided = self.error is not None or self.skipped is not None or self.abstained is not None
        return not decided and self.bundle is not None


@dataclass(frozen=True, slots=True)
class TenantOptions:
    """What `read_email` asks about one tenant; as `ReadOptions` and `TenantSettings` say it together."""

    cleaning: CleanOptions
    skip_kinds: Set[Kind]
    languages: Set[str]
    abstain_below: Mapping[str, float]
    is_unknown: bool = False
    dedicated: Period | None = None

    def reads(self, language: str | None) -> bool:
        """Whether mail in this language is classified; one that could not be told is."""
        return _is_one_of(language, self.languages)


class ReadOptions:
    """How mail is read: ready for each tenant, so that a mail costs a look into a table.

    Args:
        cleaning: for every tenant, beside its own boilerplate.
        skip_kinds: kinds that are not classified, where a tenant does not say its own.
        tenants: what differs by tenant.
        only: tenants that this worker is dedicated to; None: it answers all that is not left to dedicated ones.
    """

    def __init__(
        self,
        cleaning: CleanOptions,
        skip_kinds: Set[Kind],
        tenants: Tenants = ALL_ALIKE,
        only: Collection[str] | None = None,
    ) -> None:
        self.cleaning = cleaning
        self.skip_kinds = skip_kinds
        self.tenants = tenants
        self.only = only
        self._by_tenant = {name: self._own(own) for name, own in tenants.by_name.items()}
        others = self._own(tenants.others)
        self._others = replace(others, is_unknown=tenants.abstains_on_unknown)

    def of(self, tenant: str) -> TenantOptions:
        """What applies to the mail of a tenant."""
        return self._by_tenant.get(tenant, self._others)

    def with_tenants(self, tenants: Tenants) -> "ReadOptions":
        """The same with other settings of tenants."""
        return ReadOptions(self.cleaning, self.skip_kinds, tenants, self.only)

    def takes(self, tenant: str, appended_ms: int) -> bool:
        """Whether mail of a tenant is answered by this worker; every record is by exactly one kind of worker.

        A dedicated worker takes what the others leave to it: without times for its tenant, all.
        """
        period = self.of(tenant).dedicated
        if self.only is None:
            return period is None or not period.holds(appended_ms)
        return tenant in self.only and (period is None or period.holds(appended_ms))

    def _own(self, settings: TenantSettings) -> TenantOptions:
        return TenantOptions(
            replace(self.cleaning, boilerplate=settings.boilerplate),
            self.skip_kinds if settings.skip_kinds is None else settings.skip_kinds,
            settings.languages,
            settings.abstain_below,
            dedicated=settings.dedicated,
        )


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
        elif not own.languages and not _is_one_of(cleaned.language, bundle.languages):
            item.abstained = OTHER_LANGUAGE  # the model never saw one in it


def _is_one_of(language: str | None, codes: Collection[str]) -> bool:
    """Whether a mail's language is among them; a language that could not be told is, and no codes are all codes."""
    if not codes or language is None:
        return True
    return language_code(language) in map(language_code, codes)


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
        status, reason = "abstained", item.abstained or ("below threshold" if heads else NO_MODEL)
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
