"""A window's records in, the same records with their answers out: the work of the device and of the cores.

Reading and tokenising run in one worker thread, the encoder in as many as the device takes; the event loop only
waits. A run that fails is halved until the guilty record stands alone; before that record is called poison, a golden
row must pass on the same session, so that a sick device never turns mail into dead letters.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import cast

import numpy as np
import numpy.typing as npt

from models.bundle import Bundle
from models.runtime import Encoder, InferenceError
from stream.batching import cut_batches, device_limits
from stream.calls.desk import CallDesk
from stream.calls.fold import NO_PROBABILITY
from stream.calls.reading import read_call
from stream.classify import Item, give_up, read_email
from stream.device_health import DeviceHealth, must_be_well
from stream.encoding import answer_mails, by_encoder, project_fragments, tokenize
from stream.errors import FatalError, PoisonRecordError
from stream.kafka.attempts import Offsets
from stream.metrics import Metrics
from stream.outputs import Output
from stream.read_options import ReadOptions
from stream.tenant_models import DEFAULT_TENANT, Rules, TenantRules

__all__ = ["DEFAULT_TENANT", "DeviceHealth", "Engine"]

NOT_A_NUMBER = "not-a-number"


class Engine:
    """The loaded models and the threads they run in.

    Args:
        bundles: by tenant; `default` answers for tenants that have none of their own.
        options: how mail is read.
        cores: threads for a CPU device.
        max_batch_tokens: None: what suits the device.
        tenants: settings and models by tenant that may change between two windows; None: `options` say it all.
    """

    def __init__(
        self,
        bundles: Mapping[str, Bundle],
        options: ReadOptions,
        metrics: Metrics,
        cores: int,
        max_batch_tokens: int | None = None,
        tenants: TenantRules | None = None,
    ) -> None:
        self._metrics = metrics
        self._desk: CallDesk | None = None
        self._tenants = tenants
        self._rules = Rules(bundles, options.tenants) if tenants is None else tenants.now()
        self._options = options.with_tenants(self._rules.tenants)
        provider = self._rules.bundles()[0].encoder.provider
        limits = device_limits(provider, cores)
        self._run_tokens = limits.run_tokens
        self._max_batch_tokens = max_batch_tokens or limits.max_batch_tokens
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="read")
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="write")
        self._device = ThreadPoolExecutor(limits.threads, thread_name_prefix="device")
        self._health = DeviceHealth()
        self._closed = False

    def bundle_for(self, tenant: str) -> Bundle | None:
        """The model that answers for a tenant now; None: there is none."""
        return self._rules.bundle_for(tenant)

    def take_calls(self, desk: CallDesk) -> None:
        """Fragments of calls are read and folded at this desk from now on."""
        self._desk = desk

    def takes(self, tenant: str, appended_ms: int) -> bool:
        """Whether records of a tenant are answered here."""
        return self._options.takes(tenant, appended_ms)

    def show_models(self) -> None:
        """Show each tenant's model in the metrics, with the provider its session really runs on."""
        shown = self._metrics.model_info
        shown.clear()
        calls = self._rules.calls.churn
        for tenant, bundle in [*self._rules.models().items(), *calls.items()]:
            shown.labels(tenant, bundle.name, bundle.version, bundle.encoder.provider).set(1)

    async def read(self, items: Sequence[Item]) -> tuple[float, float]:
        """Decode, clean and tokenise, off the event loop.

        Returns:
            The moments (monotonic seconds) when the last mail was clean and when the last text was tokens.
        """
        return await asyncio.get_running_loop().run_in_executor(self._reader, self._read, items)

    async def look_at_rules(self) -> None:
        """For a worker without mail: what is live is shown, and what is not is let go, without a window.

        Raises:
            FatalError: as `TenantRules.now`.
        """
        if not self._closed:
            loop = asyncio.get_running_loop()
            looking = loop.run_in_executor(self._reader, self._look_at_rules)
            await asyncio.wait({looking})
            if not looking.cancelled():  # else closed meanwhile
                looking.result()

    def _look_at_rules(self) -> None:
        """Once a window, so that all its mails are read by the same rules."""
        if self._tenants is not None and (rules := self._tenants.now()) is not self._rules:
            self._rules = rules
            self._options = self._options.with_tenants(rules.tenants)
            self.show_models()

    def _read(self, items: Sequence[Item]) -> tuple[float, float]:
        self._look_at_rules()
        for item in items:
            if self._desk is not None and self._desk.is_call(item):
                read_call(item, self._options)
            elif item.error is None:  # a record that killed the worker is not even read
                read_email(item, self._options, self.bundle_for)
            else:
                give_up(item, self._options)
        self._want_words(items, self._rules)
        cleaned_at_s = time.monotonic()
        tokenize(items)
        return cleaned_at_s, time.monotonic()

    def _want_words(self, items: Sequence[Item], rules: Rules) -> list[Item]:
        return [] if self._desk is None else self._desk.wanted(items, rules)

    async def compute(self, items: Sequence[Item]) -> None:
        """Give every readable item its answers, or its error.

        Raises:
            FatalError: the device fails on rows it is known to answer, or too many records fail on it.
        """
        loop = asyncio.get_running_loop()
        for encoder, members in by_encoder(items):
            lengths = [len(item.tokens) for item in members]
            batches = cut_batches(lengths, self._max_batch_tokens, self._run_tokens)
            parts = [[members[place] for place in batch] for batch in batches]
            await asyncio.gather(
                *(loop.run_in_executor(self._device, self._run, encoder, part) for part in parts)
            )
            self._metrics.micro_batch_tokens.labels("text").inc(
                sum(len(item.tokens) for item in members)
            )
            padded = sum(len(part) * max(len(item.tokens) for item in part) for part in parts)
            self._metrics.micro_batch_tokens.labels("padded").inc(padded)
        self._health.note(items, self._metrics)

    async def fold(self, items: Sequence[Item], offsets: Offsets) -> list[Output]:
        """Score the fragments of a window, when the transaction of the window before has ended.

        Args:
            items: computed.
            offsets: that the window's transaction will commit.

        Returns:
            What becomes of their calls.

        Raises:
            FatalError: as `compute`, or a churn model fails.
        """
        if self._desk is None:
            return []
        rules = self._rules  # the reading thread looks at them meanwhile
        while again := self._want_words(items, rules):
            tokenize(again)  # their calls began in the window before, with another model
            await self.compute(again)
        work = partial(_fold, self._desk, items, rules, offsets)
        folding = asyncio.get_running_loop().run_in_executor(self._writer, work)
        try:
            return await asyncio.shield(folding)
        except asyncio.CancelledError:  # it stages: nobody may drop or restore beside it
            await asyncio.wait({folding})
            raise

    async def write(
        self, items: Sequence[Item], outputs_of: Callable[[Item], Sequence[Output]]
    ) -> list[Output]:
        """The outputs of all items, in their order, made off the event loop."""

        def work() -> list[Output]:
            return [output for item in items for output in outputs_of(item)]

        return await asyncio.get_running_loop().run_in_executor(self._writer, work)

    def _run(self, encoder: Encoder, items: list[Item]) -> None:
        """One micro-batch, halved on failure until the guilty record stands alone."""
        try:
            embeddings = encoder.embed([item.tokens for item in items])
        except InferenceError as error:
            if len(items) == 1:
                self._blame(items[0], "model-failed", str(error))
                return
            half = len(items) // 2
            self._run(encoder, items[:half])
            self._run(encoder, items[half:])
            return
        finite = cast("npt.NDArray[np.bool_]", np.isfinite(embeddings).all(axis=1))  # [B, H] -> [B]
        for row, item in enumerate(items):
            if not finite[row]:
                self._blame(
                    item,
                    NOT_A_NUMBER,
                    "the model's output has a value that is not a finite number",
                )
        found = [(item, embeddings[row]) for row, item in enumerate(items) if finite[row]]
        answer_mails([pair for pair in found if pair[0].call is None])
        project_fragments([pair for pair in found if pair[0].call is not None])

    def _blame(self, item: Item, kind: str, message: str) -> None:
        assert item.bundle is not None, "only items with a model are computed: this is a bug"
        must_be_well(item.bundle)
        item.error = PoisonRecordError(
            "infer", kind, f"{message}; a golden row passes on the same session"
        )

    def close(self) -> None:
        """Let the threads go; runs in progress end by themselves."""
        self._closed = True
        self._reader.shutdown(wait=False, cancel_futures=True)
        self._writer.shutdown(wait=False, cancel_futures=True)
        self._device.shutdown(wait=False, cancel_futures=True)


def _fold(desk: CallDesk, items: Sequence[Item], rules: Rules, offsets: Offsets) -> list[Output]:
    try:
        records = desk.fold(items, rules, offsets)
    except InferenceError as error:
        raise FatalError(f"{error}; restart the worker, or roll the churn model back") from error
    if any(item.call and item.error and item.error.kind == NO_PROBABILITY for item in items):
        for bundle in rules.calls.by_name.values():
            must_be_well(bundle)
    return records
