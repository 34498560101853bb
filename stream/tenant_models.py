"""Tenants and loaded models in, who answers for whom out: to the engine and the fold of calls. Loads nothing.

A tenant's mail is answered by the model that its table names, else by the one that was trained for it, else by the one
that [default] names, else by the default tenant's. Models that the file names are loaded when a worker starts: a name
that comes up in a reload needs a restart, and until then the tenant keeps the model that it had. NAME without a version
is what is live under this name, for the tenant or for all, where deployments are followed, and never a bundle that
nobody approved; else the version that was the newest at the start.

A tenant's calls are scored by the churn model that was trained for it, else by the default tenant's; the tenants file
names none. A call that began with another bundle stays with it while that one may go on (`bundle_named`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from models.bundle import Bundle
from stream.dedication import Dedication
from stream.errors import FatalError, SettingsError
from stream.records import ModelKind
from stream.tenants import ALL_ALIKE, EVERY_HEAD, Tenants, TenantSettings
from stream.tenants_file import Log, TenantsFile

DEFAULT_TENANT = "default"


@dataclass(frozen=True)
class Loaded:
    """The models that serve at one moment.

    Args:
        text: those that answer mail, by the tenant they were trained for.
        churn: those that score calls which begin, by the tenant they were trained for.
        by_name: (name, version) -> every churn model that a call may go on with.
    """

    text: Mapping[str, Bundle] = field(default_factory=dict[str, Bundle])
    churn: Mapping[str, Bundle] = field(default_factory=dict[str, Bundle])
    by_name: Mapping[tuple[str, str], Bundle] = field(default_factory=dict[tuple[str, str], Bundle])

    @classmethod
    def of(
        cls, answering: Mapping[tuple[str, ModelKind], Bundle], for_calls: Iterable[Bundle] = ()
    ) -> "Loaded":
        """The same from the model of each (tenant, kind), and churn models that only calls in progress go on with."""
        text = {tenant: one for (tenant, kind), one in answering.items() if kind == "text"}
        churn = {tenant: one for (tenant, kind), one in answering.items() if kind == "churn"}
        by_name = {(one.name, one.version): one for one in (*for_calls, *churn.values())}
        return cls(text, churn, by_name)


NONE_LOADED = Loaded()


@dataclass(frozen=True)
class Rules:
    """What applies to every tenant for the length of one window.

    Args:
        by_tenant: models by the tenant they were trained for.
        tenants: settings.
        named: tenant -> the model that its table names.
        fallback: the model that [default] names.
        calls: the models of calls; its `text` is not read.
    """

    by_tenant: Mapping[str, Bundle]
    tenants: Tenants = ALL_ALIKE
    named: Mapping[str, Bundle] = field(default_factory=dict[str, Bundle])
    fallback: Bundle | None = None
    calls: Loaded = NONE_LOADED

    def bundle_for(self, tenant: str) -> Bundle | None:
        """The model that answers a tenant's mail; None: there is none."""
        own = self.named.get(tenant) or self.by_tenant.get(tenant)
        return own or self.fallback or self.by_tenant.get(DEFAULT_TENANT)

    def churn_for(self, tenant: str) -> Bundle | None:
        """The model for a tenant's calls that begin; None: there is none."""
        return self.calls.churn.get(tenant) or self.calls.churn.get(DEFAULT_TENANT)

    def bundle_named(self, name: str, version: str) -> Bundle | None:
        """The churn model a call began with; None: it is rolled back or gone, and the call goes on with `churn_for`."""
        return self.calls.by_name.get((name, version))

    def bundles(self) -> list[Bundle]:
        """Every model that may be asked, of both kinds."""
        text = (*self.by_tenant.values(), *self.models().values())
        return [*text, *self.calls.churn.values(), *self.calls.by_name.values()]

    def models(self) -> dict[str, Bundle]:
        """The model of mail by tenant; `default` stands for all that are not named."""
        default = {} if self.fallback is None else {DEFAULT_TENANT: self.fallback}
        return {**self.by_tenant, **default, **self.named}


