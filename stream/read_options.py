"""Settings and the tenants file in, how each tenant's mail is read out: to `classify`, a look into a table per mail."""

from collections.abc import Collection, Mapping, Set
from dataclasses import dataclass, replace

from stream.clean import CleanOptions
from stream.dedication import Dedication
from stream.records import Kind
from stream.tenants import ALL_ALIKE, Period, Tenants, TenantSettings, language_code


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
        return is_one_of(language, self.languages)


class ReadOptions:
    """How mail is read: ready for each tenant, so that a mail costs a look into a table.

    Args:
        cleaning: for every tenant, beside its own boilerplate.
        skip_kinds: kinds that are not classified, where a tenant does not say its own.
        tenants: what differs by tenant.
        only: what this worker is dedicated to; None: it answers all that is not left to dedicated ones.
    """

    def __init__(
        self,
        cleaning: CleanOptions,
        skip_kinds: Set[Kind],
        tenants: Tenants = ALL_ALIKE,
        only: Dedication | None = None,
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

    @property
    def divides_mail(self) -> bool:
        """Whether workers of another group answer some of it."""
        own = self._by_tenant.values()
        return self.only is not None or any(one.dedicated is not None for one in own)

    def takes(self, tenant: str, appended_ms: int) -> bool:
        """Whether mail of a tenant is answered by this worker; every record is by exactly one kind of worker."""
        period = self.of(tenant).dedicated
        if self.only is not None:
            return self.only.takes(tenant, period, appended_ms)
        return period is None or not period.holds(appended_ms)

    def _own(self, settings: TenantSettings) -> TenantOptions:
        return TenantOptions(
            replace(self.cleaning, boilerplate=settings.boilerplate),
            self.skip_kinds if settings.skip_kinds is None else settings.skip_kinds,
            settings.languages,
            settings.abstain_below,
            dedicated=settings.dedicated,
        )


def is_one_of(language: str | None, codes: Collection[str]) -> bool:
    """Whether a mail's language is among them; a language that could not be told is, and no codes are all codes."""
    if not codes or language is None:
        return True
    return language_code(language) in map(language_code, codes)
