"""`switchboard verify` on a real Kafka: finds each fault put into its topics, and nothing in a clean run."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import RecordsToDelete

from stream.kafka.admin import prepare_topics
from stream.tenants_toml import read_tenants
from stream.topics import (
    CASE_OUTCOMES,
    CLASSIFICATIONS,
    CLEANED_EMAILS,
    DEAD_LETTERS,
    INBOUND_EMAILS,
)
from tests.counting import all_answered, count
from tests.kafka_tools import Outgoing, admin, produce
from tests.walking import Events, mail, settings_for, until, walking

REPOSITORY = Path(__file__).parents[2]


@dataclass
class Ended:
    """What the command said."""

    code: int
    said: str
    verdict: dict[str, Any]

    def faults(self) -> dict[str, list[str]]:
        return {
            name: found["names"]
            for name, found in self.verdict.items()
            if isinstance(found, Mapping) and found["count"]
        }


async def verify(kafka: str, prefix: str, *arguments: str) -> Ended:
    """Run the command in a process of its own."""
    environment = {
        **os.environ,
        "SWITCHBOARD_KAFKA_BOOTSTRAP_SERVERS": kafka,
        "SWITCHBOARD_TOPIC_PREFIX": prefix,
        "SWITCHBOARD_GROUP_ID": f"{prefix}group",
    }
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "stream", "verify", *arguments],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    is_json = "--json" in arguments and done.returncode in (0, 1, 3)
    verdict = json.loads(done.stdout) if is_json else {}
    return Ended(done.returncode, done.stdout + done.stderr, verdict)


@contextlib.asynccontextmanager
async def transaction(kafka: str, prefix: str) -> AsyncIterator[AIOKafkaProducer]:
    """A transactional producer like the worker's, in the middle of a transaction."""
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka, transactional_id=f"{prefix}seed", transaction_timeout_ms=60_000
    )
    await producer.start()
    try:
        await producer.begin_transaction()
        yield producer
    finally:
        with contextlib.suppress(Exception):
            await producer.abort_transaction()
        await producer.stop()


async def answered(kafka: str, prefix: str, count: int = 40) -> str:
    """Let a real walk answer mails of one partition, of which every fourth is a dead letter; returns their topic."""
    await prepare_topics(settings_for(kafka, prefix), Events())
    live = f"{prefix}{INBOUND_EMAILS}"
    mails = [
        (b"customer", b"no mail") if number % 4 == 3 else (b"customer", mail(number)[1])
        for number in range(count)
    ]
    await produce(kafka, live, mails, partition=0)
    async with walking(settings_for(kafka, prefix)):
        (await all_answered(kafka, prefix, count)).must_be_exactly_once()
    return live


def answer(cause: str, key: str = "forged") -> tuple[Outgoing, Outgoing]:
    """A classification, or cleaned e-mail, that names its cause."""
    topic, partition, offset = cause.rsplit("/", 2)
    source = {"topic": topic, "partition": int(partition), "offset": int(offset)}
    value = json.dumps({"id": "forged", "source": source}).encode()
    record = Outgoing(key.encode(), value, [("output-id", cause.encode())])
    return record, record


def letter(cause: str, value: bytes | None) -> Outgoing:
    return Outgoing(b"customer", value, [("output-id", cause.encode())])


async def commit(kafka: str, prefix: str, live: str, offset: int, group: str = "group") -> None:
    """Move a group's offset, as a worker does that forgot the outputs."""
    async with transaction(kafka, prefix) as producer:
        await producer.send_offsets_to_transaction(
            {TopicPartition(live, 0): offset}, f"{prefix}{group}"
        )
        await producer.commit_transaction()


@pytest.mark.timeout(60)
async def test_a_clean_run_holds_with_gaps_in_the_inputs_and_traffic_going_on(
    kafka: str, prefix: str
) -> None:
    live = await answered(kafka, prefix)
    for numbers in (range(40, 60), range(0)):
        async with transaction(kafka, prefix) as producer:  # leaves a record and a marker behind
            await producer.send(live, b"aborted", partition=0)
            await producer.flush()
        await produce(kafka, live, [mail(number) for number in numbers], partition=0)
    await produce(kafka, f"{prefix}{DEAD_LETTERS}", [letter(f"{prefix}{CASE_OUTCOMES}/0/3", b"x")])
    before = await verify(kafka, prefix, "--json")
    assert (before.code, before.verdict["holds"]) == (0, True), before.said
    assert (before.verdict["inputs"], before.verdict["waiting"]) == (60, 20)
    assert (before.verdict["letters"], before.verdict["unjudged"]) == (10, 1)
    async with walking(settings_for(kafka, prefix)):
        after = await verify(kafka, prefix, "--wait", "20")
    assert after.code == 0, after.said
    assert "exactly once" in after.said
    assert [line.split() for line in after.said.splitlines()][:2] == [
        ["inputs", "60"],
        ["answers", "50"],
    ]


