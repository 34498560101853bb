"""A walk on a real Kafka with a model that needs no files: for what the walk promises, not what a model says."""

import asyncio
import contextlib
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from aiokafka import AIOKafkaProducer

from models.heads import HeadAnswer
from models.runtime import InferenceError
from stream.calls.desk import CallDesk
from stream.clean import CleanOptions
from stream.engine import Engine
from stream.kafka.admin import prepare_topics
from stream.metrics import Metrics
from stream.pipeline import Walk
from stream.read_options import ReadOptions
from stream.settings import Settings
from stream.tenant_models import Loaded, Rules
from tests.churn_fakes import FakeChurnBundle, FakeProfiles

FAILS, IS_NAN, KILLS = "word-that-fails", "word-that-is-nan", "word-that-kills"
HANGS, KILLS_READING = "word-that-hangs", "word-that-kills-in-reading"


@dataclass
class Tokens:
    ids: list[int]
    truncated: bool


class FakeEncoder:
    """Embeds a text as its length; marked words misbehave the way a device can."""

    key = "fake"
    provider = "cpu"

    def __init__(self, record_s: float = 0.0, *, hangs: bool = True) -> None:
        self.record_s = record_s
        self.hangs = hangs
        self.runs: list[int] = []

    def tokenize(self, texts: Sequence[str]) -> list[Tokens]:
        return [Tokens([len(text), *map(ord, text[:64])], len(text) > 500) for text in texts]

    def embed(self, rows: Sequence[Sequence[int]]) -> np.ndarray:
        self.runs.append(len(rows))
        time.sleep(self.record_s * len(rows))
        texts = ["".join(map(chr, row[1:])) for row in rows]
        if any(KILLS in text for text in texts):
            os.kill(os.getpid(), signal.SIGKILL)
        if self.hangs and any(HANGS in text for text in texts):
            time.sleep(3600)
        if any(FAILS in text for text in texts):
            raise InferenceError("the device refused this run")
        return np.array(
            [[np.nan if IS_NAN in text else row[0]] for row, text in zip(rows, texts, strict=True)],
            dtype=np.float32,
        )


class FakeBundle:
    """Says `even` or `odd` of a text's length, under its own tenant's head."""

    version = "1"
    kind = "text"
    churn: Any = None
    languages: tuple[str, ...] = ()

    def __init__(self, encoder: FakeEncoder, tenant: str = "default") -> None:
        self.encoder = encoder
        self.name = self.tenant = tenant
        self.sick: str | None = None

    def text(self, subject: str, body: str, attributes: Mapping[str, str]) -> str:
        if KILLS_READING in body:
            os.kill(os.getpid(), signal.SIGKILL)
        return f"{subject} {body}".strip()

    def predict(
        self, embeddings: np.ndarray, texts: Sequence[str], tenants: Sequence[str] | None = None
    ) -> list[dict[str, HeadAnswer]]:
        return [
            {
                self.tenant: HeadAnswer(
                    "multiclass", ((("odd" if row[0] % 2 else "even"), 0.9), ("other", 0.1)), False
                )
            }
            for row in embeddings
        ]

    def golden_failure(self) -> str | None:
        return self.sick


def settings_for(kafka: str, prefix: str, **values: Any) -> Settings:
    return Settings(
        kafka_bootstrap_servers=kafka,
        topic_prefix=prefix,
        group_id=f"{prefix}group",
        metrics_port=0,
        **{"kafka_connect_timeout_s": 5, **values},
    )


class FakeRules:
    """Who answers and who scores, changed at will; of `TenantRules` what the engine asks.

    Args:
        bundles: of mail, by tenant.
        calls: the bundle for calls that begin; None: none is live.
        others: bundles that calls in progress may stay with.
    """

    def __init__(
        self,
        bundles: Mapping[str, Any] | None = None,
        calls: Any = None,
        others: Sequence[Any] = (),
    ) -> None:
        self._bundles = bundles or {"default": FakeBundle(FakeEncoder())}
        self.put_live(calls, others)

    def put_live(self, calls: Any, others: Sequence[Any] = ()) -> None:
        """From the next window on."""
        live = {} if calls is None else {("default", calls.kind): calls}
        self._rules = Rules(self._bundles, calls=Loaded.of(live, others))

    def now(self) -> Rules:
        return self._rules


