"""How long a worker takes until it holds its calls again: many in progress, each with many updates in `churn-state`.

    python -m benchmarks.calls_restore [--sizes 64 384] [--calls 50000] [--updates 20] [--repeat 3]
        [--uncompacted]

On an embedded Kafka with the topic's own settings; updates are written in transactions of 1,000 states, round by
round, as windows write them. Restored is what the walk restores between its assignment and its first window, with all
partitions given to one worker, each time in a fresh process whose memory is looked at before and after. Compaction
goes on beside it (`--uncompacted`: it does not, each update is read); `records` says how many were left to read.
Prints JSON lines.
"""

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Sequence
from multiprocessing import get_context
from typing import Any

import numpy as np
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from benchmarks.calls_fold import SEED, rows_of, state_of
from benchmarks.machine import describe, emit
from benchmarks.runs import say
from stream.broker import EmbeddedBroker
from stream.calls.desk import CallDesk
from stream.calls.restore import PARTITIONS_HEADER
from stream.calls.state import encode_state, state_key
from stream.kafka.admin import prepare_topics
from stream.kafka.clients import reader, transactional_producer
from stream.kafka.transactions import send_all
from stream.metrics import Metrics
from stream.outputs import OUTPUT_ID, Output
from stream.process import resident_memory_bytes
from stream.settings import Settings
from stream.topics import CALL_TRANSCRIPTS, CHURN_STATE
from tests.churn_fakes import FakeProfiles

PARTITIONS = 4
WINDOW = 1000
LIMIT_S = 15.0
DAY_MS = 86_400_000


class Everybody:
    """Every tenant's calls are this worker's."""

    def takes(self, tenant: str, appended_ms: int) -> bool:
        """They are."""
        return True


async def keep_updates(settings: Settings) -> None:
    """Let compaction wait for a day."""
    change = {"min.compaction.lag.ms": str(DAY_MS)}
    resource = ConfigResource(ConfigResourceType.TOPIC, settings.topic(CHURN_STATE), change)
    client = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap_servers)
    await client.start()
    try:
        await client.alter_configs([resource])
    finally:
        await client.close()


async def fill(settings: Settings, size: int, calls: int, updates: int) -> int:
    """Write the states of many calls, again and again.

    Returns:
        Bytes of one state.
    """
    rows = rows_of(np.random.default_rng(SEED), 100, size)
    headers = [(OUTPUT_ID, b"t/0/0"), (PARTITIONS_HEADER, str(PARTITIONS).encode())]
    outputs: list[Output] = []
    topic, now_ms = settings.topic(CHURN_STATE), time.time_ns() // 1_000_000
    for call in range(calls):
        state = state_of(call, 30, rows[call % len(rows)], "churn", "e" * 64 + "-int8")
        key = state_key(state.tenant, state.call_id)
        outputs.append(Output(topic, key, encode_state(state), headers, call % PARTITIONS))
    producer = transactional_producer(settings, "fill")
    await producer.start()
    for update in range(updates):
        for first in range(0, calls, WINDOW):
            await producer.begin_transaction()
            await send_all(producer, outputs[first : first + WINDOW])
            await producer.commit_transaction()
        say("filled", size=size, update=update + 1, since_s=round(time.time() - now_ms / 1000))
    await producer.stop()
    return len(outputs[0].value or b"")


async def restored(settings: Settings) -> dict[str, float]:
    """Restore once, in this process."""
    desk = CallDesk(settings, FakeProfiles(), Metrics(), _silent)
    topic = settings.topic(CALL_TRANSCRIPTS)
    offsets = {
        TopicPartition(topic, place): OffsetAndMetadata(1, "") for place in range(PARTITIONS)
    }
    before_bytes, began_s, used_s = resident_memory_bytes(), time.monotonic(), time.process_time()
    await desk.restore(offsets, PARTITIONS, Everybody())
    took_s = time.monotonic() - began_s
    return {
        "seconds": took_s,
        "cpu_seconds": time.process_time() - used_s,
        "calls": desk.table.calls_open + desk.table.calls_ended,
        "megabytes": (resident_memory_bytes() - before_bytes) / 1e6,
        "state_megabytes": desk.table.state_bytes / 1e6,
    }


def restored_apart(settings: Settings) -> dict[str, float]:
    """In a fresh process."""
    return asyncio.run(restored(settings))


async def records_left(settings: Settings) -> int:
    """What is left in the topic, by the room of its offsets that compaction has not emptied."""
    consumer = reader(settings, auto_offset_reset="none")
    await consumer.start()
    try:
        tps = [TopicPartition(settings.topic(CHURN_STATE), place) for place in range(PARTITIONS)]
        consumer.assign(tps)
        for tp, begin in (await consumer.beginning_offsets(tps)).items():
            consumer.seek(tp, begin)
        ends, count = await consumer.end_offsets(tps), 0
        while [tp for tp in tps if await consumer.position(tp) < ends[tp]]:
            count += sum(map(len, (await consumer.getmany(timeout_ms=200)).values()))
        return count
    finally:
        await consumer.stop()


async def measure(kafka: str, size: int, args: argparse.Namespace) -> None:
    """Fill and restore, for one size."""
    settings = Settings(
        kafka_bootstrap_servers=kafka, topic_prefix=f"d{size}-", topic_partitions=PARTITIONS
    )
    await prepare_topics(settings, _silent)
    if args.uncompacted:
        await keep_updates(settings)
    record_bytes = await fill(settings, size, args.calls, args.updates)
    found: list[dict[str, float]] = []
    for _ in range(args.repeat):
        with get_context("spawn").Pool(1) as pool:
            found.append(await asyncio.to_thread(pool.apply, restored_apart, (settings,)))
        say("restored", size=size, **found[-1])
    assert {one["calls"] for one in found} == {args.calls}
    emit(
        "calls_restore",
        size=size,
        calls=args.calls,
        updates=args.updates,
        partitions=PARTITIONS,
        records=await records_left(settings),
        record_bytes=record_bytes,
        seconds=[round(one["seconds"], 2) for one in found],
        seconds_median=_median(found, "seconds"),
        cpu_seconds_median=_median(found, "cpu_seconds"),
        limit_s=LIMIT_S,
        megabytes_grown_median=_median(found, "megabytes"),
        megabytes_of_states=_median(found, "state_megabytes"),
        **describe(),
    )


def _median(found: Sequence[dict[str, float]], name: str) -> float:
    return round(statistics.median(one[name] for one in found), 2)


def _silent(event: str, **facts: Any) -> None:
    """Nobody listens."""


def main() -> None:
    """Run, print, end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=[64, 384])
    parser.add_argument("--calls", type=int, default=50_000)
    parser.add_argument("--updates", type=int, default=20)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--uncompacted", action="store_true")
    args = parser.parse_args()
    with EmbeddedBroker(ephemeral=True) as broker:
        for size in args.sizes:
            asyncio.run(measure(str(broker.bootstrap_servers), size, args))


if __name__ == "__main__":
    sys.exit(main())
