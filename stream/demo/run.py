"""The demo's road, step by step: broker, model, worker, mail. Receives every part ready to use."""

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
from stream.records import Classification, decode
from stream.settings import Settings
from stream.simulate import OutgoingRecord, send_open_loop
from stream.topics import CLASSIFICATIONS, DEAD_LETTERS

LAST_ANSWERS_S = 10.0
TICK_S = 0.25


@dataclass(frozen=True)
class Traffic:
    """What is sent: mails, how fast, and for how long (None: until Ctrl-C or the mails end)."""

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
    """Send mail and show answers until the traffic ends; then wait for the last answers."""
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
        tally.note_sent(output_id, record.caption or record.record_id or "", sent_s)

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
    answers, letters = settings.topic(CLASSIFICATIONS), settings.topic(DEAD_LETTERS)
    consumer = reader(settings, auto_offset_reset="earliest", fetch_max_wait_ms=100)
    await start_when_ready(consumer, settings, log)
    consumer.subscribe([answers, letters])
    try:
        while True:
            found = await consumer.getmany(timeout_ms=int(TICK_S * 1000))
            now_s = time.monotonic()
            board.show(None, now_s)
            for tp, records in found.items():
                for record in records:
                    headers = dict(record.headers)
                    output_id = headers[OUTPUT_ID].decode()
                    if tp.topic == letters:
                        tally.note_dead(output_id, headers["error-type"].decode())
                    else:
                        answer = decode(record.value, Classification)
                        board.show(tally.note_answer(output_id, answer, now_s), now_s)
    finally:
        await consumer.stop()


async def _last_answers(tally: Tally, worker: WorkerProcess) -> None:
    deadline = time.monotonic() + LAST_ANSWERS_S
    while tally.done < len(tally.sent) and time.monotonic() < deadline:
        worker.check()
        await asyncio.sleep(TICK_S)
