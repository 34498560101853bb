"""Builds what serves: bundles from disk, a warm engine from bundles. Called by the commands, knows every part."""

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from models.bundle import Bundle, BundleError, load_bundle, resolve
from models.runtime import Encoder, EncoderError, RuntimeUnavailableError
from stream.batching import device_limits
from stream.classify import ReadOptions
from stream.clean import CleanOptions, clean
from stream.engine import Engine
from stream.errors import FatalError, SettingsError
from stream.metrics import Metrics
from stream.records import InboundEmail
from stream.settings import Settings
from stream.tenant_models import TenantRules
from stream.tenants import Tenants
from stream.tenants_file import Log, TenantsFile
from stream.tenants_toml import load_tenants

NO_MODEL_NAMED = (
    "no model is named; give --model NAME, as trained by `switchboard train --name NAME`, "
    "or name one in the tenants file"
)


def _silent(event: str, **facts: object) -> None:
    """Nobody listens."""


def cores() -> int:
    """Cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


class Loader:
    """Loads models from the models folder, each once; equal encoders are one session."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.models_path
        self._providers = [name.strip() for name in settings.execution_providers.split(",")]
        self._threads = settings.encode_threads or cores()
        self._encoders: dict[str, Encoder] = {}
        self.loaded: dict[str, Bundle] = {}

    def load(self, name: str) -> Bundle:
        """A model by NAME or NAME/VERSION, kept in `loaded` under both.

        Raises:
            FatalError: it is missing, damaged or fails its golden run, or no session can be had.
        """
        try:
            path = resolve(self._folder, name)
            whole = f"{path.parent.name}/{path.name}"
            if whole not in self.loaded:
                self.loaded[whole] = load_bundle(
                    path, self._providers, self._threads, self._encoders
                )
        except (BundleError, EncoderError, RuntimeUnavailableError) as error:
            raise FatalError(str(error)) from error
        self.loaded[name] = self.loaded[whole]
        return self.loaded[name]

    def by_tenant(self, names: Sequence[str]) -> dict[str, Bundle]:
        """Models by the tenant they were trained for.

        Raises:
            SettingsError: two of them answer for one tenant.
        """
        bundles: dict[str, Bundle] = {}
        for bundle in map(self.load, names):
            if bundle.tenant in bundles:
                raise SettingsError(
                    f"{bundles[bundle.tenant].name} and {bundle.name} both answer for tenant {bundle.tenant}; name one"
                )
            bundles[bundle.tenant] = bundle
        return bundles


def read_options(settings: Settings) -> ReadOptions:
    """How mail is read, live and from files alike; the tenants file as it is now.

    Raises:
        SettingsError: the tenants file is wrong.
    """
    return _options(settings, load_tenants(settings))


def _options(settings: Settings, tenants: Tenants) -> ReadOptions:
    cleaning = CleanOptions(time_budget_ms=settings.clean_time_budget_ms)
    return ReadOptions(cleaning, settings.skip_kinds, tenants)


def start_engine(
    settings: Settings, names: Sequence[str], metrics: Metrics, log: Log = _silent
) -> Engine:
    """A warm engine for the models that are named here and in the tenants file, which it keeps reading.

    Args:
        settings: say where models are, where the tenants file is, and how mail is read.
        names: NAME or NAME/VERSION; each answers for the tenant it was trained for.
        metrics: of the engine.
        log: told what becomes of the tenants file.

    Raises:
        FatalError: as `Loader.load`.
        SettingsError: no model is named, the tenants file is wrong, or it names a model that is another tenant's.
    """
    file = TenantsFile(settings, metrics, log)
    asked = file.now().models()
    if not names and not asked:
        raise SettingsError(NO_MODEL_NAMED)
    loader = Loader(settings)
    bundles = loader.by_tenant(names)
    for name in asked:
        loader.load(name)
    rules = TenantRules(file, bundles, loader.loaded, log)
    return warm_engine({**bundles, **rules.now().models()}, settings, metrics, rules)


def warm_engine(
    bundles: Mapping[str, Bundle],
    settings: Settings,
    metrics: Metrics,
    tenants: TenantRules | None = None,
) -> Engine:
    """An engine whose sessions have run the shapes that traffic brings, and whose tables of languages are loaded."""
    threads = settings.encode_threads or cores()
    for encoder in {bundle.encoder.key: bundle.encoder for bundle in bundles.values()}.values():
        limits = device_limits(encoder.provider, threads)
        encoder.warm_up(settings.max_batch_tokens or limits.max_batch_tokens)
    clean(
        InboundEmail(id="warm-up", body="Where is my card?"),
        datetime.now(UTC),
        None,
        CleanOptions(),
    )
    options = (
        read_options(settings) if tenants is None else _options(settings, tenants.now().tenants)
    )
    return Engine(bundles, options, metrics, threads, settings.max_batch_tokens, tenants)
