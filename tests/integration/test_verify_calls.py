"""`switchboard verify` of calls on a real Kafka, with a bundle on disk and without: a spoilt call is found by name."""

from pathlib import Path

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete
from msgspec.structs import replace

from models.bundle import load_bundle
from models.churn.sums import pack, unpack
from stream.calls.state import CallState, encode_state
from stream.outputs import OUTPUT_ID
from stream.settings import Settings
from stream.topics import CALL_TRANSCRIPTS, CHURN_STATE
from tests.bundles import write_encoder
from tests.calling import answered, begin, fragment, proven, say, states
from tests.churn_bundles import write_churn_version
from tests.churn_fakes import FakeChurnBundle
from tests.counting import Count
from tests.integration.test_verify import verify
from tests.kafka_tools import Outgoing, admin, produce, read_all
from tests.walking import FakeRules, settings_for, walking


@pytest.mark.timeout(120)
async def test_words_are_heard_again_with_the_bundle_on_disk_and_a_spoilt_state_is_named(
    kafka: str, prefix: str, tmp_path: Path
) -> None:
    settings = settings_for(kafka, prefix)
    await begin(settings)
    on_disk = write_churn_version(tmp_path / "models", write_encoder(tmp_path))
    rules = FakeRules(calls=load_bundle(on_disk.path, ["cpu"]))
    words = ["my", "card", "is", "lost", "please", "help", "where", "is", "my", "refund"]
    said = [
        fragment(f"c{call}", seq, f"{words[seq]} {words[-seq]} {words[call]}")
        for seq in range(8)
        for call in range(6)
    ]
    async with walking(settings, rules=rules) as running:
        await say(settings, *said)
        await answered(running, len(said))
    arguments = ("--json", "--words", "--models-dir", str(tmp_path / "models"))
    clean = await verify(kafka, prefix, *arguments)
    assert clean.code == 0, clean.said
    assert (clean.verdict["states"], clean.verdict["states_unheard"]) == (6, 0)
    unheard = await proven(settings, FakeChurnBundle(), holds=False)
    assert (unheard.faults(), unheard.states_unheard) == ({}, 6), "another model is at hand"

    state = await stored(settings, "default/c3")
    total = unpack(state.customer.total, state.size)
    total[0] += state.customer.fragments + 1
    spoilt = replace(state, customer=replace(state.customer, total=pack(total)))
    await store(settings, "default/c3", spoilt)
    found = await verify(kafka, prefix, *arguments[1:])
    assert found.code == 1
    assert "'default/c3': customer: sums 5 units apart, 4 may be\n" in found.said
    assert "stored calls that are not what their fragments say" in found.said
    assert "'default/c" not in found.said.replace("'default/c3'", "")


async def stored(settings: Settings, key: str) -> CallState:
    """The state of a call that has one."""
    state = (await states(settings))[key]
    assert state is not None
    return state


async def store(
    settings: Settings, key: str, state: CallState | None, stands_at: int | None = None
) -> None:
    """Write a state, or a tombstone, beside the workers: where it lay, and as of the same offset or another one."""
    topic = settings.topic(CHURN_STATE)
    records = await read_all(settings.kafka_bootstrap_servers, topic)
    last = {record.key: record for record in records}[key.encode()]
    headers = dict(last.headers)
    if stands_at is not None:
        source = f"{settings.topic(CALL_TRANSCRIPTS)}/{last.partition}/{stands_at}"
        headers[OUTPUT_ID] = source.encode()
    value = None if state is None else encode_state(state)
    record = Outgoing(last.key, value, [*headers.items()])
    await produce(settings.kafka_bootstrap_servers, topic, [record], partition=last.partition)


async def why(settings: Settings) -> tuple[dict[str, str], Count]:
    """What the verifier says of each call, by its name."""
    counted = await proven(settings, holds=False)
    assert set(counted.faults()) <= {"wrong_states"}, counted.faults()
    names = (name.split("'", 2) for name in counted.wrong_states)
    return {call: said.removeprefix(": ") for _, call, said in names}, counted


@pytest.mark.timeout(90)
async def test_each_wrong_state_is_named_also_when_the_first_fragments_have_expired(
    kafka: str, prefix: str
) -> None:
    settings = settings_for(kafka, prefix, topic_partitions=1)
    topic = await begin(settings)
    calls = ("ahead", "behind", "bundle", "forgotten", "sum", "well")
    async with walking(settings) as running:
        await say(settings, fragment("old", 0))
        await answered(running, 1)  # earlier than what follows, also by the clock
        await say(settings, *(fragment("old", seq) for seq in range(1, 4)))
        await say(settings, *(fragment(call, seq) for seq in range(3) for call in calls))
        await say(settings, fragment("behind", 3))
        await proven(settings)
        before = (await stored(settings, "default/behind")).seen
    [_, *last] = await read_all(kafka, topic)
    one = {call: await stored(settings, f"default/{call}") for call in ("old", *calls)}
    assert before == (0, 4)
    side = replace(one["sum"].customer, total=pack(unpack(one["sum"].customer.total, 16) + 3))
    await store(settings, "default/ahead", one["ahead"], stands_at=last[-1].offset + 1)
    await store(settings, "default/behind", replace(one["behind"], seen=(0, 3)))
    await store(settings, "default/bundle", replace(one["bundle"], version="2"))
    await store(settings, "default/forgotten", None)
    await store(settings, "default/sum", replace(one["sum"], customer=side))
    await store(settings, "default/old", replace(one["old"], seen=(0, 9)))
    found, counted = await why(settings)
    assert found.pop("default/old") == "seen 0-8, should be 0-3"
    named = {
        "default/ahead": "stands at 23, committed is 23",
        "default/behind": "seen 0-2, should be 0-3",
        "default/bundle": "model churn/2, should be churn/1",
        "default/forgotten": "no state, 3 fragments count",
        "default/sum": "customer: sums 3 units apart, 2 may be",
    }
    assert {call: said.split("; ")[0] for call, said in found.items()} == named
    assert (counted.states_unjudged, counted.states_unheard) == (0, 1)

    async with admin(kafka) as client:
        await client.delete_records({TopicPartition(topic, 0): RecordsToDelete(before_offset=2)})
    found, counted = await why(settings)
    del named["default/forgotten"]  # what is left may be the end of a call that was due
    assert {call: said.split("; ")[0] for call, said in found.items()} == named
    assert counted.states_unjudged == 2, "that one, and the old one"
