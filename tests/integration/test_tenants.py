"""A tenants file that changes while a walk runs on a real Kafka: what differs by tenant from then on, exactly once."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import stream.tenants_file
import tests.walking
from stream.clean import CleanOptions
from stream.engine import Engine
from stream.kafka.admin import prepare_topics
from stream.metrics import Metrics
from stream.read_options import ReadOptions
from stream.settings import Settings
from stream.tenant_models import Loaded, TenantRules
from stream.tenants_file import TenantsFile
from stream.topics import CLASSIFICATIONS, CLEANED_EMAILS, INBOUND_EMAILS
from tests.counting import all_answered
from tests.kafka_tools import produce, read_all
from tests.walking import Events, FakeBundle, FakeEncoder, Running, mail, settings_for, walking

HELP_DESK = "Sent through the Acme help desk"
WORDS = "Good morning, where is the card that you sent to me last week?"
BODY = f"{HELP_DESK}\n\n{WORDS}"
ALL_AGREE = "[default]\nconsent_to_training = true\n"
ACME = f"""{ALL_AGREE}
[tenants.acme]
boilerplate = ["{HELP_DESK}"]
skip_kinds = ["bulk"]
languages = ["en"]
abstain_below = 0.95
consent_to_training = true
"""


@pytest.fixture
def tenants_file(tmp_path: Path) -> Path:
    path = tmp_path / "tenants.toml"
    swap(path, ALL_AGREE)
    return path


def swap(path: Path, text: str) -> None:
    """Put a whole new file in the place of the old one, as an editor or a ConfigMap does."""
    new = path.with_suffix(".new")
    new.write_text(text)
    os.utime(new, (new.stat().st_mtime - 60,) * 2)
    new.replace(path)


@pytest.fixture
def settings(
    kafka: str, prefix: str, tenants_file: Path, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """Settings of a walk whose engine reads the tenants file, as `stream.cli.wiring` makes it."""

    def make_engine(bundles: Mapping[str, Any], settings: Settings, metrics: Metrics) -> Engine:
        file = TenantsFile(settings, metrics, EVENTS)
        rules = TenantRules(file, Loaded(bundles), {}, EVENTS)
        options = ReadOptions(CleanOptions(), settings.skip_kinds)
        return Engine(bundles, options, metrics, 2, tenants=rules)

    monkeypatch.setattr(tests.walking, "make_engine", make_engine)
    monkeypatch.setattr(stream.tenants_file, "LOOK_EVERY_S", LOOK_EVERY_S)
    EVENTS.seen.clear()
    return settings_for(kafka, prefix, tenants_file=tenants_file)


LOOK_EVERY_S = 0.05
EVENTS = Events()
BUNDLES = {"default": FakeBundle(FakeEncoder())}


class Mails:
    """Sends mails of two tenants to a running walk and reads what became of them."""

    def __init__(self, kafka: str, prefix: str, running: Running) -> None:
        self._kafka, self._prefix, self.running = kafka, prefix, running
        self._sent = 0

    async def answers(self, **fields: Any) -> dict[str, dict[str, Any]]:
        """One mail for each tenant and 20 more of other customers; by tenant the answer, with the text read."""
        first, self._sent = self._sent, self._sent + 22
        records = [
            mail(first + place, BODY, tenant=("acme", "globex")[place % 2], **fields)
            for place in range(22)
        ]
        await produce(self._kafka, f"{self._prefix}{INBOUND_EMAILS}", records)
        (await all_answered(self._kafka, self._prefix, self._sent)).must_be_exactly_once()
        found = await self._values(CLASSIFICATIONS)
        texts = await self._values(CLEANED_EMAILS)
        mine = [f"m{number}" for number in range(first, self._sent)]
        pairs = {
            tenant: {
                json.dumps([found[one]["status"], found[one]["reason"], texts[one]["body"]]): {
                    **found[one],
                    "body": texts[one]["body"],
                }
                for one in mine
                if found[one]["tenant"] == tenant
            }
            for tenant in ("acme", "globex")
        }
        assert all(len(kinds) == 1 for kinds in pairs.values()), "one version for all of a tenant"
        return {tenant: next(iter(kinds.values())) for tenant, kinds in pairs.items()}

    async def _values(self, topic: str) -> dict[str, dict[str, Any]]:
        records = await read_all(self._kafka, f"{self._prefix}{topic}")
        return {value["id"]: value for value in map(json.loads, (r.value for r in records))}

    def failures(self) -> float | None:
        return self.running.metrics.registry.get_sample_value(
            "switchboard_tenants_reload_failures_total"
        )


@asynccontextmanager
async def mails(kafka: str, prefix: str, settings: Settings) -> AsyncIterator[Mails]:
    await prepare_topics(settings, EVENTS)
    async with walking(settings, BUNDLES) as running:
        yield Mails(kafka, prefix, running)


async def a_look_later() -> None:
    """Longer than the time between two looks at the file."""
    await asyncio.sleep(2 * LOOK_EVERY_S)


@pytest.mark.timeout(60)
async def test_a_changed_file_holds_from_then_on_for_its_tenant_alone_without_a_restart(
    kafka: str, prefix: str, settings: Settings, tenants_file: Path
) -> None:
    async with mails(kafka, prefix, settings) as story:
        before = await story.answers()
        for tenant in ("acme", "globex"):
            assert (before[tenant]["status"], before[tenant]["body"]) == ("classified", BODY)

        swap(tenants_file, ACME)
        await a_look_later()
        after = await story.answers()
        assert after["acme"]["body"] == WORDS, "its boilerplate is gone"
        assert (after["acme"]["status"], after["acme"]["reason"]) == (
            "abstained",
            "below threshold",
        )
        head = after["acme"]["heads"]["default"]
        assert (head["label"], head["abstained"]) == (None, True)
        assert [one["confidence"] for one in head["alternatives"]] == [0.9, 0.1]
        assert (after["globex"]["status"], after["globex"]["body"]) == ("classified", BODY)

        reply = await story.answers(in_reply_to="<1@example.org>")
        assert reply["acme"]["status"] == "abstained", "acme skips bulk mail alone"
        assert (reply["globex"]["status"], reply["globex"]["reason"]) == ("skipped", "reply")

        french = await story.answers(language="fr")
        assert french["acme"]["reason"] == "language not supported"
        assert french["globex"]["status"] == "classified"

        swap(tenants_file, ALL_AGREE)
        await a_look_later()
        assert (await story.answers())["acme"]["status"] == "classified"
        assert story.failures() == 0
        assert EVENTS.count("tenants_loaded") == 3


@pytest.mark.timeout(60)
async def test_a_broken_file_changes_nothing_and_is_counted(
    kafka: str, prefix: str, settings: Settings, tenants_file: Path
) -> None:
    swap(tenants_file, ACME)
    async with mails(kafka, prefix, settings) as story:
        before = await story.answers()
        assert before["acme"]["body"] == WORDS
        for failures, text in enumerate((ACME[:-8], ACME.replace("boil", "brew")), start=1):
            swap(tenants_file, text)
            for _ in range(2):
                await a_look_later()
                after = await story.answers()
                assert after["acme"]["body"] == WORDS
                assert after["acme"]["reason"] == "below threshold"
            assert story.failures() == failures
        assert EVENTS.count("tenants_refused") == 2, "each said once"
        assert "nearest is boilerplate" in str(EVENTS.seen)


@pytest.mark.timeout(60)
async def test_mail_of_a_tenant_that_is_not_in_the_file_abstains_where_it_says_so(
    kafka: str, prefix: str, settings: Settings, tenants_file: Path
) -> None:
    swap(tenants_file, ACME.replace("[default]", "[default]\non_unknown = 'abstain'"))
    async with mails(kafka, prefix, settings) as story:
        found = await story.answers()
    assert (found["globex"]["status"], found["globex"]["reason"]) == ("abstained", "unknown tenant")
    assert (found["globex"]["heads"], found["globex"]["model"]) == ({}, None)
    assert found["acme"]["reason"] == "below threshold"
