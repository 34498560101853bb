"""Builds what serves: bundles from disk, a warm engine from bundles. Called by the commands, knows every part."""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from models.bundle import Bundle, BundleError, load_bundle, resolve
from models.runtime import Encoder, EncoderError, RuntimeUnavailableError
from stream.batching import device_limits
from stream.clean import CleanOptions, clean
from stream.dedication import Dedication
from stream.deployments.bundle_ref import BundleRef
from stream.deployments.keeper import DeployedModels
from stream.deployments.live import MANIFEST, Scope, sha256_of_file
from stream.engine import Engine
from stream.errors import FatalError, SettingsError
from stream.metrics import Metrics
from stream.read_options import ReadOptions
from stream.records import InboundEmail, ModelKind
from stream.settings import Settings
from stream.tenant_models import Loaded, TenantRules
from stream.tenants import Tenants
from stream.tenants_file import Log, TenantsFile
from stream.tenants_toml import load_tenants

NO_MODEL_NAMED = (
    "no model is named; give --model NAME, as trained by `switchboard train --name NAME` or `train-churn`, "
    "or name one in the tenants file"
)

Only = Dedication | None


def _silent(event: str, **facts: object) -> None:
    """Nobody listens."""


def cores() -> int:
    """Cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


class Loader:
    """Loads models from the models folder, each once; equal encoders are one session. One thread at a time."""

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
        except BundleError as error:
            raise FatalError(str(error)) from error
        whole = f"{path.parent.name}/{path.name}"
        if whole not in self.loaded:
            self.loaded[whole] = self._load(path)
        self.loaded[name] = self.loaded[whole]
        return self.loaded[name]

    def load_exactly(self, ref: BundleRef) -> Bundle:
        """The bundle that a record names, not kept in `loaded`; a new session has run a few shapes one by one.

        Raises:
            FatalError: as `load`, or it is another one than the record names; and whatever else fails, by its name:
                a bundle that breaks the loading must not end the workers that serve another one.
        """
        try:
            return self._load_exactly(ref)
        except FatalError:
            raise
        except Exception as error:
            raise FatalError(
                f"{ref} breaks the loading with {type(error).__name__}: {error}; approve another version, and report it"
            ) from error

    def _load_exactly(self, ref: BundleRef) -> Bundle:
        try:
            path = resolve(self._folder, str(ref))
            found = sha256_of_file(path / MANIFEST)
        except (BundleError, OSError) as error:
            raise FatalError(str(error)) from error
        if found != ref.manifest_sha256:
            raise FatalError(
                f"{path} is not the bundle that was approved: its {MANIFEST} has sha256 {found[:12]}…, not "
                f"{ref.manifest_sha256[:12]}…; copy the approved one there, or approve another version"
            )
        before = set(self._encoders)
        bundle = self._load(path)
        own = BundleRef(bundle.tenant, bundle.name, bundle.version, found, bundle.kind)
        if own != ref:
            raise FatalError(
                f"{path} says it is {own} for tenant {own.tenant!r} ({own.kind}), but {ref} is live "
                f"for tenant {ref.tenant!r} ({ref.kind}); approve the bundle anew"
            )
        if before != set(self._encoders):
            _warm_gently(bundle.encoder)
        return bundle

    def keep_only(self, bundles: Collection[Bundle]) -> None:
        """Let go of sessions that neither these bundles nor those in `loaded` use."""
        used = {id(bundle.encoder) for bundle in (*bundles, *self.loaded.values())}
        for key in [key for key, encoder in self._encoders.items() if id(encoder) not in used]:
            del self._encoders[key]

    def _load(self, path: Path) -> Bundle:
        try:
            return load_bundle(path, self._providers, self._threads, self._encoders)
        except (BundleError, EncoderError, RuntimeUnavailableError, OSError) as error:
            raise FatalError(str(error)) from error

    def pinned(self, names: Sequence[str]) -> Loaded:
        """Models of both kinds, by the tenant they were trained for.

        Raises:
            SettingsError: two of one kind answer for one tenant.
        """
        bundles: dict[tuple[str, ModelKind], Bundle] = {}
        for bundle in map(self.load, names):
            slot = (bundle.tenant, bundle.kind)
            if slot in bundles:
                raise SettingsError(
                    f"{bundles[slot].name} and {bundle.name} both answer for tenant {bundle.tenant}; name one"
                )
            bundles[slot] = bundle
        return Loaded.of(bundles)


def read_options(settings: Settings) -> ReadOptions:
    """How mail is read, live and from files alike; the tenants file as it is now.

    Raises:
        SettingsError: the tenants file is wrong.
    """
    return _options(settings, load_tenants(settings))


def _options(settings: Settings, tenants: Tenants, only: Only = None) -> ReadOptions:
    cleaning = CleanOptions(time_budget_ms=settings.clean_time_budget_ms)
    return ReadOptions(cleaning, settings.skip_kinds, tenants, only)


def start_engine(
    settings: Settings,
    names: Sequence[str],
    metrics: Metrics,
    log: Log = _silent,
    only: Only = None,
) -> Engine:
    """A warm engine for the models that are named here and in the tenants file, which it keeps reading.

    Args:
        settings: say where models are, where the tenants file is, and how mail is read.
        names: NAME or NAME/VERSION; each answers mail, or scores calls, for the tenant it was trained for.
        metrics: of the engine.
        log: told what becomes of the tenants file.
        only: what the worker is dedicated to; None: nothing.

    Raises:
        FatalError: as `Loader.load`.
        SettingsError: no model is named, the tenants file is wrong, or it names a model that is another tenant's.
    """
    file = TenantsFile(settings, metrics, log)
    asked = file.now().models(_tenants(only))
    if not names and not asked:
        raise SettingsError(NO_MODEL_NAMED)
    loader = Loader(settings)
    pinned = loader.pinned(names)
    for name in asked:
        loader.load(name)
    rules = TenantRules(file, pinned, loader.loaded, log, only)
    return warm_engine(pinned.text, settings, metrics, rules, only)


def follow_deployments(
    settings: Settings, metrics: Metrics, log: Log, only: Only = None
) -> DeployedModels:
    """The models that `model-deployments` names, and on top those of the tenants file.

    Raises:
        SettingsError: the tenants file is wrong.
    """
    file = TenantsFile(settings, metrics, log)
    loader = Loader(settings)

    asked = file.now().models(_tenants(only))
    versions = [name for name in asked if "/" in name]  # NAME alone means what is live under it

    def make_engine(live: Callable[[], Loaded]) -> Engine:
        for name in versions:
            loader.load(name)
        rules = TenantRules(file, live, loader.loaded, log, only)
        return warm_engine({}, settings, metrics, rules, only)

    plain = frozenset(asked) - frozenset(versions)
    scope = Scope(_tenants(only), has_others=bool(versions), names=plain)
    return DeployedModels(settings, loader, make_engine, metrics, log, scope)


def _tenants(only: Only) -> Collection[str] | None:
    return None if only is None else only.tenants


def _warm_gently(encoder: Encoder) -> None:
    """Run short and long rows one by one, on this thread alone: `warm_up` would take all cores from the traffic."""
    for words in (1, 16, 64, encoder.max_length_tokens):
        [text] = encoder.tokenize(["card " * words])
        encoder.embed([text.ids])


def warm_engine(
    bundles: Mapping[str, Bundle],
    settings: Settings,
    metrics: Metrics,
    tenants: TenantRules | None = None,
    only: Only = None,
) -> Engine:
    """An engine whose sessions have run the shapes that traffic brings, and whose tables of languages are loaded.

    Where there are `tenants`, they say what serves, and `bundles` are not read.
    """
    threads = settings.encode_threads or cores()
    asked = bundles.values() if tenants is None else tenants.now().bundles()
    for encoder in {bundle.encoder.key: bundle.encoder for bundle in asked}.values():
        limits = device_limits(encoder.provider, threads)
        encoder.warm_up(settings.max_batch_tokens or limits.max_batch_tokens)
    clean(
        InboundEmail(id="warm-up", body="Where is my card?"),
        datetime.now(UTC),
        None,
        CleanOptions(),
    )
    options = (
        read_options(settings)
        if tenants is None
        else _options(settings, tenants.now().tenants, only)
    )
    return Engine(bundles, options, metrics, threads, settings.max_batch_tokens, tenants)