def make_engine(
    bundles: Mapping[str, Any],
    settings: Settings,
    metrics: Metrics,
    rules: FakeRules | None = None,
) -> Engine:
    found: Any = rules or FakeRules(bundles, FakeChurnBundle())
    return Engine(
        found.now().by_tenant,
        ReadOptions(CleanOptions(), settings.skip_kinds),
        metrics,
        2,
        settings.max_batch_tokens,
        found,
    )


class Events:
    """Collects what is logged, with the walk's words for it."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, event: str, **facts: Any) -> None:
        self.seen.append((event, facts))

    def count(self, event: str) -> int:
        return sum(name == event for name, _ in self.seen)


@dataclass
class Running:
    """A walk in this process."""

    walk: Walk
    metrics: Metrics
    events: Events
    task: asyncio.Task[None]

    async def end(self, timeout_s: float = 20) -> None:
        """Wait until it ends by itself; its error is raised."""
        async with asyncio.timeout(timeout_s):
            await asyncio.shield(self.task)

    def committed(self) -> list[dict[str, int]]:
        """From now on, the records of each committed window by topic; filled while it walks."""
        windows: list[dict[str, int]] = []
        commit_windows = self.walk._transactions.commit

        async def commit(outputs: Any, offsets: Any, group: Any) -> None:
            outputs = list(outputs)
            await commit_windows(outputs, offsets, group)
            causes = [dict(output.headers)["output-id"].decode() for output in outputs]
            topics = [cause.split("/")[0] for cause in set(causes)]
            if causes:  # else it is a transaction of marks
                windows.append({topic: topics.count(topic) for topic in set(topics)})

        self.walk._transactions.commit = commit
        return windows


@asynccontextmanager
async def walking(
    settings: Settings,
    bundles: Mapping[str, Any] | None = None,
    events: Events | None = None,
    profiles: FakeProfiles | None = None,
    rules: FakeRules | None = None,
) -> AsyncIterator[Running]:
    """A walk in this process, stopped gracefully at the end; its error is raised, before any of the test's own."""
    metrics, log = Metrics(), events or Events()
    topics = await prepare_topics(settings, log)
    mail_by = bundles or {"default": FakeBundle(FakeEncoder())}
    more = () if rules is None else (rules,)
    engine = make_engine(mail_by, settings, metrics, *more)
    desk = CallDesk(settings, profiles or FakeProfiles(), metrics, log)
    walk = Walk(settings, engine, desk, topics, metrics, log)
    task = asyncio.ensure_future(walk.run())
    try:
        yield Running(walk, metrics, log, task)
    finally:
        walk.stop()
        try:
            async with asyncio.timeout(settings.drain_timeout_s + 10):
                await task
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task


def mail(number: int, body: str = "", **fields: Any) -> tuple[bytes, bytes]:
    """Key and value of an e-mail record; keys spread over all partitions."""
    if "html" not in fields:
        fields["body"] = body or "word " * (number % 40 + 1)
    fields = {"id": f"m{number}", **fields}
    return b"customer-%d" % (number % 97), json.dumps(fields).encode()


async def traffic(kafka: str, topic: str, numbers: range, rate_per_s: float) -> None:
    """Send mails at a rate, in small bursts; what the broker has acknowledged counts as sent."""
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka, enable_idempotence=True, request_timeout_ms=60_000
    )
    await producer.start()
    try:
        began_s, sent = time.monotonic(), []
        for place, number in enumerate(numbers):
            key, value = mail(number)
            sent.append(await producer.send(topic, value, key))
            ahead_s = place / rate_per_s - (time.monotonic() - began_s)
            if ahead_s > 0.02:
                await asyncio.sleep(ahead_s)
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


async def until(true: Callable[[], Any], timeout_s: float = 20, why: object = "") -> None:
    """Wait until a condition holds."""
    deadline_s = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline_s, f"not true after {timeout_s} s: {why}"
        await asyncio.sleep(0.05)
