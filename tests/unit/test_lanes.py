from collections import Counter
from typing import Any

import pytest
from aiokafka.structs import ConsumerRecord, TopicPartition
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from stream.kafka.lanes import Lanes
from stream.settings import Settings
from tests.stories import run

LIVE = [TopicPartition("inbound-emails", number) for number in range(4)]
BULK = [TopicPartition("inbound-emails-bulk", number) for number in range(2)]


def record(tp: TopicPartition, offset: int, size: int = 10) -> ConsumerRecord[bytes, bytes]:
    return ConsumerRecord(
        tp.topic, tp.partition, offset, 0, 1, None, b"x" * size, None, 0, size, ()
    )


class FakeConsumer:
    """A log per partition and a position in each: of aiokafka's consumer what the lanes use."""

    def __init__(self) -> None:
        self.logs: dict[TopicPartition, list[int]] = {}
        self.positions: dict[TopicPartition, int] = {}
        self.waits_ms: list[int] = []
        self.is_slow = False

    def fill(self, tp: TopicPartition, *sizes: int) -> None:
        self.logs.setdefault(tp, []).extend(sizes)

    def seek(self, tp: TopicPartition, offset: int) -> None:
        self.positions[tp] = offset

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]]:
        self.waits_ms.append(timeout_ms)
        if self.is_slow:
            return {}
        left, found = max_records or 1_000_000, {}
        for tp in partitions or self.positions:
            begin = self.positions[tp]
            sizes = self.logs.get(tp, [])[begin : begin + left]
            if sizes:
                found[tp] = [record(tp, begin + place, size) for place, size in enumerate(sizes)]
                self.positions[tp] += len(sizes)
                left -= len(sizes)
        return found

    async def position(self, tp: TopicPartition) -> int:
        return self.positions[tp]

    def highwater(self, tp: TopicPartition) -> int | None:
        return len(self.logs[tp]) if tp in self.logs else None


def lanes_of(
    consumer: FakeConsumer,
    *partitions: TopicPartition,
    solo: set[TopicPartition] | None = None,
    **values: Any,
) -> Lanes:
    lanes = Lanes(consumer, Settings(topic_prefix="", **values))  # type: ignore[arg-type]
    lanes.begin(dict.fromkeys(partitions, 0), set() if solo is None else solo)
    return lanes


def places(records: list[ConsumerRecord[bytes, bytes]]) -> list[tuple[str, int, int]]:
    return [(found.topic, found.partition, found.offset) for found in records]


@pytest.fixture
def consumer() -> FakeConsumer:
    return FakeConsumer()


SIZES = st.sampled_from([0, 10, 400, 1500, 4000])
LOGS = st.lists(st.lists(SIZES, max_size=12), min_size=1, max_size=3)
POLLS = st.lists(st.integers(1, 12), min_size=1, max_size=4)


@examples(max_examples=60, deadline=None)
@given(LOGS, LOGS, POLLS)
def test_windows_are_contiguous_per_partition_keep_their_limits_and_lose_nothing(
    live: list[list[int]], bulk: list[list[int]], polls: list[int]
) -> None:
    consumer = FakeConsumer()
    logs = dict(zip(LIVE, live, strict=False)) | dict(zip(BULK, bulk, strict=False))
    for tp, sizes in logs.items():
        consumer.fill(tp, *sizes)
    lanes = lanes_of(consumer, *logs, max_window_bytes=3000)

    async def story() -> None:
        seen: dict[TopicPartition, int] = dict.fromkeys(logs, 0)
        for turn in range(100):
            limit = polls[turn % len(polls)]
            window = await lanes.poll(limit)
            if not window:
                break
            assert len(window) <= limit
            assert len(window) == 1 or sum(len(found.value or b"") for found in window) <= 3000
            assert len({found.topic for found in window}) == 1
            assert places(window) == sorted(places(window))
            for found in window:
                tp = TopicPartition(found.topic, found.partition)
                assert found.offset == seen[tp]
                seen[tp] += 1
        assert seen == {tp: len(sizes) for tp, sizes in logs.items()}

    run(story())


