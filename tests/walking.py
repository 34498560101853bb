"""A walk on a real Kafka with a model that needs no files: for what the walk promises, not what a model says."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from models.heads import HeadAnswer

from models.runtime import InferenceError
from stream.classify import ReadOptions
from stream.clean import CleanOptions
from stream.engine import Engine
from stream.kafka.admin import prepare_topics
from stream.metrics import Metrics
from stream.pipeline import Walk
from stream.settings import Settings

FAILS, IS_NAN, KILLS = "word-that-fails", "word-that-is-nan", "word-that-kills"


@dataclass
class Tokens:
    ids: list[int]
    truncated: bool


class FakeEncoder:
    """Embeds a text as its length; marked words misbehave the way a device can."""

    key = "fake"
    provider = "cpu"

    def __init__(self, record_s: float = 0.0) -> None:
        self.record_s = record_s
        self.runs: list[int] = []

    def tokenize(self, texts: Sequence[str]) -> list[Tokens]:
        return [Tokens([len(text), *map(ord, text[:64])], len(text) > 500) for text in texts]

    def embed(self, rows: Sequence[Sequence[int]]) -> np.ndarray:
        self.runs.append(len(rows))
        time.sleep(self.record_s * len(rows))
        texts = ["".join(map(chr, row[1:])) for row in rows]
        if any(KILLS in text for text in texts):
            os.kill(os.getpid(), signal.SIGKILL)
        if any(FAILS in text for text in texts):
            raise InferenceError("the device refused this run")
        return np.array(
            [[np.nan if IS_NAN in text else row[0]] for row, text in zip(rows, texts, strict=True)],
            dtype=np.float32,
        )


class FakeBundle:
    """Says `even` or `odd` of a text's length, under its own tenant's head."""

    version = "1"

    def __init__(self, encoder: FakeEncoder, tenant: str = "default") -> None:
        self.encoder = encoder
        self.name = self.tenant = tenant
        self.sick: str | None = None

    def text(self, subject: str, body: str, attributes: Mapping[str, str]) -> str:
        return f"{subject} {body}".strip()

    def predict(self, embeddings: np.ndarray, texts: Sequence[str]) -> list[dict[str, HeadAnswer]]:
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


def make_engine(bundles: Mapping[str, Any], settings: Settings, metrics: Metrics) -> Engine:
    return Engine(
        bundles,
        ReadOptions(CleanOptions(), settings.skip_kinds),
        metrics,
        2,
        settings.max_batch_tokens,
    )


class Events:
    """Collects what is logged, with the walk's words for it."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, event: str, **facts: Any) -> None:
        self.seen.append((event, facts))

    def count(self, event: str) -> int:
        return sum(name == event for name, _ in self.seen)


@asynccontextmanager
async def walking(
    settings: Settings, bundles: Mapping[str, Any] | None = None, events: Events | None = None
) -> AsyncIterator[Walk]:
    """A walk in this process, stopped gracefully at the end; its error is raised."""
    metrics, log = Metrics(), events or Events()
    topics = await prepare_topics(settings, log)
    engine = make_engine(bundles or {"default": FakeBundle(FakeEncoder())}, settings, metrics)
    walk = Walk(settings, engine, topics, metrics, log)
    walk.metrics_for_test = metrics
    task = asyncio.ensure_future(walk.run())
    try:
        yield walk
        walk.stop()
        await task
    finally:
        walk.stop()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await asyncio.wait_for(asyncio.shield(task), 10)
        task.cancel()