@pytest.mark.timeout(60)
async def test_each_fault_put_into_the_topics_is_found_and_named(kafka: str, prefix: str) -> None:
    live = await answered(kafka, prefix)
    classifications, texts = f"{prefix}{CLASSIFICATIONS}", f"{prefix}{CLEANED_EMAILS}"
    letters = f"{prefix}{DEAD_LETTERS}"
    await produce(kafka, live, [mail(number) for number in range(40, 46)], partition=0)
    lost, first, second, damaged, torn, ahead = (f"{live}/0/{offset}" for offset in range(40, 46))
    await commit(kafka, prefix, live, 45)
    twice, gap = f"{live}/0/38", f"{live}/0/1000"

    async def forge(cause: str, key: str = "forged", partition: int = 1) -> None:
        one, text = answer(cause, key)
        await produce(kafka, classifications, [one], partition=partition)
        await produce(kafka, texts, [text], partition=partition)

    await forge(second)
    await forge(first)
    await produce(kafka, letters, [letter(damaged, b"other bytes"), letter(gap, b"?")], partition=1)
    await forge(torn, "another key")
    await forge(ahead)
    await forge(twice, partition=2)
    [(_, nameless)] = await produce(kafka, classifications, [(b"forged", b"{}")], partition=3)
    found = await verify(kafka, prefix, "--json")
    assert found.code == 1, found.said
    assert found.verdict["holds"] is False
    faults = found.faults()
    assert sorted(faults.pop("foreign")) == [
        f"{classifications}/3/{nameless} has no output-id",
        gap,
    ]
    assert sorted(faults.pop("damaged")) == [
        f"{damaged}: letter: differs from its input",
        f"{torn}: answer: its key is not its id",
        f"{torn}: text: its key is not its id",
    ]
    assert faults == {
        "lost": [lost],
        "duplicated": [twice],
        "out_of_order": [first, first],
        "ahead": [ahead],
    }
    table = await verify(kafka, prefix)
    assert table.code == 1
    assert f"    {lost}\n" in table.said
    assert table.said.count("Does something else write to these topics") == 3
    assert table.said.endswith("NOT exactly once\n")


@pytest.mark.timeout(60)
async def test_dedicated_workers_keep_an_order_of_their_own_and_each_break_of_it_is_found(
    kafka: str, prefix: str, tmp_path: Path
) -> None:
    await prepare_topics(settings_for(kafka, prefix), Events())
    live, file = f"{prefix}{INBOUND_EMAILS}", tmp_path / "tenants.toml"
    table = "[tenants.acme]\nconsent_to_training = false\n"
    file.write_text(f"{table}dedicated_from = 2020-01-01T00:00:00Z\n")
    whose = ("acme", "globex")  # places 0, 2, 4 … are the dedicated workers', 1, 3, 5 … the others'
    mails = [mail(number, tenant=whose[number % 2]) for number in range(8)]
    await produce(kafka, live, mails, partition=0)

    async def answer_in_order(*places: int, partition: int) -> None:
        for topic in (CLASSIFICATIONS, CLEANED_EMAILS):
            records = [answer(f"{live}/0/{place}")[0] for place in places]
            await produce(kafka, f"{prefix}{topic}", records, partition=partition)

    async def found(wait_s: float | None = None) -> dict[str, Any]:
        counted = await count(kafka, prefix, wait_s, read_tenants(file))
        return {name: list(names) for name, (_, names) in counted.faults().items()}

    await answer_in_order(1, 3, 0, 5, 2, partition=1)
    await commit(kafka, prefix, live, 6)
    await commit(kafka, prefix, live, 3, "group.acme")
    clean = await verify(kafka, prefix, "--json", "--tenants-file", str(file))
    assert clean.code == 0, clean.said
    assert (clean.verdict["holds"], clean.verdict["waiting"]) == (True, 3)
    theirs = f"{live}/0: committed 3 in group {prefix}group.acme, end 8"
    assert await found(0) == {"overdue": [f"{live}/0: committed 6, end 8", theirs]}
    without_file = (await count(kafka, prefix)).faults()
    assert without_file.keys() == {"lost", "out_of_order"}, "all is one group's then"

    await answer_in_order(6, partition=1)  # and 4 is lost
    await commit(kafka, prefix, live, 8, "group.acme")
    assert await found() == {"lost": [f"{live}/0/4"]}
    await answer_in_order(4, 7, partition=1)  # one behind 6, one that the others did not commit
    await answer_in_order(2, partition=2)  # by both
    assert await found() == {
        "out_of_order": [f"{live}/0/4"] * 2,
        "ahead": [f"{live}/0/7"],
        "duplicated": [f"{live}/0/2"],
    }