async def test_live_mail_goes_before_bulk(consumer: FakeConsumer) -> None:
    consumer.fill(BULK[0], *[10] * 5)
    consumer.fill(LIVE[0], *[10] * 5)
    lanes = lanes_of(consumer, BULK[0], LIVE[0])
    assert {found.topic for found in await lanes.poll(100)} == {"inbound-emails"}
    assert {found.topic for found in await lanes.poll(100)} == {"inbound-emails-bulk"}


@pytest.mark.parametrize("bulk_turn", [2, 20])
async def test_while_live_mail_waits_one_window_in_bulk_turn_is_bulk(
    consumer: FakeConsumer, bulk_turn: int
) -> None:
    consumer.fill(LIVE[0], *[10] * 1000)
    consumer.fill(BULK[0], *[10] * 1000)
    lanes = lanes_of(consumer, LIVE[0], BULK[0], bulk_turn=bulk_turn)
    windows = [await lanes.poll(3) for _ in range(5 * bulk_turn)]
    bulk = [turn for turn, window in enumerate(windows) if window[0].topic == BULK[0].topic]
    assert bulk == [bulk_turn * (turn + 1) - 1 for turn in range(5)]


async def test_bulk_has_the_worker_to_itself_while_no_live_mail_waits(
    consumer: FakeConsumer,
) -> None:
    consumer.fill(BULK[0], *[10] * 50)
    lanes = lanes_of(consumer, LIVE[0], BULK[0])
    for _ in range(5):
        assert (await lanes.poll(10))[0].topic == BULK[0].topic
    consumer.fill(LIVE[0], 10)
    assert (await lanes.poll(10))[0].topic == LIVE[0].topic


async def test_bulk_that_arrived_in_a_pause_does_not_get_a_second_turn_at_once(
    consumer: FakeConsumer,
) -> None:
    consumer.fill(LIVE[0], *[10] * 19)
    lanes = lanes_of(consumer, LIVE[0], BULK[0])
    for _ in range(19):
        assert len(await lanes.poll(1)) == 1
    waiting = consumer.getmany

    async def arrives(*partitions: TopicPartition, **options: Any) -> Any:
        if options["timeout_ms"]:
            consumer.fill(BULK[0], *[10] * 5)
            consumer.getmany = waiting  # type: ignore[method-assign]
        return await waiting(*partitions, **options)

    consumer.getmany = arrives  # type: ignore[method-assign]
    assert (await lanes.poll(1))[0].topic == BULK[0].topic
    consumer.fill(LIVE[0], *[10] * 5)
    assert (await lanes.poll(1))[0].topic == LIVE[0].topic


async def test_every_partition_gets_an_equal_share_of_a_window(consumer: FakeConsumer) -> None:
    for tp in LIVE:
        consumer.fill(tp, *[10] * 100)
    window = await lanes_of(consumer, *LIVE).poll(40)
    assert Counter(found.partition for found in window) == {0: 10, 1: 10, 2: 10, 3: 10}


async def test_what_quiet_partitions_leave_goes_to_busy_ones_whoever_is_asked_first(
    consumer: FakeConsumer,
) -> None:
    """Many calls beside little mail: half-empty windows let the calls queue while the machine could have done more."""
    consumer.fill(LIVE[0], *[10] * 1000)
    consumer.fill(LIVE[1], *[10] * 8)
    lanes = lanes_of(consumer, *LIVE)
    windows = [Counter(found.partition for found in await lanes.poll(40)) for _ in range(4)]
    assert [sum(window.values()) for window in windows] == [40] * 4
    assert windows[0] == {0: 32, 1: 8}


async def test_no_partition_starves_when_a_window_is_smaller_than_their_number(
    consumer: FakeConsumer,
) -> None:
    for tp in LIVE:
        consumer.fill(tp, *[10] * 100)
    lanes = lanes_of(consumer, *LIVE)
    windows = [await lanes.poll(1) for _ in range(40)]
    assert {found.partition for window in windows for found in window} == {0, 1, 2, 3}


