"""`tests.fake_worker` that stops itself (SIGSTOP) near the end of a transaction, once, and says so before.

`python -m tests.pausing_worker`; beside the fake worker's environment `SWITCHBOARD_PAUSE`: `before_offsets`, when the
outputs are written; `before_end`, between the answer to TxnOffsetCommit and EndTxn; `after_end`, when EndTxn has left
and its answer is not read.
"""

import os
import signal
import sys
from typing import Any

import orjson
from aiokafka.conn import AIOKafkaConnection
from aiokafka.protocol.transaction import EndTxnRequest

from stream.kafka.kip447_requests import TxnOffsetCommitV3
from stream.process import end_process
from tests import fake_worker

TRANSACTIONS_BEFORE = 3  # then it is well on its way


def pause_at(place: str) -> None:
    """Replace aiokafka's sending of a request: all transactional requests pass through it, one at a time."""
    send = AIOKafkaConnection.send
    request_type = TxnOffsetCommitV3 if place == "before_offsets" else EndTxnRequest
    seen = 0

    def stop() -> None:
        sys.stdout.buffer.write(orjson.dumps({"event": "paused", "place": place}) + b"\n")
        sys.stdout.flush()
        os.kill(os.getpid(), signal.SIGSTOP)

    def pausing(connection: AIOKafkaConnection, request: Any, *arguments: Any, **named: Any) -> Any:
        nonlocal seen
        is_of_type = isinstance(request, request_type)
        seen += is_of_type
        is_now = is_of_type and seen == TRANSACTIONS_BEFORE + 1
        if is_now and place != "after_end":
            stop()
        sent = send(connection, request, *arguments, **named)
        if is_now and place == "after_end":
            stop()
        return sent

    AIOKafkaConnection.send = pausing


if __name__ == "__main__":
    if place := os.environ.get("SWITCHBOARD_PAUSE"):
        pause_at(place)
    end_process(fake_worker.main())
