"""Calls on a real Kafka: every fragment is scored once and its call counts it once, whatever order it comes in.

Each story ends with the verifier: read_committed counts, and every state recomputed from the input.
"""

import asyncio
import random
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from stream.calls.state import decode_state
from stream.errors import FatalError
from stream.kafka.letters import read_letters, replay_letters
from stream.kafka.partitions import partitions_of
from stream.topics import CALL_TRANSCRIPTS, CHURN_STATE, INBOUND_EMAILS, INBOUND_EMAILS_BULK
from tests.calling import answered, begin, fragment, proven, say, scores, states
from tests.churn_fakes import FakeChurnBundle, FakeChurnModel
from tests.kafka_tools import admin, produce, read_all
from tests.walking import Events, FakeRules, Running, mail, settings_for, until, walking


async def test_every_fragment_is_scored_once_in_order_and_leaves_its_calls_state(
    kafka: str, prefix: str
) -> None:
    settings = settings_for(kafka, prefix)
    await begin(settings)
    async with walking(settings):
        await say(settings, *(fragment(f"c{call}", seq) for seq in range(12) for call in range(20)))
        counted = await proven(settings)
    assert (counted.inputs, counted.answers, counted.states) == (240, 240, 20)
    by_call: dict[str, list[int]] = {}
    for score in await scores(settings):
        by_call.setdefault(score["call_id"], []).append(score["seq"])
        assert (score["previous"] is None) is (score["seq"] == 0)
    assert by_call == {f"c{call}": list(range(12)) for call in range(20)}


async def test_late_shuffled_and_repeated_fragments_end_in_the_state_of_ordered_ones(
    kafka: str, prefix: str
) -> None:
    settings = settings_for(kafka, prefix, max_window_records=16)
    await begin(settings)
    draw = random.Random(5)
    ordered = [fragment(f"o{call}", seq) for call in range(6) for seq in range(30)]
    shuffled = [fragment(f"s{call}", seq) for call in range(6) for seq in range(30)]
    shuffled += draw.sample(shuffled, 40)
    draw.shuffle(shuffled)
    partial = [fragment("s0", seq, f"half of {seq}", partial=True) for seq in (3, 29, 31)]
    async with walking(settings) as running:
        await say(settings, *ordered, *shuffled[:150], *partial, *shuffled[150:])
        counted = await proven(settings)
        assert running.events.count("window_committed") > 12, "across windows, too"
    assert counted.states == 12
    found = await states(settings)
    for call in range(6):
        one, other = found[f"default/o{call}"], found[f"default/s{call}"]
        assert one is not None
        assert other is not None
        assert (one.customer, one.agent, one.seen) == (other.customer, other.agent, other.seen)
    said = await scores(settings)
    assert sum(score["duplicate"] for score in said) == 40 + sum(
        score["duplicate"] for score in said if score["partial"]
    )


async def test_two_tenants_calls_with_one_id_are_two_calls(kafka: str, prefix: str) -> None:
    settings = settings_for(kafka, prefix)
    await begin(settings)
    tenants = ("acme", "globex", "a/b%", "default")
    async with walking(settings):
        await say(
            settings,
            *(
                fragment("one", seq, f"{tenant} says {seq}", tenant=tenant)
                for seq in range(5)
                for tenant in tenants
            ),
        )
        counted = await proven(settings)
    assert counted.states == 4
    assert {score["duplicate"] for score in await scores(settings)} == {False}


@pytest.mark.timeout(90)
async def test_a_call_that_never_ends_has_ended_after_silence_and_leaves_a_tombstone(
    kafka: str, prefix: str
) -> None:
    settings = settings_for(
        kafka, prefix, churn_silent_s=1, churn_ended_keep_s=12
    )  # late words have so long
    await begin(settings)
    async with walking(settings) as running:
        table = running.walk._desk.table
        await say(settings, fragment("quiet", 0), fragment("over", 0))
        await say(settings, fragment("over", 1, None, event="completed"))
        await until(lambda: table.calls_ended == 2)
        await say(settings, fragment("over", 2, "one more thing"), fragment("quiet", 1, "hello?"))
        await answered(running, 5)
        await proven(settings)
        await until(lambda: not (table.calls_ended or table.calls_open), 40)
        counted = await proven(settings)
    assert counted.states == 0
    late = {score["call_id"]: score for score in await scores(settings)}
    assert {call: (one["final"], one["fragments"]) for call, one in late.items()} == {
        "quiet": (True, 2),
        "over": (True, 3),
    }, "they count, and the calls stay ended"
    records = await read_all(kafka, settings.topic(CHURN_STATE))
    for call, ended in (("quiet", "silent"), ("over", "completed")):
        written = [one for one in records if one.key == f"default/{call}".encode()]
        assert written[-1].value is None, "a tombstone"
        assert decode_state(written[-2].key, written[-2].value).life.ended == ended