async def test_no_partition_starves_when_large_records_of_another_fill_every_window(
    consumer: FakeConsumer,
) -> None:
    consumer.fill(LIVE[0], *[3000] * 100)
    consumer.fill(LIVE[1], *[10] * 100)
    lanes = lanes_of(consumer, *LIVE[:2], max_window_bytes=2000)
    windows = [await lanes.poll(100) for _ in range(20)]
    assert {found.partition for window in windows for found in window} == {0, 1}


async def test_one_record_larger_than_a_window_comes_alone(consumer: FakeConsumer) -> None:
    consumer.fill(LIVE[0], 10, 5000, 10)
    lanes = lanes_of(consumer, LIVE[0], max_window_bytes=2000)
    windows = [[found.offset for found in await lanes.poll(100)] for _ in range(3)]
    assert windows == [[0], [1], [2]]


async def test_what_did_not_fit_opens_the_next_window(consumer: FakeConsumer) -> None:
    consumer.fill(LIVE[0], *[500] * 10)
    lanes = lanes_of(consumer, LIVE[0], max_window_bytes=2000)
    assert [found.offset for found in await lanes.poll(10)] == [0, 1, 2, 3]
    assert [found.offset for found in await lanes.poll(10)] == [4, 5, 6, 7]


async def test_what_waits_for_room_in_bytes_still_counts_in_records(consumer: FakeConsumer) -> None:
    consumer.fill(LIVE[0], *[100] * 50)
    lanes = lanes_of(consumer, LIVE[0], max_window_bytes=1024)
    assert len(await lanes.poll(50)) == 10
    assert len(await lanes.poll(3)) == 3


async def test_records_without_a_value_take_no_room(consumer: FakeConsumer) -> None:
    lanes = lanes_of(consumer, LIVE[0], max_window_bytes=1024)
    tombstone = record(LIVE[0], 0)
    tombstone.value = None  # type: ignore[misc]
    lanes._waiting[LIVE[0]] = [tombstone]
    assert await lanes.poll(10) == [tombstone]


async def test_a_suspicious_partition_comes_first_and_one_record_at_a_time(
    consumer: FakeConsumer,
) -> None:
    for tp in LIVE:
        consumer.fill(tp, *[10] * 10)
    solo = {LIVE[2]}
    lanes = lanes_of(consumer, *LIVE, solo=solo)
    assert places(await lanes.poll(100)) == [("inbound-emails", 2, 0)]
    assert places(await lanes.poll(100)) == [("inbound-emails", 2, 1)]
    solo.clear()  # as `Marks.clear` does after a good transaction
    window = await lanes.poll(100)
    assert ("inbound-emails", 2, 2) in places(window)
    assert len(window) == 38


async def test_a_suspicious_partition_without_records_holds_up_nobody(
    consumer: FakeConsumer,
) -> None:
    consumer.fill(LIVE[0], 10)
    lanes = lanes_of(consumer, *LIVE[:2], solo={LIVE[1]})
    assert places(await lanes.poll(100)) == [("inbound-emails", 0, 0)]
    consumer.fill(LIVE[1], 10, 10)
    assert places(await lanes.poll(100)) == [("inbound-emails", 1, 0)]


async def test_a_suspicious_record_that_arrives_late_is_not_put_among_others(
    consumer: FakeConsumer,
) -> None:
    consumer.fill(LIVE[0], 10)
    lanes = lanes_of(consumer, *LIVE[:2], solo={LIVE[1]})
    fetched = consumer.getmany

    async def arrives_behind(*partitions: TopicPartition, **options: Any) -> Any:
        found = await fetched(*partitions, **options)
        if LIVE[1] not in consumer.logs:
            consumer.fill(LIVE[1], 10)
        return found

    consumer.getmany = arrives_behind  # type: ignore[method-assign]
    assert places(await lanes.poll(100)) == [("inbound-emails", 0, 0)]
    assert places(await lanes.poll(100)) == [("inbound-emails", 1, 0)]


