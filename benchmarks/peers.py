"""One consumer loop, two models in it: Hugging Face's pipeline on torch against the worker's encoder.

    python -m benchmarks.peers --data FILE [--data FILE …] [--repeat 5] [--texts 192]

The loop is what many start with: aiokafka consumer, classify, producer, commit afterwards (at least once), in this
process, on the embedded broker. Both sides read the same records from the same topic, run the same base weights with
one linear head on as many threads as there are cores, and take turns. Hugging Face's side is
`pipeline("text-classification")`, one text a run (its default) and several; the better of the two is the one to beat.
Needs the extra `train`. Prints JSON lines.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

# Before torch is loaded: its threads must not burn a core while they wait.
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from benchmarks.machine import describe, emit
from benchmarks.mails import Mail, send_all
from models.encoder.build import build_encoder, find_base_model
from models.rows.dataset import read_dataset
from models.runtime import Encoder
from stream.batching import cut_batches, device_limits
from stream.broker import EmbeddedBroker
from stream.kafka.admin import prepare_topics
from stream.settings import Settings
from stream.topics import CLASSIFICATIONS, INBOUND_EMAILS

LABELS = 77
MAX_LENGTH_TOKENS = 256
POLL_RECORDS = 64
PIPELINE_BATCHES = (1, 16)

Classify = Callable[[Sequence[str]], list[str]]


@dataclass
class Side:
    """One model in the loop, and what was measured of it."""

    name: str
    classify: Classify
    texts_per_s: list[float] = field(default_factory=list[float])


def our_side(folder: Path, threads: int) -> Side:
    """The encoder, the planner and the threads of a worker, with one linear head."""
    build_encoder(find_base_model(), folder, MAX_LENGTH_TOKENS, ["int8"])
    encoder = Encoder(folder, "cpu", threads)
    budget = device_limits(encoder.provider, threads).max_batch_tokens
    encoder.warm_up(budget)
    head = np.random.default_rng(0).normal(size=(encoder.hidden_size, LABELS)).astype(np.float32)
    pool = ThreadPoolExecutor(threads, "device")

    def classify(texts: Sequence[str]) -> list[str]:
        rows = [text.ids for text in encoder.tokenize(texts)]
        batches = cut_batches([len(row) for row in rows], budget)
        runs = pool.map(encoder.embed, [[rows[place] for place in batch] for batch in batches])
        labels = [""] * len(texts)
        for batch, embeddings in zip(batches, runs, strict=True):
            for place, best in zip(batch, (embeddings @ head).argmax(axis=1), strict=True):
                labels[place] = f"LABEL_{best}"
        return labels

    return Side("switchboard", classify)


def pipeline_sides(threads: int) -> list[Side]:
    """Hugging Face's pipeline on the same weights, by rows of a run."""
    import torch  # noqa: PLC0415 - large, and only this half needs it
    import transformers  # noqa: PLC0415

    transformers.logging.set_verbosity_error()  # the head is new on purpose
    torch.set_num_threads(threads)
    base = str(find_base_model())
    model = transformers.AutoModelForSequenceClassification.from_pretrained(base, num_labels=LABELS)
    tokenizer = transformers.AutoTokenizer.from_pretrained(base)
    pipe = transformers.pipeline(
        "text-classification", model=model, tokenizer=tokenizer, framework="pt", device="cpu"
    )

    def side(rows: int) -> Side:
        def classify(texts: Sequence[str]) -> list[str]:
            answers = pipe(
                list(texts), batch_size=rows, truncation=True, max_length=MAX_LENGTH_TOKENS
            )
            return [answer["label"] for answer in answers]

        return Side(f"pipeline, {rows} a run", classify)

    return [side(rows) for rows in PIPELINE_BATCHES]


async def consume(settings: Settings, classify: Classify, count: int) -> float:
    """Read `count` records, answer each, commit after each poll; texts/s from the first record to the last commit."""
    kafka, answers = settings.kafka_bootstrap_servers, settings.topic(CLASSIFICATIONS)
    consumer = AIOKafkaConsumer(
        settings.topic(INBOUND_EMAILS),
        bootstrap_servers=kafka,
        group_id=settings.group_id,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    producer = AIOKafkaProducer(bootstrap_servers=kafka, enable_idempotence=True)
    await consumer.start()
    await producer.start()
    done, start_s = 0, 0.0
    try:
        while done < count:
            polled = await consumer.getmany(timeout_ms=1000, max_records=POLL_RECORDS)
            records = [record for part in polled.values() for record in part]
            if not records:
                continue
            start_s = start_s or time.perf_counter()
            texts = [record.value.decode() for record in records]
            labels = await asyncio.to_thread(classify, texts)
            for record, label in zip(records, labels, strict=True):
                await producer.send(answers, label.encode(), record.key)
            await producer.flush()
            await consumer.commit()
            done += len(records)
        return done / (time.perf_counter() - start_s)
    finally:
        await producer.stop()
        await consumer.stop()


async def compare(
    settings: Settings, sides: Sequence[Side], texts: Sequence[str], repeat: int
) -> None:
    """Let the sides take turns; each time a side reads the whole topic in a group of its own."""
    await prepare_topics(settings, lambda *_, **__: None)
    await send_all(settings, [Mail(b"k%d" % n, text.encode()) for n, text in enumerate(texts)])
    for side in sides:
        side.texts_per_s.clear()
        await asyncio.to_thread(side.classify, texts[:8])  # the first pass of torch is slow
    for turn in range(repeat):
        for number, side in enumerate(sides):
            own = settings.model_copy(
                update={"group_id": f"{settings.topic_prefix}{number}-{turn}"}
            )
            side.texts_per_s.append(await consume(own, side.classify, len(texts)))


def main() -> None:
    """Measure each file, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--texts", type=int, default=192, help="texts per file")
    args = parser.parse_args()
    warnings.filterwarnings("ignore", module="transformers|torch")
    threads = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder, EmbeddedBroker(ephemeral=True) as broker:
        sides = [our_side(Path(folder), threads), *pipeline_sides(threads)]
        for number, data in enumerate(args.data):
            texts = [row.text() for row in read_dataset([data]).rows[: args.texts]]
            settings = Settings(
                kafka_bootstrap_servers=broker.bootstrap_servers, topic_prefix=f"file{number}-"
            )
            asyncio.run(compare(settings, sides, texts, args.repeat))
            _report(data, texts, sides)


def _report(data: Path, texts: Sequence[str], sides: Sequence[Side]) -> None:
    ours = sides[0]
    for side in sides:
        ratios = [a / b for a, b in zip(ours.texts_per_s, side.texts_per_s, strict=True)]
        emit(
            "peers",
            data=data.name,
            texts=len(texts),
            side=side.name,
            texts_per_s=round(statistics.median(side.texts_per_s), 1),
            switchboard_is_faster_by=round(statistics.median(ratios), 2),
            switchboard_is_faster_by_min=round(min(ratios), 2),
            repeats=len(ratios),
            **describe(),
        )


if __name__ == "__main__":
    main()
