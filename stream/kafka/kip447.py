"""The requests that exactly-once needs and aiokafka 0.14.0 lacks, put under its consumer and producer.

Without them exactly-once breaks when partitions move (aiokafka issue 844): TxnOffsetCommit v0 cannot say which
generation of the group it speaks for, so a worker that lost its partitions still commits (38 and 79 duplicates
under load); OffsetFetch v3 cannot see that a predecessor's offsets are pending, so the successor starts below
them (150 outputs for 100 records). Sent here instead:

- TxnOffsetCommit v3: generation, member and instance id, so that the broker refuses a stale worker;
- OffsetFetch v7 with `require_stable`: the broker answers 88 (UNSTABLE_OFFSET_COMMIT) until the predecessor's
  transaction has ended;
- DescribeGroups v5, which names the member in each `group.instance.id`: the question of `slot`.

Everything private that is touched is touched here and in `member`, the consumer's half;
`tests/contract/test_kip447.py` fails when the library moves.
"""

# pyright: reportUnknownParameterType=false, reportMissingParameterType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false, reportPrivateUsage=false, reportUntypedBaseClass=false
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportIncompatibleVariableOverride=false
# (aiokafka's protocol layer is untyped, and replacing its private parts is this file's purpose)
# ruff: noqa: SLF001

import collections
from types import SimpleNamespace
from typing import Any

import aiokafka
from aiokafka import errors as kafka_errors
from aiokafka.consumer import consumer as consumer_module
from aiokafka.producer import sender as sender_module
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from stream.kafka.kip447_requests import TxnOffsetCommitV3
from stream.kafka.member import FENCED_INSTANCE_ID, StableGroupCoordinator

SUPPORTED_AIOKAFKA = "0.14.0"
# After a commit the broker answers CONCURRENT_TRANSACTIONS for a moment; aiokafka sleeps 20 ms, 2 ms are enough:
# 32-record transactions went from 3.3 to 5.4–6.6 thousand records/s.
CONCURRENT_TRANSACTIONS_BACKOFF_S = 0.002


class FencedInstanceIdError(kafka_errors.BrokerResponseError):
    """Another member took this `group.instance.id` (KIP-345)."""

    errno = FENCED_INSTANCE_ID
    message = "FENCED_INSTANCE_ID"
    description = "Another member took this group.instance.id."


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
