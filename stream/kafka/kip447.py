"""The two requests of KIP-447 that aiokafka 0.14.0 lacks, put under its consumer and producer.

Without them exactly-once breaks when partitions move (aiokafka issue 844): TxnOffsetCommit v0 cannot say which
generation of the group it speaks for, so a worker that lost its partitions still commits (38 and 79 duplicates
under load); OffsetFetch v3 cannot see that a predecessor's offsets are pending, so the successor starts below
them (150 outputs for 100 records). Sent here instead:

- TxnOffsetCommit v3: generation, member and instance id, so that the broker refuses a stale worker;
- OffsetFetch v7 with `require_stable`: the broker answers 88 (UNSTABLE_OFFSET_COMMIT) until the predecessor's
  transaction has ended.

Everything private that is touched is touched here; `tests/contract/test_kip447.py` fails when the library moves.
"""

# pyright: reportUnknownParameterType=false, reportMissingParameterType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false, reportPrivateUsage=false, reportUntypedBaseClass=false
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportIncompatibleVariableOverride=false
# (aiokafka's protocol layer is untyped, and replacing its private parts is this file's purpose)
# ruff: noqa: SLF001

import asyncio
import collections
import time
from types import SimpleNamespace
from typing import Any, NoReturn

import aiokafka
from aiokafka import errors as kafka_errors
from aiokafka.consumer import consumer as consumer_module
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.producer import sender as sender_module
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from stream.kafka.kip447_requests import OffsetFetchV7, TxnOffsetCommitV3

SUPPORTED_AIOKAFKA = "0.14.0"
UNSTABLE_OFFSET_COMMIT = 88
NO_OFFSET = -1
# After a commit the broker answers CONCURRENT_TRANSACTIONS for a moment; aiokafka sleeps 20 ms, 2 ms are enough:
# 32-record transactions went from 3.3 to 5.4–6.6 thousand records/s.
CONCURRENT_TRANSACTIONS_BACKOFF_S = 0.002


class FencedInstanceIdError(kafka_errors.BrokerResponseError):
    """Another member took this `group.instance.id` (KIP-345)."""

    errno = 82
    message = "FENCED_INSTANCE_ID"
    description = "Another member took this group.instance.id."


class UnstableOffsetsError(kafka_errors.KafkaError):
    """A transaction of the partition's previous owner has not ended yet: ask again."""

    retriable = True


class GroupMetadata(str):
    """A group id that carries the generation it speaks for, in the place where aiokafka takes a group id."""

    __slots__ = ("generation_id", "instance_id", "member_id")
    generation_id: int
    member_id: str
    instance_id: str | None

    @classmethod
    def of(cls, consumer: aiokafka.AIOKafkaConsumer) -> "GroupMetadata":
        """The consumer's group as it is now; take it when partitions are assigned, not when they are committed."""
        coordinator: Any = consumer._coordinator
        metadata = cls(coordinator.group_id)
        metadata.generation_id = coordinator.generation
        metadata.member_id = coordinator.member_id
        metadata.instance_id = coordinator._group_instance_id
        return metadata


class FencedTxnOffsetCommitHandler(sender_module.TxnOffsetCommitHandler):
    """Commits offsets in the name of a generation; a plain group id goes the old way."""

    def create_request(self) -> Any:
        """TxnOffsetCommit v3 (KIP-447)."""
        group = self._group_id
        if not isinstance(group, GroupMetadata):
            return super().create_request()
        by_topic: dict[str, list[Any]] = collections.defaultdict(list)
        for tp, position in sorted(self._offsets.items()):
            row = (tp.partition, position.offset, -1, position.metadata, {})
            by_topic[tp.topic].append(row)
        manager = self._sender._txn_manager
        return TxnOffsetCommitV3(
            manager.transactional_id,
            str(group),
            manager.producer_id,
            manager.producer_epoch,
            group.generation_id,
            group.member_id,
            group.instance_id,
            [(topic, rows, {}) for topic, rows in by_topic.items()],
        )

    def handle_response(self, resp: Any) -> float | None:
        """Fail the offsets when the generation is stale; everything else is aiokafka's to decide."""
        if not isinstance(self._group_id, GroupMetadata):
            return super().handle_response(resp)
        plain = [(topic, [row[:2] for row in rows]) for topic, rows, *_ in resp.errors]
        refused = (
            kafka_errors.IllegalGenerationError,
            kafka_errors.UnknownMemberIdError,
            kafka_errors.RebalanceInProgressError,
            FencedInstanceIdError,
        )
        for _, rows in plain:
            for _, code in rows:
                error_type = kafka_errors.for_code(code)
                if error_type in refused:
                    # Not error_transaction(): it forgets the partitions, and EndTxn is then never sent.
                    *_, future = self._sender._txn_manager._pending_txn_offsets.popleft()
                    future.set_exception(kafka_errors.CommitFailedError(error_type.__name__))
                    return None
        return super().handle_response(SimpleNamespace(errors=plain))