async def test_behind_a_transaction_of_the_producer_a_silent_call_ends_too(
    kafka: str, prefix: str
) -> None:
    """What lies at the end of the partition is the transaction's marker, which nobody ever gets to see."""
    settings = settings_for(kafka, prefix, churn_silent_s=1)
    topic = await begin(settings)
    key, value = fragment("quiet", 0)
    async with walking(settings) as running:
        producer = AIOKafkaProducer(bootstrap_servers=kafka, transactional_id=f"{prefix}user")
        await producer.start()
        async with producer.transaction():
            await producer.send_and_wait(topic, value, key)
        await producer.stop()
        await until(lambda: running.walk._desk.table.calls_ended == 1)
        counted = await proven(settings)
    assert (counted.answers, counted.states) == (1, 1)


async def test_what_cannot_be_a_fragment_is_a_dead_letter_and_harms_nobody(
    kafka: str, prefix: str
) -> None:
    settings = settings_for(kafka, prefix, topic_partitions=1)
    await begin(settings)
    bad = {
        "wrong-key": (b"another", fragment("c", 1)[1]),
        "no-text": fragment("c", 2, None),
        "wrong-shape": fragment("c", 2**53),
        "bad-json": (b"c", b'{"call_id": "c", "seq": '),
        "null-value": (b"c", None),
    }
    large = fragment("c", 3, "word " * 20_000)
    async with walking(settings):
        records: list[Any] = [fragment("c", 0), *bad.values(), large, fragment("c", 4)]
        await say(settings, *records)
        counted = await proven(settings)
    assert (counted.answers, counted.letters) == (3, len(bad))
    kinds = [letter.header("error-type") async for letter in read_letters(settings, Events())]
    assert kinds == list(bad)
    state = (await states(settings))["default/c"]
    assert state is not None
    assert state.seen == (0, 1, 3, 5)


async def test_without_a_model_fragments_are_letters_and_a_replay_after_the_approval_counts_them(
    kafka: str, prefix: str
) -> None:
    settings, rules = settings_for(kafka, prefix), FakeRules()
    await begin(settings)
    async with walking(settings, rules=rules) as running:
        await say(settings, *(fragment("c", seq) for seq in range(6)))
        counted = await proven(settings)
        assert (counted.letters, counted.states) == (6, 0)
        rules.put_live(FakeChurnBundle())
        await say(settings, fragment("c", 6))
        await answered(running, 7)
        assert await replay_letters(settings, Events(), again=False) == 6
        counted = await proven(settings)
    assert (counted.answers, counted.states) == (7, 1)
    state = (await states(settings))["default/c"]
    assert state is not None
    assert state.seen == (0, 7)


async def test_a_replayed_fragment_meets_its_call_where_the_producers_own_hash_had_put_it(
    kafka: str, prefix: str
) -> None:
    """Clients place keys by different hashes (CRC-32, murmur2); a call's state lies where its fragments do."""
    settings, rules = settings_for(kafka, prefix), FakeRules(calls=FakeChurnBundle())
    topic = await begin(settings)
    key, _ = fragment("c", 0)
    [ours] = partitions_of([key], settings.topic_partitions)
    theirs = (ours + 1) % settings.topic_partitions
    async with walking(settings, rules=rules) as running:
        for seq in range(3):
            rules.put_live(None if seq == 1 else FakeChurnBundle())
            await produce(kafka, topic, [fragment("c", seq)], partition=theirs)
            await answered(running, seq + 1)
        assert await replay_letters(settings, Events(), again=False) == 1
        await answered(running, 4)
        counted = await proven(settings)
    assert (counted.answers, counted.letters, counted.states) == (3, 1, 1)
    state = (await states(settings))["default/c"]
    assert state is not None
    assert state.seen == (0, 3), "one call, not one in each of two partitions"


async def test_a_call_stays_with_its_model_until_that_is_rolled_back(
    kafka: str, prefix: str
) -> None:
    first, second, other = (
        FakeChurnBundle(version="1"),
        FakeChurnBundle(version="2", churn=FakeChurnModel(seed=2)),
        FakeChurnBundle(version="3", encoder_key="another encoder"),
    )
    settings, rules = settings_for(kafka, prefix), FakeRules(calls=first)
    await begin(settings)

    async def goes_on(running: Running, seq: int) -> None:
        """Four calls say one thing more, and four begin."""
        old = [fragment(f"old{call}", seq) for call in range(4)]
        new = [fragment(f"from{seq}-{call}", 0) for call in range(4)]
        await say(settings, *old, *new)
        await answered(running, 8 * (seq + 1))

    async def heard() -> int:
        """Fragments in the sums of a call."""
        state = (await states(settings))["default/old0"]
        assert state is not None
        return state.customer.fragments + state.agent.fragments

    async with walking(settings, rules=rules) as running:
        await goes_on(running, 0)
        rules.put_live(second, others=[first])
        await goes_on(running, 1)
        rules.put_live(second)  # the first one is rolled back
        await goes_on(running, 2)
        assert await heard() == 3, "its sums go with it"
        rules.put_live(other)
        await goes_on(running, 3)
    assert await heard() == 1, "what was said means nothing to another encoder"
    counted = await proven(settings, first, second, other)
    assert counted.states == 20
    versions: dict[str, set[str]] = {}
    for score in await scores(settings):
        is_old = score["call_id"].startswith("old")
        place = f"old{score['seq']}" if is_old else score["call_id"].partition("-")[0]
        versions.setdefault(place, set()).add(score["model"]["version"])
    assert versions == {
        "old0": {"1"},
        "old1": {"1"},
        "old2": {"2"},
        "old3": {"3"},
        "from0": {"1"},
        "from1": {"2"},
        "from2": {"2"},
        "from3": {"3"},
    }


