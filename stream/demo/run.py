"""The demo's traffic: mails and calls sent, answers watched. Receives every part ready to use."""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# (aiokafka types its records by their deserialisers, which we do not use)

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass

from aiokafka import AIOKafkaProducer

from stream.demo.board import Board
from stream.demo.tally import Tally
from stream.demo.worker_process import WorkerProcess
from stream.errors import RetryableError
from stream.kafka.clients import Log, plain_producer, reader, start_when_ready
from stream.outputs import OUTPUT_ID
from stream.records import ChurnScore, Classification, decode
from stream.settings import Settings
from stream.simulate import OutgoingRecord, send_open_loop
from stream.topics import (
    CALL_TRANSCRIPTS,
    CHURN_SCORES,
    CLASSIFICATIONS,
    CUSTOMER_PROFILES,
    DEAD_LETTERS,
    INBOUND_EMAILS,
    INBOUND_EMAILS_BULK,
)

ANSWERED = (INBOUND_EMAILS, INBOUND_EMAILS_BULK, CALL_TRANSCRIPTS)

LAST_ANSWERS_S = 10.0
TICK_S = 0.25


@dataclass(frozen=True)
class Traffic:
    """What is sent: mails and calls, how fast, and for how long (None: until Ctrl-C or the mails end)."""

    records: Iterable[OutgoingRecord]
    rate_per_s: float
    seconds: float | None


async def flow(
    settings: Settings,
    traffic: Traffic,
    worker: WorkerProcess,
    board: Board,
    tally: Tally,
    log: Log,
) -> None:
    """Send mails and calls and show answers until the traffic ends; then wait for the last answers."""
    producer = plain_producer(settings)
    await start_when_ready(producer, settings, log)
    watching = asyncio.ensure_future(_watch(settings, board, tally, log))
    try:
        async with asyncio.timeout(traffic.seconds):
            await _send(producer, settings, traffic, tally, watching)
    except TimeoutError:
        pass
    finally:
        try:
            await producer.stop()
            await _last_answers(tally, worker)
        finally:
            watching.cancel()
            await asyncio.wait({watching})


async def _send(
    producer: AIOKafkaProducer,
    settings: Settings,
    traffic: Traffic,
    tally: Tally,
    watching: asyncio.Future[None],
) -> None:
    async def deliver(record: OutgoingRecord) -> None:
        sent_s = time.monotonic()
        topic = settings.topic(record.topic)
        done = await producer.send_and_wait(
            topic, record.value, record.key, headers=list(record.headers)
        )
        output_id = f"{topic}/{done.partition}/{done.offset}"
        if record.topic in ANSWERED:
            name = record.record_id if record.topic != CALL_TRANSCRIPTS else None
            tally.note_sent(output_id, record.caption or name or "", sent_s)

    async def send_all() -> None:
        await send_open_loop(
            deliver, traffic.records, traffic.rate_per_s, failures=(RetryableError,)
        )

    sending = asyncio.ensure_future(send_all())
    try:
        await asyncio.wait({sending, watching}, return_when=asyncio.FIRST_COMPLETED)
        if watching.done():
            watching.result()
        sending.result()
    finally:
        sending.cancel()
        await asyncio.wait({sending})


async def _watch(settings: Settings, board: Board, tally: Tally, log: Log) -> None:
    """Read answers and dead letters as a user would: read_committed."""
    labels, scores = settings.topic(CLASSIFICATIONS), settings.topic(CHURN_SCORES)
    letters, profiles = settings.topic(DEAD_LETTERS), settings.topic(CUSTOMER_PROFILES)
    consumer = reader(settings, auto_offset_reset="earliest", fetch_max_wait_ms=100)
    await start_when_ready(consumer, settings, log)
    consumer.subscribe([labels, scores, letters])
    try:
        while True:
            found = await consumer.getmany(timeout_ms=int(TICK_S * 1000))
            now_s = time.monotonic()
            board.show(None, now_s)
            for tp, records in found.items():
                for record in records:
                    headers = dict(record.headers)
                    output_id = headers[OUTPUT_ID].decode()
                    if tp.topic != letters:
                        kind = ChurnScore if tp.topic == scores else Classification
                        answer = decode(record.value, kind)
                        board.show(tally.note_answer(output_id, answer, now_s), now_s)
                    elif output_id.startswith(f"{profiles}/"):
                        tally.note_bad_profile(output_id)
                    else:
                        tally.note_dead(output_id, headers["error-type"].decode())
    finally:
        await consumer.stop()


async def _last_answers(tally: Tally, worker: WorkerProcess) -> None:
    """Wait for all answers, as long as they go on coming."""
    done, deadline = tally.done, time.monotonic() + LAST_ANSWERS_S
    while tally.done < len(tally.sent) and time.monotonic() < deadline:
        worker.check()
        await asyncio.sleep(TICK_S)
        if tally.done > done:
            done, deadline = tally.done, time.monotonic() + LAST_ANSWERS_S
