"""A group member that reads stable offsets and looks before it takes another's place; aiokafka's, with parts replaced.

The consumer's half of `kip447`, which says why. A member with a `group.instance.id` that was replaced (KIP-345) is
told so as UNKNOWN_MEMBER_ID or FENCED_INSTANCE_ID; aiokafka would join anew and throw the other one out, for ever.
"""

# pyright: reportUnknownParameterType=false, reportMissingParameterType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false, reportPrivateUsage=false, reportUntypedBaseClass=false
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportIncompatibleVariableOverride=false
# (aiokafka's protocol layer is untyped, and replacing its private parts is this file's purpose)

import asyncio
import collections
import time
from typing import Any, NoReturn

from aiokafka import errors as kafka_errors
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from stream.kafka.kip447_requests import DescribeGroupsV5, OffsetFetchV7
from stream.kafka.slot import Slot

FENCED_INSTANCE_ID = 82
UNSTABLE_OFFSET_COMMIT = 88
NO_OFFSET = -1


class UnstableOffsetsError(kafka_errors.KafkaError):
    """A transaction of the partition's previous owner has not ended yet: ask again."""

    retriable = True


class StableGroupCoordinator(GroupCoordinator):
    """A group member that reads stable offsets and, with an instance id, looks before it takes another's place.

    `slot` is the rule for that; without one another member's place is never taken back.
    """

    slot: Slot | None = None
    slot_refusal: str | None = None
    _heard_at_s: float = 0.0
    _silent_s: float = 0.0
    _joining: bool = False
    _former_id: str = ""
    _looked: bool = False

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

    async def _send_req(self, request: Any) -> Any:
        """A replaced member is told 82 or 25, as the request's version allows; aiokafka knows the second only."""
        response = await super()._send_req(request)
        if getattr(response, "error_code", None) == FENCED_INSTANCE_ID:
            response.error_code = kafka_errors.UnknownMemberIdError.errno
        return response

    async def _do_heartbeat(self) -> bool:
        alive: bool = await super()._do_heartbeat()
        if alive:
            self._heard_at_s = time.monotonic()
        return alive

    def reset_generation(self) -> None:
        """The broker no longer knows this member: before it joins anew it looks who stands in its place."""
        if self.member_id:
            self._former_id, self._looked = self.member_id, False
            # while it joins it sends no heartbeats, and is not frozen for that
            silent_s = time.monotonic() - self._heard_at_s
            self._silent_s = 0.0 if self._joining else silent_s
        super().reset_generation()

    async def look_for_rival(self) -> None:
        """Find out now, not at the next heartbeat, whether another member stands in our place."""
        if self._group_instance_id is not None and self.member_id:
            here = await self._member_in_place()
            if self.member_id not in ("", here):
                self.reset_generation()

    async def _do_rejoin_group(self, subscription: Any) -> bool:
        if self._group_instance_id is not None and not self.member_id and not self._looked:
            try:
                await self._look_before_joining()
            except kafka_errors.KafkaError as error:
                if not error.retriable:
                    raise
                await asyncio.sleep(self._retry_backoff_ms / 1000)
                return False
        if self.slot_refusal:  # to join would throw out the other worker, which would do the same
            await asyncio.sleep(0.1)
            return False
        self._joining = True
        try:
            joined: bool = await super()._do_rejoin_group(subscription)
        finally:
            self._joining = False
        if joined:
            self._heard_at_s = time.monotonic()
            if self.slot is not None:
                self.slot.joined()
        return joined

    async def _look_before_joining(self) -> None:
        here = await self._member_in_place()
        self._looked, self._heard_at_s = True, time.monotonic()
        if here in (None, self._former_id):
            return
        if not self._former_id:  # the first time: somebody may have died here
            if self.slot is not None:
                self.slot.enter()
        elif self.slot is not None:
            self.slot_refusal = self.slot.refusal(self._silent_s)
        else:
            self.slot_refusal = f"another member took the place of {self._group_instance_id}"

    async def _member_in_place(self) -> str | None:
        """Id of the member that has our `group.instance.id`; None when there is none."""
        response = await self._send_req(DescribeGroupsV5([self.group_id], False))
        [(error_code, _, _, _, _, members, *_)] = response.groups
        if error_code:
            self._refuse(error_code)
        ids: dict[str | None, str] = {row[1]: row[0] for row in members}
        return ids.get(self._group_instance_id)