async def test_another_number_of_partitions_is_refused_while_calls_are_in_progress(
    kafka: str, prefix: str
) -> None:
    from aiokafka.admin.new_partitions import NewPartitions  # noqa: PLC0415

    settings = settings_for(kafka, prefix)
    await begin(settings)
    async with walking(settings) as running:
        await say(settings, *(fragment(f"c{call}", 0) for call in range(20)))
        await answered(running, 20)
    more = {settings.topic(name): NewPartitions(12) for name in (CALL_TRANSCRIPTS, CHURN_STATE)}
    async with admin(kafka) as client:
        await client.create_partitions(more)
    with pytest.raises(FatalError, match=r"has 12 partitions.*began when it had 4"):
        async with walking(settings) as running:
            await running.end()


@pytest.mark.timeout(60)
async def test_calls_and_live_mail_share_a_window_and_bulk_still_waits(
    kafka: str, prefix: str
) -> None:
    settings = settings_for(kafka, prefix, max_window_records=8)
    calls = await begin(settings)
    live, bulk = settings.topic(INBOUND_EMAILS), settings.topic(INBOUND_EMAILS_BULK)
    await produce(kafka, bulk, [mail(number) for number in range(60)])
    await produce(kafka, live, [mail(number) for number in range(60, 260)])
    await say(settings, *(fragment(f"c{call}", seq) for seq in range(10) for call in range(20)))
    async with walking(settings) as running:
        windows = running.committed()
        counted = await proven(settings)
    assert (counted.inputs, counted.states) == (460, 20)
    shared = [set(window) - {settings.topic(CHURN_STATE)} for window in windows]
    assert {calls, live} in shared, "both in one window"
    assert not any(bulk in window and len(window) > 1 for window in shared)
    while_live_waits = shared[
        : max(place for place, window in enumerate(shared) if calls in window)
    ]
    turns = sum(bulk in window for window in while_live_waits)
    assert turns <= len(while_live_waits) // 20 + 1, "bulk has one window in twenty"


@pytest.mark.parametrize("has_ended", [False, True], ids=["refused", "end unknown"])
async def test_a_transaction_that_is_lost_in_mid_call_leaves_memory_as_kafka_says(
    kafka: str, prefix: str, *, has_ended: bool
) -> None:
    """What it would have written is not remembered, or, when it did end after all, read back."""
    settings = settings_for(kafka, prefix, max_window_records=8)
    await begin(settings)
    async with walking(settings) as running:
        await say(settings, *(fragment(f"c{call}", seq) for seq in range(5) for call in range(4)))
        await answered(running, 20)
        transactions: Any = running.walk._transactions
        commit, lost = transactions.commit, asyncio.Event()

        async def commit_once_badly(outputs: Any, offsets: Any, group: Any) -> None:
            outputs = list(outputs)
            if outputs and not lost.is_set():
                lost.set()
                break_end(transactions._producer, has_ended=has_ended)
            await commit(outputs, offsets, group)

        transactions.commit = commit_once_badly
        await say(
            settings, *(fragment(f"c{call}", seq) for seq in range(5, 9) for call in range(4))
        )
        counted = await proven(settings)
        assert running.events.count("transaction_lost") == 1
        table = running.walk._desk.table
        kept = await states(settings)
        held = {
            key: table.find(partition, key.encode())
            for key in kept
            for partition in range(settings.topic_partitions)
            if table.find(partition, key.encode())
        }
        assert held == kept
    assert counted.states == 4


def break_end(producer: Any, *, has_ended: bool) -> None:
    """Let the next EndTxn fail: before it left, or when its answer is due."""
    from aiokafka.errors import RequestTimedOutError  # noqa: PLC0415

    end = producer.commit_transaction

    async def fail() -> None:
        if has_ended:
            await end()
        raise RequestTimedOutError

    producer.commit_transaction = fail