@pytest.mark.timeout(60)
async def test_an_open_transaction_is_found_where_it_stands_and_hides_no_loss(
    kafka: str, prefix: str
) -> None:
    live = await answered(kafka, prefix, 4)
    await produce(kafka, live, [mail(4)], partition=0)
    await commit(kafka, prefix, live, 5)
    classifications = f"{prefix}{CLASSIFICATIONS}"
    async with transaction(kafka, prefix) as producer:
        await producer.send(classifications, b"not yet", partition=1)
        await producer.flush()
        found = await verify(kafka, prefix, "--json", "--settle", "1")
        assert found.code == 1, found.said
        assert found.faults() == {
            "open_transactions": [f"{classifications}/1: last stable offset 0, end 1"]
        }
        assert found.verdict["undecided"] == 1
    found = await verify(kafka, prefix, "--json")
    assert found.faults() == {"lost": [f"{live}/0/4"]}


@pytest.mark.timeout(60)
async def test_what_retention_took_is_not_judged_and_the_report_says_since_when(
    kafka: str, prefix: str
) -> None:
    live = await answered(kafka, prefix, 8)
    classifications = f"{prefix}{CLASSIFICATIONS}"
    async with admin(kafka) as client:
        await client.delete_records({TopicPartition(live, 0): RecordsToDelete(3)})
    found = await verify(kafka, prefix, "--json")
    assert (found.code, found.verdict["inputs"]) == (0, 5), found.said
    assert found.verdict["unjudged"] == 6, "three answers and their texts"
    async with admin(kafka) as client:
        await client.delete_records(
            {TopicPartition(classifications, number): RecordsToDelete(-1) for number in range(4)}
        )
    found = await verify(kafka, prefix, "--json")
    assert (found.code, found.verdict["inputs"]) == (3, 0), found.said
    assert found.verdict["judged_since"]
    since = "2020-01-01T00:00:00Z"  # the user's word against the deletion
    found = await verify(kafka, prefix, "--json", "--since", since)
    assert found.code == 1
    assert found.faults()["lost"] == [f"{live}/0/{offset}" for offset in (4, 5, 6)]


@pytest.mark.timeout(60)
async def test_inputs_from_before_the_group_began_are_left_out_by_since(
    kafka: str, prefix: str
) -> None:
    settings = settings_for(kafka, prefix, start_from="latest")
    await prepare_topics(settings, Events())
    live = f"{prefix}{INBOUND_EMAILS}"
    await produce(kafka, live, [mail(number) for number in range(20)])
    async with walking(settings) as running:
        await until(lambda: running.events.count("group_begins"))
        await until(lambda: running.walk.ready)
        since = await later()
        await produce(kafka, live, [mail(number) for number in range(20, 30)])
        found = await verify(kafka, prefix, "--json", "--wait", "20", "--since", since)
    assert (found.code, found.verdict["inputs"]) == (0, 10), found.said
    found = await verify(kafka, prefix, "--json")
    assert len(found.faults()["lost"]) == 20


async def later() -> str:
    """A moment that lies between what was sent before and what comes."""
    await asyncio.sleep(0.1)
    moment = datetime.now(UTC).isoformat()
    await asyncio.sleep(0.1)
    return moment


async def test_waiting_ends_when_its_time_is_over_and_says_where(kafka: str, prefix: str) -> None:
    live = await answered(kafka, prefix, 4)
    await produce(kafka, live, [mail(4)], partition=0)
    found = await verify(kafka, prefix, "--json", "--wait", "0.5")
    assert found.code == 1
    assert found.faults() == {"overdue": [f"{live}/0: committed 4, end 5"]}


async def test_without_inputs_there_is_nothing_to_do(kafka: str, prefix: str) -> None:
    await prepare_topics(settings_for(kafka, prefix), Events())
    assert (await verify(kafka, prefix)).code == 3


async def test_wrong_usage_and_missing_topics_say_the_way_out(kafka: str, prefix: str) -> None:
    wrong = await verify(kafka, prefix, "--since", "yesterday")
    assert wrong.code == 2
    assert "--since 'yesterday' is not an RFC 3339 time" in wrong.said
    zoneless = await verify(kafka, prefix, "--since", "2026-01-31T08:00:00")
    assert (zoneless.code, "has no zone" in zoneless.said) == (2, True)
    missing = await verify(kafka, prefix)
    assert missing.code == 1
    assert "topics are missing" in missing.said