async def test_a_new_beginning_drops_what_was_read_ahead(consumer: FakeConsumer) -> None:
    consumer.fill(LIVE[0], *[500] * 10)
    lanes = lanes_of(consumer, LIVE[0], max_window_bytes=2000)
    await lanes.poll(10)
    lanes.begin({LIVE[0]: 2, LIVE[1]: 0}, set())
    assert [found.offset for found in await lanes.poll(10)] == [2, 3, 4, 5]
    lanes.begin({LIVE[1]: 0}, set())
    assert await lanes.poll(10) == []


async def test_an_empty_topic_is_waited_for_a_moment_and_gives_no_records(
    consumer: FakeConsumer,
) -> None:
    lanes = lanes_of(consumer, *LIVE, *BULK)
    assert await lanes.poll(10) == []
    assert [wait_ms for wait_ms in consumer.waits_ms if wait_ms] == [200]


async def test_what_arrives_during_the_wait_is_handed_out_at_once(consumer: FakeConsumer) -> None:
    lanes = lanes_of(consumer, *LIVE)
    waiting = consumer.getmany

    async def arrives(*partitions: TopicPartition, **options: Any) -> Any:
        if options["timeout_ms"] and LIVE[3] not in consumer.logs:
            consumer.fill(LIVE[3], *[10] * 5)
        return await waiting(*partitions, **options)

    consumer.getmany = arrives  # type: ignore[method-assign]
    assert places(await lanes.poll(100)) == [("inbound-emails", 3, offset) for offset in range(5)]


async def test_lag_is_what_was_not_handed_out(consumer: FakeConsumer) -> None:
    consumer.fill(LIVE[0], *[500] * 10)
    lanes = lanes_of(consumer, LIVE[0], LIVE[1], max_window_bytes=2000)
    assert lanes.lag() == {LIVE[0]: 10}
    await lanes.poll(10)
    assert lanes.lag() == {LIVE[0]: 6}


async def test_a_partition_is_read_to_its_end_only_when_what_lies_there_was_handed_out(
    consumer: FakeConsumer,
) -> None:
    consumer.fill(LIVE[0], 10, 10)
    consumer.fill(LIVE[1], *[10] * 3)
    lanes = lanes_of(consumer, LIVE[0], LIVE[1], LIVE[2])
    consumer.is_slow = True  # the broker has told its end, and takes long to send what lies below
    assert await lanes.poll(100) == []
    assert lanes.caught_up() == {}
    consumer.is_slow = False
    assert len(await lanes.poll(100)) == 5
    assert lanes.caught_up() == {LIVE[0]: 2, LIVE[1]: 3}
    consumer.fill(LIVE[0], 10)  # a transaction's marker: the client passes it and gives no record
    consumer.positions[LIVE[0]] = 3
    assert lanes.caught_up() == {LIVE[1]: 3}
    assert await lanes.poll(100) == []
    assert lanes.caught_up() == {LIVE[0]: 2, LIVE[1]: 3}


async def test_calls_and_live_mail_share_a_window_partition_by_partition(
    consumer: FakeConsumer,
) -> None:
    call = TopicPartition("call-transcripts", 0)
    consumer.fill(call, *[10] * 50)
    consumer.fill(LIVE[0], *[10] * 50)
    consumer.fill(BULK[0], *[10] * 50)
    lanes = lanes_of(consumer, call, LIVE[0], BULK[0])
    records = await lanes.poll(20)
    assert [record.topic for record in records] == ["call-transcripts"] * 10 + [
        "inbound-emails"
    ] * 10
    assert [record.offset for record in records] == [*range(10), *range(10)]


def test_the_group_subscribes_to_both_lanes_under_their_prefix(consumer: FakeConsumer) -> None:
    lanes = Lanes(consumer, Settings(topic_prefix="eu."))  # type: ignore[arg-type]
    assert lanes.topics == ["eu.call-transcripts", "eu.inbound-emails", "eu.inbound-emails-bulk"]
