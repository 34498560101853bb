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


def cores() -> int:
    """Cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def load_models(settings: Settings, names: Sequence[str]) -> dict[str, Bundle]:
    """Load bundles by tenant; equal encoders are one session.

    Raises:
        FatalError: a bundle is missing, damaged or fails its golden run, or no session can be had.
        SettingsError: no model is named, or two bundles answer for one tenant.
    """
    if not names:
        raise SettingsError(
            "no model is named; give --model NAME, as trained by `switchboard train --name NAME`"
        )
    encoders: dict[str, Encoder] = {}
    bundles: dict[str, Bundle] = {}
    providers = [name.strip() for name in settings.execution_providers.split(",")]
    threads = settings.encode_threads or cores()
    for name in names:
        try:
            bundle = load_bundle(resolve(settings.models_path, name), providers, threads, encoders)
        except (BundleError, EncoderError, RuntimeUnavailableError) as error:
            raise FatalError(str(error)) from error
        if bundle.tenant in bundles:
            raise SettingsError(
                f"{bundles[bundle.tenant].name} and {bundle.name} both answer for tenant {bundle.tenant}; name one"
            )
        bundles[bundle.tenant] = bundle
    return bundles


def read_options(settings: Settings) -> ReadOptions:
    """How mail is read, live and from files alike."""
    return ReadOptions(
        CleanOptions(time_budget_ms=settings.clean_time_budget_ms), settings.skip_kinds
    )


def warm_engine(bundles: Mapping[str, Bundle], settings: Settings, metrics: Metrics) -> Engine:
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
    return Engine(bundles, read_options(settings), metrics, threads, settings.max_batch_tokens)