class StableGroupCoordinator(GroupCoordinator):
    """A group member that reads stable offsets and notices when its slot is taken."""

    heartbeat_ok_at: float = 0.0
    slot_taken: bool = False

    async def _do_fetch_commit_offsets(
        self, partitions: Any
    ) -> dict[TopicPartition, OffsetAndMetadata]:
        by_topic: dict[str, list[int]] = collections.defaultdict(list)
        for tp in partitions:
            by_topic[tp.topic].append(tp.partition)
        topics = [(topic, numbers, {}) for topic, numbers in by_topic.items()]
        response = await self._send_req(OffsetFetchV7(self.group_id, topics, True))
        if response.error_code:
            self._refuse(response.error_code)
        offsets: dict[TopicPartition, OffsetAndMetadata] = {}
        for topic, rows, _ in response.topics:
            for partition, offset, _, metadata, error_code, _ in rows:
                if error_code:
                    self._refuse(error_code)
                if offset != NO_OFFSET:
                    offsets[TopicPartition(topic, partition)] = OffsetAndMetadata(
                        offset, metadata or ""
                    )
        return offsets

    def _refuse(self, error_code: int) -> NoReturn:
        if error_code == UNSTABLE_OFFSET_COMMIT:
            raise UnstableOffsetsError
        error_type = kafka_errors.for_code(error_code)
        if error_type in (
            kafka_errors.NotCoordinatorForGroupError,
            kafka_errors.GroupCoordinatorNotAvailableError,
        ):
            self.coordinator_dead()
        raise error_type(self.group_id)

    async def _do_heartbeat(self) -> bool:
        alive: bool = await super()._do_heartbeat()
        if alive:
            self.heartbeat_ok_at = time.monotonic()
        return alive

    def reset_generation(self) -> None:
        """The broker no longer knows this member. A static one it forgot while it was well was replaced."""
        silent_s = time.monotonic() - self.heartbeat_ok_at
        was_well = silent_s < 0.8 * self._session_timeout_ms / 1000
        if self._group_instance_id is not None and was_well and not self._closing.done():
            self.slot_taken = True
        super().reset_generation()

    async def _do_rejoin_group(self, subscription: Any) -> bool:
        if (
            self.slot_taken
        ):  # joining again would throw out the other worker, which would do the same
            await asyncio.sleep(0.1)
            return False
        joined: bool = await super()._do_rejoin_group(subscription)
        if joined:
            self.heartbeat_ok_at = time.monotonic()
        return joined


def speak_kip447() -> None:
    """Put the extension under every client that aiokafka makes from now on. Calling it again changes nothing.

    Raises:
        RuntimeError: another version of aiokafka is installed than the one these private parts belong to.
    """
    if aiokafka.__version__ != SUPPORTED_AIOKAFKA:
        raise RuntimeError(
            f"aiokafka {aiokafka.__version__} is installed, exactly-once is written against "
            f"{SUPPORTED_AIOKAFKA}; install aiokafka=={SUPPORTED_AIOKAFKA}"
        )
    kafka_errors.kafka_errors[FencedInstanceIdError.errno] = FencedInstanceIdError
    sender_module.TxnOffsetCommitHandler = FencedTxnOffsetCommitHandler
    sender_module.BACKOFF_OVERRIDE = CONCURRENT_TRANSACTIONS_BACKOFF_S
    consumer_module.GroupCoordinator = StableGroupCoordinator


def coordinator_of(consumer: aiokafka.AIOKafkaConsumer) -> StableGroupCoordinator:
    """The consumer's group member."""
    coordinator = consumer._coordinator
    assert isinstance(coordinator, StableGroupCoordinator), (
        "speak_kip447() came late: this is a bug"
    )
    return coordinator


async def stable_offsets(
    consumer: aiokafka.AIOKafkaConsumer, partitions: frozenset[TopicPartition]
) -> dict[TopicPartition, OffsetAndMetadata]:
    """Committed offsets with their metadata, once no transaction on them is pending.

    Partitions without an offset are absent. Waits for a dead predecessor's transaction, at most its timeout.
    """
    return await coordinator_of(consumer).fetch_committed_offsets(list(partitions))
