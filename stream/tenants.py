"""What applies to each tenant: boilerplate, kinds, languages, model, abstention, consent. Values; knows no file.

`tenants_toml` reads them, `tenants_file` keeps them fresh, `classify`, `tenant_models` and training ask them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from stream.clean.boilerplate import NO_BOILERPLATE, Boilerplate
from stream.settings import SkippableKind

EVERY_HEAD = "*"


def language_code(tag: str) -> str:
    """The ISO 639-1 code of a language tag (RFC 5646): `de` for `de-AT`; both written forms of Norwegian are `no`."""
    code = tag.replace("_", "-").partition("-")[0].lower()
    return "no" if code in ("nb", "nn") else code


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
    """

    boilerplate: Boilerplate = NO_BOILERPLATE
    skip_kinds: frozenset[SkippableKind] | None = None
    languages: frozenset[str] = frozenset()
    model: str | None = None
    abstain_below: Mapping[str, float] = field(default_factory=dict[str, float])
    consents_to_training: bool = True


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

    def models(self) -> list[str]:
        """The models that are named, as they are written, without repeats."""
        every = [settings.model for settings in (self.others, *self.by_name.values())]
        return list(dict.fromkeys(model for model in every if model is not None))


ALL_ALIKE = Tenants({})