class TenantRules:
    """The rules of now, from a file that may change.

    Args:
        file: asked once a window.
        models: what serves; a function: what is live now, another object after every change.
        loaded: every loaded model by NAME, NAME/VERSION or both.
        log: told `tenant_rule_without_effect` when a reload names a model or a head that is not loaded.
        only: what the worker is dedicated to; None: nothing.

    Raises:
        SettingsError: a table names a model of another tenant or of calls, or a head that its model does not have.
    """

    def __init__(
        self,
        file: TenantsFile,
        models: Loaded | Callable[[], Loaded],
        loaded: Mapping[str, Bundle],
        log: Log,
        only: Dedication | None = None,
    ) -> None:
        self._file = file
        self._loaded = loaded
        self._log = log
        self._follows = not isinstance(models, Loaded)
        self._find_models = (lambda: models) if isinstance(models, Loaded) else models
        self._only = only
        self._models = self._find_models()
        self._rules, faults = self._choose(file.now(), Rules(self._models.text))
        if faults:
            raise SettingsError("\n".join(faults))

    def now(self) -> Rules:
        """The rules for the next window; the same object until the file or what is live changed.

        Raises:
            FatalError: other tenants are left to this dedicated worker by now; a new start loads their models.
        """
        tenants, models = self._file.now(), self._find_models()
        self._must_be_ours(tenants)
        if tenants is not self._rules.tenants or models is not self._models:
            self._models = models
            self._rules, faults = self._choose(tenants, self._rules)
            for fault in faults:
                self._log("tenant_rule_without_effect", reason=fault)
        return self._rules

    def _must_be_ours(self, tenants: Tenants) -> None:
        only = self._only
        if only is None or only.is_alone or (found := tenants.team(only.name)) == only.tenants:
            return
        raise FatalError(
            f"the tenants file leaves other tenants to the dedicated workers {only.name!r} by now: "
            f"{', '.join(sorted(found)) or 'none'}, not {', '.join(sorted(only.tenants))}; start the worker again, "
            "it loads their models first and goes on where it was"
        )

    def _choose(self, tenants: Tenants, before: Rules) -> tuple[Rules, list[str]]:
        faults: list[str] = []
        named: dict[str, Bundle] = {}
        for tenant, settings in tenants.by_name.items():
            bundle = self._named(f"tenants.{tenant}", tenant, settings, faults)
            bundle = bundle or (settings.model and before.named.get(tenant))
            if bundle:
                named[tenant] = bundle
        fallback = self._named(DEFAULT_TENANT, DEFAULT_TENANT, tenants.others, faults)
        if fallback is None and tenants.others.model is not None:
            fallback = before.fallback
        rules = Rules(self._models.text, tenants, named, fallback, self._models)
        for tenant, settings in tenants.by_name.items():
            faults += _unknown_heads(tenant, settings, rules.bundle_for(tenant))
        return rules, faults

    def _named(
        self, table: str, tenant: str, settings: TenantSettings, faults: list[str]
    ) -> Bundle | None:
        """The model that a table names, if it may answer."""
        if settings.model is None:
            return None
        bundle = self._live_as(settings.model, tenant) or self._loaded.get(settings.model)
        if bundle is None:
            faults.append(f"[{table}] model={settings.model!r} {self._why_not(settings.model)}")
        elif bundle.kind != "text":
            faults.append(
                f"[{table}] model={settings.model!r} scores calls; name one that `switchboard train` made"
            )
            return None
        elif bundle.tenant not in (DEFAULT_TENANT, tenant):
            faults.append(
                f"[{table}] model={settings.model!r} was trained for tenant {bundle.tenant!r} alone; "
                f"name one of {tenant!r} or of all"
            )
            return None
        return bundle

    def _why_not(self, name: str) -> str:
        if not self._follows or "/" in name:
            return "needs a restart: models are loaded at the start of a worker"
        whose = [tenant for tenant, bundle in self._models.text.items() if bundle.name == name]
        found = f"is live for {', '.join(map(repr, whose))} alone" if whose else "is not live"
        return (
            f"{found}; approve a version of it (switchboard models approve {name}/VERSION …), or write the version "
            "that shall answer, NAME/VERSION, and start the worker again"
        )

    def _live_as(self, name: str, tenant: str) -> Bundle | None:
        """What is live under a name, for the tenant itself or for all."""
        if not self._follows:
            return None
        candidates = (self._models.text.get(tenant), self._models.text.get(DEFAULT_TENANT))
        return next((found for found in candidates if found and found.name == name), None)


def _unknown_heads(tenant: str, settings: TenantSettings, bundle: Bundle | None) -> Iterator[str]:
    """A threshold for a head that is not there protects nobody."""
    asked = settings.abstain_below.keys() - {EVERY_HEAD}
    if asked and bundle is not None:
        heads = [head.spec.name for head in bundle.heads]
        for head in sorted(asked - set(heads)):
            yield (
                f"[tenants.{tenant}] abstain_below.{head}: {bundle.name}/{bundle.version} has no such head; "
                f"write one of {', '.join(heads)}"
            )
