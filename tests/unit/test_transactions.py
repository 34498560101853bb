import asyncio
from typing import Any

import pytest
from aiokafka.errors import (
    CommitFailedError,
    IllegalOperation,
    KafkaConnectionError,
    MessageSizeTooLargeError,
    TopicAuthorizationFailedError,
)
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from stream.errors import FatalError, LostTransactionError
from stream.kafka import transactions as room
from stream.kafka.kip447 import GroupMetadata
from stream.kafka.partitions import partitions_of
from stream.kafka.transactions import OutputTooLargeError, Transactions
from stream.outputs import Output
from stream.settings import Settings

GROUP = GroupMetadata("switchboard")
BATCH_BYTES = 1000
OFFSETS = {TopicPartition("inbound-emails", 0): OffsetAndMetadata(4, "")}
OUTPUTS = [Output("a", b"1", b"x", [("output-id", b"t/0/3")]), Output("b", b"1", b"y")]


class FakeCluster:
    """Of four partitions two have a leader."""

    def available_partitions_for_topic(self, topic: str) -> set[int]:
        return {1, 2}


class FakeClient:
    cluster = FakeCluster()


class FakeProducer:
    """Of aiokafka's producer what a transaction uses; fails or hangs at the step that is named."""

    client: Any = FakeClient()

    def __init__(self, step: str = "", error: BaseException | None = None) -> None:
        self.step, self.error = step, error
        self.done: list[str] = []
        self.batches: list[tuple[str, int, list[bytes | None]]] = []
        self.offsets: Any = None
        self.stopped = False

    async def _do(self, step: str) -> None:
        if step == self.step:
            if self.error is None:
                await asyncio.Event().wait()
            else:
                raise self.error
        self.done.append(step)

    async def begin_transaction(self) -> None:
        await self._do("begin")

    async def partitions_for(self, topic: str) -> set[int]:
        return {0, 1, 2, 3}

    def create_batch(self) -> BatchBuilder:
        return BatchBuilder(BATCH_BYTES, 0, is_transactional=True)

    async def send_batch(
        self, batch: BatchBuilder, topic: str, *, partition: int
    ) -> asyncio.Future[None]:
        await self._do(f"send {topic}")
        [records] = [found.next_batch() for found in [MemoryRecords(bytes(batch._build()))]]
        self.batches.append((topic, partition, [record.key for record in records]))
        delivery = asyncio.get_running_loop().create_future()
        if self.step == f"deliver {topic}":
            assert self.error is not None
            delivery.set_exception(self.error)
        else:
            delivery.set_result(None)
        return delivery

    async def send_offsets_to_transaction(self, offsets: Any, group: GroupMetadata) -> None:
        await self._do("offsets")
        self.offsets = (offsets, group)

    async def commit_transaction(self) -> None:
        await self._do("commit")

    async def stop(self) -> None:
        self.stopped = True


def transactions_with(producer: FakeProducer, **values: Any) -> Transactions:
    transactions = Transactions(Settings(**values), lambda *_, **__: None)
    transactions._producer = producer  # type: ignore[assignment]
    return transactions


async def test_outputs_and_offsets_are_one_transaction_in_order() -> None:
    producer = FakeProducer()
    transactions = transactions_with(producer)
    await transactions.commit(OUTPUTS, OFFSETS, GROUP)
    assert producer.done == ["begin", "send a", "send b", "offsets", "commit"]
    assert producer.offsets == (OFFSETS, GROUP)
    assert transactions.usable
    assert not producer.stopped


async def test_a_window_goes_out_in_whole_batches_one_partition_after_the_other() -> None:
    producer = FakeProducer()
    small = [Output("a", b"%d" % number, b"x" * 100) for number in range(40)]
    large = Output("a", small[-1].key, b"y" * 5000)
    await transactions_with(producer).commit([*small, large], OFFSETS, GROUP)
    sent = [output.key for output in (*small, large)]
    firsts = [partition for _, partition, _ in producer.batches[:4]]
    assert sorted(firsts) == [0, 1, 2, 3], "one request can add all partitions to the transaction"
    assert len(producer.batches) > 4, "a full batch is followed by another"
    for partition in firsts:
        own = [keys for _, place, keys in producer.batches if place == partition]
        in_order = [key for key in sent if partitions_of([key], 4) == [partition]]
        assert [key for keys in own for key in keys] == in_order


async def test_records_without_a_key_lie_together() -> None:
    producer = FakeProducer()
    await transactions_with(producer).commit([Output("a", None, b"x")] * 9, OFFSETS, GROUP)
    [(_, partition, keys)] = producer.batches
    assert keys == [None] * 9
    assert partition in {1, 2}, "one that has a leader"


