"""`switchboard verify --words` on a real Kafka with a bundle on disk: a spoilt call is found by name."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from models.bundle import load_bundle
from models.churn.sums import pack, unpack
from stream.calls.state import encode_state
from stream.topics import CALL_TRANSCRIPTS, CHURN_STATE
from tests.bundles import write_encoder
from tests.calling import answered, begin, fragment, say, states
from tests.churn_bundles import write_churn_version
from tests.integration.test_verify import verify
from tests.kafka_tools import Outgoing, produce, read_all
from tests.walking import FakeRules, settings_for, walking


@pytest.mark.timeout(60)
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
    not_heard = await verify(kafka, prefix, "--json")
    assert (not_heard.code, not_heard.verdict["states_unheard"]) == (0, 6)

    topic = settings.topic(CHURN_STATE)
    records = await read_all(kafka, topic)
    last = {record.key: record for record in records}[b"default/c3"]
    state = (await states(settings))["default/c3"]
    assert state is not None
    total = unpack(state.customer.total, state.size)
    total[0] += state.customer.fragments + 1
    spoilt = encode_state(replace(state, customer=replace(state.customer, total=pack(total))))
    again = Outgoing(last.key, spoilt, last.headers)
    await produce(kafka, topic, [again], partition=last.partition)
    found = await verify(kafka, prefix, *arguments)
    assert found.code == 1
    [why] = found.faults()["wrong_states"]
    name = f"{topic}/{last.partition} 'default/c3': customer: sums 5 units apart, 4 may be"
    assert why == name
    table = await verify(kafka, prefix, *arguments[1:])
    assert "stored calls that are not what their fragments say" in table.said
    assert settings.topic(CALL_TRANSCRIPTS) not in table.said
