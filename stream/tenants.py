"""What applies to each tenant: boilerplate, kinds, languages, model, abstention, consent. Values; knows no file.

`tenants_toml` reads them, `tenants_file` keeps them fresh, `classify`, `tenant_models` and training ask them.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from stream.clean.boilerplate import NO_BOILERPLATE, Boilerplate
from stream.settings import SkippableKind

EVERY_HEAD = "*"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def language_code(tag: str) -> str:
    """The ISO 639-1 code of a language tag (RFC 5646): `de` for `de-AT`; both written forms of Norwegian are `no`."""
    code = tag.replace("_", "-").partition("-")[0].lower()
    return "no" if code in ("nb", "nn") else code


@dataclass(frozen=True)
class Period:
    """From one moment until before another, in ms since the epoch as records are stamped; `until_ms` None: for ever."""

    begin_ms: int
    until_ms: int | None = None

    @classmethod
    def of(cls, begin: datetime, until: datetime | None) -> "Period":
        """The period between two aware times; part of a millisecond counts as a whole one."""
        return cls(_epoch_ms(begin), None if until is None else _epoch_ms(until))

    def holds(self, appended_ms: int) -> bool:
        """Whether a record was appended in it."""
        return self.begin_ms <= appended_ms and (
            self.until_ms is None or appended_ms < self.until_ms
        )


def _epoch_ms(moment: datetime) -> int:
    return -((_EPOCH - moment) // timedelta(milliseconds=1))  # // rounds down, so this rounds up


@dataclass(frozen=True)
class TenantSettings:
    """What applies to the mail of one tenant. Without arguments: as if there were no file.

    Args:
        boilerplate: what the tenant's own systems write into every mail.
        skip_kinds: kinds that are not classified; None: those of `SWITCHBOARD_SKIP_KINDS`.
        languages: as `language_code` gives them; mail in another one abstains; empty: all.
        model: NAME or NAME/VERSION; None: the model that was trained for the tenant, or the default one.
        abstain_below: least confidence by head, `EVERY_HEAD` for heads that are not named.
        consents_to_training: whether a model may learn from the mail.
        dedicated: times between which the mail is left to dedicated workers; None: never.
        dedicated_to: the name of these workers; None: the tenant's own.
    """

    boilerplate: Boilerplate = NO_BOILERPLATE
    skip_kinds: frozenset[SkippableKind] | None = None
    languages: frozenset[str] = frozenset()
    model: str | None = None
    abstain_below: Mapping[str, float] = field(default_factory=dict[str, float])
    consents_to_training: bool = True
    dedicated: "Period | None" = None
    dedicated_to: str | None = None


@dataclass(frozen=True)
class Tenants:
    """One version of the file.

    Args:
        by_name: tenants with a table of their own.
        others: all others.
        abstains_on_unknown: mail of the others is not classified.
    """

    by_name: Mapping[str, TenantSettings]
    others: TenantSettings = TenantSettings()
    abstains_on_unknown: bool = False

    def of(self, tenant: str) -> TenantSettings:
        """What applies to a tenant."""
        return self.by_name.get(tenant, self.others)

    def consents(self, tenant: str) -> bool:
        """Whether a model may learn from this tenant's mail."""
        return self.of(tenant).consents_to_training

    def team_of(self, tenant: str) -> str:
        """The name of the dedicated workers that a tenant's mail may be left to."""
        return self.of(tenant).dedicated_to or tenant

    def team(self, name: str) -> frozenset[str]:
        """The tenants with a table whose mail may be left to the dedicated workers of a name."""
        return frozenset(tenant for tenant in self.by_name if self.team_of(tenant) == name)

    def models(self, only: Collection[str] | None = None) -> list[str]:
        """The models that are named, for these tenants or for all, as they are written, without repeats."""
        own = self.by_name.values() if only is None else map(self.of, only)
        every = [settings.model for settings in (self.others, *own)]
        return list(dict.fromkeys(model for model in every if model is not None))


ALL_ALIKE = Tenants({})
