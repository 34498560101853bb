"""Models of calls go live beside those of mail: two kinds apart; calls stay with the bundle they began with."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from stream.deployments import keeper
from stream.deployments.bundle_ref import ref_before
from stream.deployments.decisions import Bundled, Signed, approved, rolled_back
from stream.deployments.live import Live, Scope
from stream.deployments.topic import Reading
from stream.deployments.wanted import KEEP_FOR_CALLS, Wanted
from stream.errors import FatalError
from stream.metrics import Metrics
from stream.records import Deployment
from stream.tenant_models import Loaded, Rules
from tests.deploying import NOW, Disk, Story, deployment, entry, keepers, pending
from tests.walking import Events, FakeBundle, FakeEncoder, until

SIGNED = Signed("A. Lead", "better", NOW)
CHURN = Bundled("default", "churn", "1", "sha-churn-1", "report-1", "churn")
SECOND = timedelta(seconds=1)


def churn(version: str = "1", before: str | None = None, **more: Any) -> Deployment:
    """A churn model that went live a moment ago."""
    more = {"name": "churn", "deployed_at": datetime.now(UTC), **more}
    return deployment(version, before=before, kind="churn", **more)


def live_of(*deployments: Deployment | tuple[str, str]) -> Live:
    live = Live()
    live.add([entry(offset, one) for offset, one in enumerate(deployments)])
    return live


# -- two kinds -----------------------------------------------------------------------------------


def test_a_tenant_has_a_live_model_of_each_kind() -> None:
    live = live_of(deployment("1"), churn("7"), deployment("2"), churn("3", tenant="acme"))
    assert {who: one.version for who, one in live.by_tenant().items()} == {"default": "2"}
    assert {who: one.version for who, one in live.by_tenant("churn").items()} == {
        "acme": "3",
        "default": "7",
    }
    assert [str(one.version) for one in live.deployments()] == ["2", "3", "7"]
    assert live.keys_of("default", "text") == [b"default/support"]
    assert live.keys_of("default", "churn") == [b"default/churn"]


def test_a_name_is_of_one_kind_for_a_tenant_so_that_no_approval_hides_a_live_model() -> None:
    live = live_of(deployment("1"), churn("7"))
    with pytest.raises(FatalError, match=r"support/1 is live .* text model.*--name OTHER"):
        live.refuse_other_kind("default", "support", "churn")
    with pytest.raises(FatalError, match=r"churn/7 is live .* churn model"):
        live.refuse_other_kind("default", "churn", "text")
    live.refuse_other_kind("acme", "support", "churn")
    live.refuse_other_kind("default", "churn", "churn")


def test_a_rollback_stays_in_its_kind_also_across_names() -> None:
    old = approved(replace(CHURN, name="old"), None, SIGNED, forced=False)
    new = approved(CHURN, old.deployment, SIGNED, forced=False)
    assert new.deployment is not None
    assert (new.deployment.kind, new.decision.kind) == ("churn", "churn")
    back = rolled_back(new.deployment, [old.decision, new.decision], SIGNED)
    assert back.deployment is not None
    assert (back.deployment.name, back.deployment.kind) == ("old", "churn")
    assert (back.decision.kind, back.seen) == ("churn", new.deployment)


def test_a_dedicated_worker_needs_the_general_model_of_a_kind_where_it_has_none_of_its_own() -> (
    None
):
    wanted = Wanted(Scope(only=["acme"]), Events())
    records = [deployment("1"), churn("1"), churn("2", tenant="acme"), churn("3", tenant="globex")]
    wanted.fold(Reading([entry(offset, one) for offset, one in enumerate(records)]))
    assert set(wanted.live) == {("default", "text"), ("acme", "churn")}


# -- what calls may go on with -------------------------------------------------------------------


class Told:
    """What a worker makes of records that come one by one."""

    def __init__(self) -> None:
        self.wanted, self._offset = Wanted(Scope(), Events()), 0

    def hears(self, *records: Deployment | tuple[str, str]) -> None:
        entries = [entry(self._offset + place, one) for place, one in enumerate(records)]
        self._offset += len(records)
        self.wanted.fold(Reading(entries))

    def goes_on(self, after: timedelta = SECOND) -> set[str]:
        return {str(ref) for ref in self.wanted.for_calls(NOW + after)}


def test_calls_go_on_with_what_approvals_took_the_place_of_for_two_hours() -> None:
    told = Told()
    told.hears(churn("1", deployed_at=NOW - timedelta(days=1)))
    assert told.goes_on() == set()
    told.hears(churn("2", "1", deployed_at=NOW - timedelta(hours=1)))
    told.hears(churn("3", "2", deployed_at=NOW))
    assert told.goes_on() == {"churn/1", "churn/2"}
    assert told.goes_on(timedelta(hours=1)) == {"churn/2"}
    assert told.goes_on(KEEP_FOR_CALLS) == set()
    in_use = [("churn", "1"), ("churn", "9")]
    kept = {str(ref) for ref in told.wanted.kept(in_use, NOW)}
    assert kept == {"churn/1", "churn/2", "churn/3"}, "in use, before, live"
    assert {str(ref) for ref in told.wanted.kept([], NOW)} == {"churn/2", "churn/3"}


def test_no_call_goes_on_with_what_was_rolled_back_not_even_under_another_name() -> None:
    told = Told()
    told.hears(churn("1"), churn("2", "1", deployed_at=NOW))
    told.hears(churn("1", deployed_at=NOW))
    assert told.goes_on() == set()
    other = msgspec.structs.replace(churn("5", "1", name="other"), previous_name="churn")
    other = msgspec.structs.replace(other, previous_manifest_sha256="sha-churn-1", deployed_at=NOW)
    told.hears(other, ("default", "churn"))
    assert told.goes_on() == {"churn/1"}
    told.hears(churn("1", deployed_at=NOW), ("default", "other"))
    assert told.goes_on() == set()


def test_what_approvals_and_rollbacks_really_write_is_told_apart() -> None:
    told = Told()
    first = approved(CHURN, None, SIGNED, forced=False).deployment
    assert first is not None
    second = approved(
        replace(CHURN, version="2", manifest_sha256="sha-churn-2"), first, SIGNED, forced=False
    ).deployment
    assert second is not None
    told.hears(first)
    told.hears(second)
    assert told.goes_on() == {"churn/1"}
    back = rolled_back(second, [], SIGNED).deployment
    assert back is not None
    assert ref_before(back) is None
    told.hears(back)
    assert told.goes_on() == set()


@pytest.mark.parametrize("records", [
    [churn("1"), churn("2", "1"), churn("3", "2")],
    [churn("1"), churn("2", "1"), deployment("7"), churn("3", "2"), churn("2")],
    [churn("1"), churn("2", "1"), churn("1"), churn("3", "1")],
], ids=["approvals", "the last one rolled back", "the first one rolled back"])  # fmt: skip
def test_who_reads_several_records_in_one_go_says_the_same_as_who_reads_them_one_by_one(
    records: list[Deployment],
) -> None:
    records = [msgspec.structs.replace(one, deployed_at=NOW) for one in records]
    at_once, one_by_one = Told(), Told()
    at_once.hears(*records)
    for record in records:
        one_by_one.hears(record)
    assert at_once.goes_on() == one_by_one.goes_on()
    assert "churn/1" in at_once.goes_on()


@pytest.mark.parametrize("missed", [
    churn("4", "3", deployed_at=NOW),  # 2 was rolled back or not: nobody here can tell
    ("default", "churn"),
], ids=["records", "tombstone"])  # fmt: skip
def test_after_records_that_were_missed_calls_go_on_with_what_is_live(
    missed: Deployment | tuple[str, str],
) -> None:
    told = Told()
    told.hears(churn("2"))
    told.hears(missed)
    assert "churn/2" not in told.goes_on()


def test_after_a_restart_calls_go_on_with_the_bundle_before_the_live_one() -> None:
    told = Told()
    told.hears(churn("2", "1", deployed_at=NOW), deployment("2", before="1", deployed_at=NOW))
    assert told.goes_on() == {"churn/1"}, "mail does not"


# -- the keeper ----------------------------------------------------------------------------------


@pytest.fixture
async def keep(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[..., Story]]:
    monkeypatch.setattr(keeper, "LOOK_EVERY_S", 0.02)
    async with keepers(monkeypatch) as make:
        yield make


def named(story: Story, version: str) -> Any:
    """The bundle that a call would go on with which began with this version."""
    return Rules({}, calls=story.models.now()).bundle_named("churn", version)


@pytest.mark.parametrize("kind", ["text", "churn"])
async def test_a_worker_starts_with_a_model_of_either_kind(
    keep: Callable[..., Story], kind: str
) -> None:
    story = keep(Disk("one/1"), Events(), Metrics())
    await story.write()
    await until(story.models.problems)
    await story.write(deployment("1", "one", kind=kind))
    await story.models.engine()
    assert story.models.problems() == []
    assert (story.served() or story.served_churn()) == {"default": "one/1"}
    assert bool(story.served_churn()) == (kind == "churn")


async def test_each_kind_is_loaded_and_told_by_itself(keep: Callable[..., Story]) -> None:
    disk, events, metrics = Disk("support/1", "churn/1"), Events(), Metrics()
    story = keep(disk, events, metrics)
    await story.write(deployment("1"), churn("1"))
    await story.models.engine()
    before = story.models.now()
    await story.write(churn("2", "1"))
    await until(lambda: events.count("model_not_loaded"))
    assert story.models.now() is before
    assert story.served_churn() == {"default": "churn/1"}, "the old one goes on"
    assert (pending(metrics), pending(metrics, kind="churn")) == (0, 1)
    [problem] = story.models.problems()
    assert problem.startswith("pending: tenant default, calls: churn/2 is live and not loaded")
    name, labels = "switchboard_model_load_failures_total", {"tenant": "default", "kind": "churn"}
    assert metrics.registry.get_sample_value(name, labels)
    disk.there.add("churn/2")
    await story.write(deployment("1"))
    await story.scores(default="churn/2")
    assert story.models.now() is not before, "another object after every change"
    assert story.served() == {"default": "support/1"}
    assert (pending(metrics), pending(metrics, kind="churn")) == (0, 0)


async def test_the_bundle_of_calls_in_progress_stays_until_the_last_one_has_ended(
    keep: Callable[..., Story],
) -> None:
    disk, events = Disk("churn/1", "churn/2", "churn/3"), Events()
    story = keep(disk, events, Metrics())
    calls = {("churn", "1")}
    story.models.keep_for_calls(lambda: calls)
    await story.write(churn("1"))
    await story.models.engine()
    for version, before in (("2", "1"), ("3", "2")):
        await story.write(churn(version, before))
        await story.scores(default=f"churn/{version}")
    assert named(story, "1").version == "1"
    loads = len(disk.loaded)
    calls.clear()
    await until(lambda: named(story, "1") is None, 5)
    await until(lambda: sorted(disk.kept) == ["churn/2", "churn/3"], 5)
    assert named(story, "2").version == "2", "of approvals the one before is there"
    assert len(disk.loaded) == loads


async def test_a_worker_that_starts_after_a_swap_has_the_bundle_of_the_calls_that_began_before_it(
    keep: Callable[..., Story],
) -> None:
    disk = Disk("churn/1", "churn/2")
    story = keep(disk, Events(), Metrics())
    await story.write(churn("1"), churn("2", "1"))
    await story.models.engine()
    assert named(story, "1").version == "1", "before it joins: with the first window it is too late"
    assert story.served_churn() == {"default": "churn/2"}


async def test_a_bundle_before_that_is_gone_or_too_old_keeps_no_worker_from_starting(
    keep: Callable[..., Story],
) -> None:
    disk, events = Disk("churn/2"), Events()
    story = keep(disk, events, Metrics())
    await story.write(churn("1"), churn("2", "1"))
    await story.models.engine()
    assert events.count("model_not_loaded") == 1
    old = Disk("churn/1", "churn/2")
    story = keep(old, Events(), Metrics())
    await story.write(churn("2", "1", deployed_at=datetime.now(UTC) - KEEP_FOR_CALLS))
    await story.models.engine()
    assert old.loaded[0] == "churn/2"
    assert named(story, "1") is None


async def test_a_call_that_never_ends_keeps_no_bundle_longer_than_two_hours(
    keep: Callable[..., Story],
) -> None:
    disk, events = Disk("churn/1", "churn/2", "churn/3"), Events()
    story = keep(disk, events, Metrics())
    story.models.keep_for_calls(lambda: {("churn", "1"), ("churn", "2")})
    await story.write(churn("1"))
    await story.models.engine()
    almost = datetime.now(UTC) - KEEP_FOR_CALLS + SECOND
    await story.write(churn("2", "1", deployed_at=almost))
    await story.scores(default="churn/2")
    assert named(story, "1") is not None
    await story.write(churn("3", "2"))
    await story.scores(default="churn/3")
    await until(lambda: sorted(disk.kept) == ["churn/2", "churn/3"], 5)
    assert named(story, "1") is None


async def test_a_bundle_that_was_rolled_back_is_let_go_at_once_whoever_uses_it(
    keep: Callable[..., Story],
) -> None:
    disk = Disk("churn/1", "churn/2")
    story = keep(disk, Events(), Metrics())
    story.models.keep_for_calls(lambda: {("churn", "2")})
    await story.write(churn("1"))
    await story.models.engine()
    await story.write(churn("2", "1"))
    await story.scores(default="churn/2")
    await story.write(churn("1"))
    await story.scores(default="churn/1")
    assert named(story, "2") is None
    await until(lambda: disk.kept == ["churn/1"], 5)


# -- who scores a tenant's calls -----------------------------------------------------------------


def test_calls_are_scored_by_the_tenants_own_model_else_by_the_default_one_and_never_by_a_text_model() -> (
    None
):
    text: Any = FakeBundle(FakeEncoder())
    own: Any = FakeBundle(FakeEncoder(), "acme")
    general: Any = FakeBundle(FakeEncoder())
    own.kind = general.kind = "churn"
    loaded = Loaded.of(
        {("default", "text"): text, ("acme", "churn"): own, ("default", "churn"): general}
    )
    rules = Rules(loaded.text, calls=loaded)
    assert [rules.churn_for(name) for name in ("acme", "globex")] == [own, general]
    assert rules.bundle_for("acme") is text
    assert rules.bundle_named("acme", "1") is own
    assert rules.bundle_named("acme", "2") is None
    assert {id(one) for one in rules.bundles()} == {id(one) for one in (text, own, general)}
    assert Rules({"default": text}).churn_for("acme") is None