async def test_a_transaction_that_ended_behind_our_back_is_lost_and_no_bug() -> None:
    producer = FakeProducer("send b", IllegalOperation("not in a transaction"))
    with pytest.raises(LostTransactionError, match="had ended before all was sent"):
        await transactions_with(producer).commit(OUTPUTS, OFFSETS, GROUP)
    assert producer.stopped


@pytest.mark.parametrize("step", ["begin", "send b", "deliver a", "offsets", "commit"])
async def test_a_producer_that_failed_at_any_step_is_never_used_again(step: str) -> None:
    producer = FakeProducer(step, CommitFailedError("stale"))
    transactions = transactions_with(producer)
    with pytest.raises(LostTransactionError, match="CommitFailedError") as caught:
        await transactions.commit(OUTPUTS, OFFSETS, GROUP)
    assert isinstance(caught.value.__cause__, CommitFailedError)
    assert not transactions.usable
    assert producer.stopped
    assert "commit" not in producer.done


async def test_a_record_that_was_not_delivered_fails_the_transaction_before_its_commit() -> None:
    producer = FakeProducer("deliver b", KafkaConnectionError("gone"))
    with pytest.raises(LostTransactionError):
        await transactions_with(producer).commit(OUTPUTS, OFFSETS, GROUP)
    assert producer.done == ["begin", "send a", "send b"]


async def test_a_record_that_the_broker_finds_too_large_has_a_name_of_its_own() -> None:
    producer = FakeProducer("deliver a", MessageSizeTooLargeError("1 MiB"))
    with pytest.raises(OutputTooLargeError):
        await transactions_with(producer).commit(OUTPUTS, OFFSETS, GROUP)


async def test_missing_rights_end_the_process_for_asking_again_cannot_help() -> None:
    producer = FakeProducer("deliver a", TopicAuthorizationFailedError("a"))
    transactions = transactions_with(producer)
    with pytest.raises(FatalError, match="rights"):
        await transactions.commit(OUTPUTS, OFFSETS, GROUP)
    assert not transactions.usable


async def test_an_end_that_does_not_come_in_time_is_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    producer = FakeProducer("commit")
    transactions = transactions_with(producer, transaction_timeout_ms=1000)
    monkeypatch.setattr(
        transactions,
        "_settings",
        transactions._settings.model_copy(update={"transaction_timeout_ms": 20}),
    )
    with pytest.raises(LostTransactionError, match="transaction_timeout_ms"):
        await transactions.commit(OUTPUTS, OFFSETS, GROUP)
    assert not transactions.usable
    assert producer.stopped


async def test_a_cancelled_transaction_leaves_no_producer_behind() -> None:
    producer = FakeProducer("commit")
    transactions = transactions_with(producer)
    task = asyncio.ensure_future(transactions.commit(OUTPUTS, OFFSETS, GROUP))
    await asyncio.sleep(0.01)
    assert not transactions.usable
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert producer.stopped
    assert not transactions.usable


async def test_a_window_without_outputs_still_moves_its_offsets() -> None:
    producer = FakeProducer()
    await transactions_with(producer).commit([], OFFSETS, GROUP)
    assert producer.done == ["begin", "offsets", "commit"]


async def test_letting_go_of_a_producer_does_not_wait_for_a_broker_that_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Hanging(FakeProducer):
        class _sender:  # noqa: N801  # aiokafka's name
            sender_task = None

        class client:  # noqa: N801  # aiokafka's name
            closed = False

            @classmethod
            async def close(cls) -> None:
                cls.closed = True

        async def stop(self) -> None:
            await asyncio.Event().wait()

    monkeypatch.setattr(room, "CLOSE_TIMEOUT_S", 0.01)
    producer = Hanging()
    transactions = transactions_with(producer)
    async with asyncio.timeout(10):
        await transactions.close()
    assert producer.client.closed
    assert not transactions.usable


def test_a_slot_has_one_transactional_id_for_good_and_a_nameless_worker_a_new_one() -> None:
    def transactional_id(**values: Any) -> str:
        return Transactions(Settings(**values), lambda *_, **__: None)._id

    assert transactional_id(worker_slot=3) == transactional_id(worker_slot=3)
    assert transactional_id(worker_slot=3) != transactional_id(worker_slot=4)
    assert transactional_id(worker_slot=3, topic_prefix="eu.") == "eu.switchboard-3"
    assert transactional_id() != transactional_id()
