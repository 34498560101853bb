"""What is live: the fold of records, the rules of decisions, and the keeper that loads and swaps, on a fake topic."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.deployments import retries
from stream.deployments.bundle_ref import ref_before, ref_of
from stream.deployments.decisions import (
    Bundled,
    NothingToDoError,
    Signed,
    approved,
    rejected,
    rolled_back,
)
from stream.deployments.live import Entry, Live, Scope, decisions_of, marks_of
from stream.deployments.retries import BACKOFF_MAX_S, Retries
from stream.errors import FatalError, SettingsError
from stream.metrics import Metrics
from stream.records import Decision, Deployment, encode
from tests.deploying import NOW, Disk, Story, deployment, entry, keepers, pending
from tests.walking import Events, until

SIGNED = Signed("A. Lead", "better", NOW)


def live_of(*entries: Entry) -> dict[str, str]:
    live = Live()
    live.add(entries)
    return {tenant: f"{one.name}/{one.version}" for tenant, one in live.by_tenant().items()}


# -- the fold ------------------------------------------------------------------------------------


def test_a_tenant_has_one_live_model_the_one_written_last() -> None:
    records = [
        entry(0, deployment("1")),
        entry(1, deployment("2")),
        entry(2, deployment("7", "other")),
        entry(3, deployment("1", "own", "acme")),
    ]
    assert live_of(*records) == {"acme": "own/1", "default": "other/7"}


def test_a_tombstone_brings_back_what_another_name_had_live() -> None:
    records = [entry(0, deployment("1")), entry(1, deployment("7", "other"))]
    assert live_of(*records, entry(2, ("default", "other"))) == {"default": "support/1"}
    assert live_of(*records, entry(2, ("default", "support"))) == {"default": "other/7"}


RECORDS = [
    entry(0, deployment("1")),
    entry(1, deployment("1", "own", "acme/emea")),
    entry(2, deployment("2")),
    entry(3, ("default", "support")),
    entry(4, deployment("5", "other")),
    entry(5, deployment("3")),
    entry(6, ("acme/emea", "own")),
]


@given(st.permutations(RECORDS), st.integers(0, 7))
def test_the_order_of_reading_and_reading_twice_change_nothing(
    shuffled: Sequence[Entry], repeated: int
) -> None:
    assert live_of(*shuffled, *shuffled[:repeated]) == {"default": "support/3"}


def test_records_that_cannot_be_read_change_nothing_and_are_told() -> None:
    live = Live()
    live.add(
        [
            entry(0, deployment()),
            Entry(1, b"default/support", b"{"),
            Entry(2, b"acme/support", encode(deployment("9"))),
        ]
    )
    assert set(live.refused) == {1, 2}
    assert [one.version for one in live.by_tenant().values()] == ["1"]


def test_a_decision_that_cannot_be_read_is_told_and_hides_no_other() -> None:
    decision = approved(BUNDLE, None, SIGNED, forced=False).decision
    found = decisions_of(
        [Entry(4, b"", encode(decision)), Entry(3, b"", b"nonsense"), Entry(5, b"", None)]
    )
    assert (found.made, found.unreadable) == ([decision], [3, 5])


def test_a_list_marks_what_is_live_and_what_a_rollback_would_bring_back() -> None:
    live = {"default": deployment("2", before="1"), "acme": deployment("2", "own", "acme")}
    assert marks_of(list(live.values())) == {
        ("support", "2"): "live",
        ("support", "1"): "previous",
        ("own", "2"): "live",
    }


def test_a_dedicated_worker_needs_its_own_models_and_the_general_one_only_without() -> None:
    live = {name: deployment(tenant=name) for name in ("acme", "default", "globex")}
    assert set(Scope().needed(live)) == {"acme", "default", "globex"}
    assert set(Scope(only=["acme"]).needed(live)) == {"acme"}
    assert set(Scope(only=["acme", "new"]).needed(live)) == {"acme", "default"}


def test_a_dedicated_worker_keeps_the_general_model_that_the_tenants_file_names() -> None:
    live = {"acme": deployment("1", "own", "acme"), "default": deployment("1", "general")}
    assert set(Scope(only=["acme"], names=["general"]).needed(live)) == {"acme", "default"}
    assert set(Scope(only=["acme"], names=["own"]).needed(live)) == {"acme"}


# -- decisions -----------------------------------------------------------------------------------

BUNDLE = Bundled("default", "support", "2", "sha-support-2", "report-2")


def test_an_approval_names_what_was_live_before_and_its_name_where_it_had_another() -> None:
    same = approved(BUNDLE, deployment("1"), SIGNED, forced=False).deployment
    assert same is not None
    assert (same.previous_version, same.previous_manifest_sha256) == ("1", "sha-support-1")
    assert same.previous_name is msgspec.UNSET
    other = approved(BUNDLE, deployment("1", "old"), SIGNED, forced=False).deployment
    assert other is not None
    assert (other.previous_version, other.previous_manifest_sha256) == ("1", "sha-old-1")
    assert other.previous_name == "old"
    assert str(ref_before(other)) == "old/1"
    assert marks_of([other]) == {("support", "2"): "live", ("old", "1"): "previous"}


def test_a_rollback_from_one_name_to_another_names_both_rightly() -> None:
    first = approved(
        Bundled("acme", "support", "5", "sha-5", "report-5"), None, SIGNED, forced=False
    )
    second = approved(
        Bundled("acme", "support-de", "1", "sha-de", "report-de"),
        first.deployment,
        SIGNED,
        forced=False,
    )
    assert second.deployment is not None
    back = rolled_back(second.deployment, [first.decision, second.decision], SIGNED)
    assert back.deployment == replace_before(first.deployment)
    decision = back.decision
    assert (decision.name, decision.version, decision.report_sha256) == ("support", "5", "report-5")
    assert back.seen == second.deployment


def replace_before(one: Deployment | None) -> Deployment:
    """The same with nothing to roll back to."""
    assert one is not None
    return msgspec.structs.replace(one, previous_version=None, previous_manifest_sha256=None)


def test_a_decision_says_who_decided_what_on_which_report_and_whether_it_was_forced() -> None:
    forced = approved(BUNDLE, None, SIGNED, forced=True).decision
    assert forced == Decision(
        tenant="default", name="support", version="2", decision="approved", by="A. Lead",
        reason="better", report_sha256="report-2", decided_at=NOW, forced=True,
    )  # fmt: skip
    refused = rejected(BUNDLE, None, SIGNED).decision
    assert refused == msgspec.structs.replace(forced, decision="rejected", forced=False)


def test_what_is_live_cannot_be_approved_again_nor_rejected() -> None:
    with pytest.raises(NothingToDoError, match="support/2 is live"):
        approved(BUNDLE, deployment("2"), SIGNED, forced=True)
    with pytest.raises(FatalError, match="models rollback support"):
        rejected(BUNDLE, deployment("2"), SIGNED)
    other_bytes = replace(BUNDLE, manifest_sha256="another")
    assert approved(other_bytes, deployment("2"), SIGNED, forced=False).deployment is not None


def test_a_rollback_goes_back_once_and_names_the_report_that_was_approved_then() -> None:
    decision = approved(
        replace(BUNDLE, version="1", report_sha256="report-1"), None, SIGNED, forced=False
    ).decision
    back = rolled_back(deployment("2", before="1"), [decision], SIGNED)
    assert back.deployment is not None
    assert (back.deployment.version, back.deployment.previous_version) == ("1", None)
    assert (back.decision.decision, back.decision.report_sha256) == ("rolled_back", "report-1")
    with pytest.raises(NothingToDoError, match=r"approve NAME/VERSION.*support/2"):
        rolled_back(
            back.deployment,
            [decision, approved(BUNDLE, None, SIGNED, forced=False).decision],
            SIGNED,
        )
    assert NothingToDoError.exit_code == 3


@pytest.mark.parametrize(("by", "reason"), [("", "x"), ("A", " ")])
def test_nobody_and_no_reason_is_wrong_usage(by: str, reason: str) -> None:
    with pytest.raises(SettingsError, match="is empty"):
        Signed(by, reason, NOW)


def test_a_bundle_that_fails_is_tried_again_ever_later_up_to_a_minute() -> None:
    now_s = 0.0
    tries, ref = Retries(lambda: now_s), ref_of(deployment())
    assert tries.waits_s(ref) == 0
    waits = []
    for _ in range(9):
        tries.note(ref, "missing")
        waits.append(tries.waits_s(ref))
        now_s += waits[-1]
        assert tries.waits_s(ref) == 0
    assert waits == [1, 2, 4, 8, 16, 32, 60, BACKOFF_MAX_S, 60]
    tries.note(ref, "missing")
    tries.clear()
    assert tries.waits_s(ref) == 0


# -- the keeper ----------------------------------------------------------------------------------


@pytest.fixture
async def keep(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[..., Story]]:
    async with keepers(monkeypatch) as make:
        yield make


async def test_a_worker_starts_when_all_that_is_live_is_loaded(keep: Callable[..., Story]) -> None:
    disk, events, metrics = Disk("support/1"), Events(), Metrics()
    story = keep(disk, events, metrics)
    starting = asyncio.ensure_future(story.models.engine())
    await story.write()
    await until(lambda: events.count("no_model_is_live"))
    assert "switchboard models approve" in story.models.problems()[0]
    await story.write(deployment("1"), deployment("1", "own", "acme"))
    await story.serves(default="support/1")
    assert not starting.done(), "acme's own model is not there"
    [problem] = story.models.problems()
    assert problem.startswith("pending: tenant acme: own/1 is live and not loaded: own/1 is not")
    disk.there.add("own/1")
    await story.write(deployment("1"))  # whoever does something is not kept waiting
    engine: Any = await starting
    assert set(engine) == {"acme", "default"}
    assert story.models.problems() == []


async def test_a_rollback_needs_no_loading_and_does_not_wait_for_one(
    keep: Callable[..., Story],
) -> None:
    disk, events, metrics = Disk("support/1", "support/2"), Events(), Metrics()
    story = keep(disk, events, metrics)
    await story.write(deployment("1"))
    await story.models.engine()
    await story.write(deployment("2", before="1"))
    await story.serves(default="support/2")
    before = story.models.served()
    loads = len(disk.loaded)
    await story.write(deployment("1"), deployment("1", "slow", "acme"))
    await story.serves(default="support/1")
    assert story.models.served() is not before, "another object after every change"
    assert "support/1" not in disk.loaded[loads:]
    await until(lambda: disk.kept == ["support/1"])
    assert events.count("models_let_go") == 1


async def test_what_cannot_be_loaded_leaves_the_old_one_and_is_told(
    keep: Callable[..., Story],
) -> None:
    disk, events, metrics = Disk("support/1"), Events(), Metrics()
    story = keep(disk, events, metrics)
    await story.write(deployment("1"))
    await story.models.engine()
    assert pending(metrics) == 0
    await story.write(deployment("2", before="1"))
    await until(lambda: events.count("model_not_loaded"))
    assert story.served() == {"default": "support/1"}
    assert pending(metrics) == 1
    facts = dict(events.seen)["model_not_loaded"]
    assert facts["effect"] == "support/1 goes on"
    disk.there.add("support/2")
    await story.serves(default="support/2")
    assert pending(metrics) == 0


async def test_a_tenant_without_a_live_model_any_more_is_served_as_all_are(
    keep: Callable[..., Story],
) -> None:
    disk, events, metrics = Disk("support/1", "own/1"), Events(), Metrics()
    story = keep(disk, events, metrics)
    await story.write(deployment("1"), deployment("1", "own", "acme"))
    await story.serves(default="support/1", acme="own/1")
    await story.write(("acme", "own"))
    await story.serves(default="support/1")
    assert pending(metrics, "acme") is None


async def test_after_a_restart_what_was_live_before_is_loaded_too_whatever_its_name(
    keep: Callable[..., Story],
) -> None:
    disk = Disk("support/5", "support-de/1")
    story = keep(disk, Events(), Metrics())
    live = msgspec.structs.replace(
        deployment("1", "support-de", before="5"), previous_name="support"
    )
    live = msgspec.structs.replace(live, previous_manifest_sha256="sha-support-5")
    await story.write(live)
    await story.models.engine()
    assert disk.loaded == ["support-de/1"], "the worker does not wait for it"
    await until(lambda: disk.loaded == ["support-de/1", "support/5"])
    await story.write(deployment("5"), ("default", "support-de"))
    await story.serves(default="support/5")
    assert len(disk.loaded) == 2


async def test_who_does_something_is_not_kept_waiting_for_the_next_try(
    keep: Callable[..., Story], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "BACKOFF_S", 3600.0)
    monkeypatch.setattr(retries, "BACKOFF_MAX_S", 3600.0)
    disk, events = Disk("support/1"), Events()
    story = keep(disk, events, Metrics())
    await story.write(deployment("1"))
    await story.models.engine()
    await story.write(deployment("2", before="1"))
    await until(lambda: events.count("model_not_loaded"))
    disk.there.add("support/2")
    await story.write(deployment("1", "own", "acme"))  # another one's news count too
    await story.serves(default="support/2")


async def test_sessions_of_a_load_that_failed_are_let_go(keep: Callable[..., Story]) -> None:
    disk, events, metrics = Disk("support/1"), Events(), Metrics()
    story = keep(disk, events, metrics)
    await story.write(deployment("1"))
    await story.models.engine()
    assert disk.cleanings == 0
    await story.write(deployment("2", before="1"))
    await until(lambda: disk.cleanings)
    assert disk.kept == ["support/1"]


async def test_failures_are_counted_for_what_is_live_and_not_for_the_one_before(
    keep: Callable[..., Story],
) -> None:
    disk, events, metrics = Disk("support/2"), Events(), Metrics()
    story = keep(disk, events, metrics)
    await story.write(deployment("2", before="1"))
    await story.models.engine()
    await until(lambda: events.count("model_not_loaded"))
    name = "switchboard_model_load_failures_total"
    labels = {"tenant": "default", "kind": "text"}
    assert metrics.registry.get_sample_value(name, labels) is None
    await story.write(deployment("3", before="2"))
    await until(lambda: events.count("model_not_loaded") >= 2)
    assert metrics.registry.get_sample_value(name, labels)


async def test_a_topic_that_was_made_again_counts_though_its_offsets_are_lower(
    keep: Callable[..., Story],
) -> None:
    disk, events = Disk("support/1", "support/2", "own/1"), Events()
    story = keep(disk, events, Metrics())
    await story.write(deployment("1"), deployment("1", "own", "acme"), deployment("2", before="1"))
    await story.models.engine()
    await story.begin_anew()
    await until(lambda: events.count("deployments_begin_anew"))
    assert story.served() == {"default": "support/2", "acme": "own/1"}, "it takes nothing away"
    await story.begin_anew(deployment("1"))
    await story.serves(default="support/1")
    assert events.count("deployments_begin_anew") == 2


async def test_the_same_topic_read_again_changes_and_tells_nothing(
    keep: Callable[..., Story],
) -> None:
    disk, events = Disk("support/1"), Events()
    story = keep(disk, events, Metrics())
    await story.begin_anew(deployment("1"))
    await story.models.engine()
    served = story.models.served()
    await story.begin_anew(deployment("1"))
    await story.write(deployment("1", "own", "acme"))
    await until(lambda: events.count("model_not_loaded"))
    assert story.models.served() is served
    assert events.count("deployments_begin_anew") == 0
