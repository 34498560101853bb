"""`switchboard models` on a real Kafka: what it refuses and why, and what a decision leaves on the topics."""

import asyncio
import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from models.manifest import describe_files, write_manifest
from models.rows.dataset import DataFile
from stream.cli import main
from stream.deployments.decisions import Bundled, approved
from stream.deployments.live import KINDS
from stream.deployments.publishing import DecidedMeanwhileError, publish
from stream.errors import FatalError
from stream.records import ModelKind
from stream.settings import Settings
from stream.topics import MODEL_DECISIONS, MODEL_DEPLOYMENTS
from tests.bundles import (
    SIGNED,
    approve,
    live_now,
    make_live,
    roll_back,
    write_encoder,
    write_version,
)
from tests.kafka_tools import produce, read_all
from tests.walking import Events, settings_for

pytest.importorskip("onnx", reason="needs the extra heads")
from tests.churn_bundles import write_churn_version

WELL = [True] * 90 + [False] * 10
BADLY = [True] * 40 + [False] * 60
SAID = ("--by", "A. Lead", "--reason", "because")


class Ended(NamedTuple):
    code: Any
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture
def settings(kafka: str, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")
    return settings_for(kafka, prefix, models_dir=tmp_path / "models")


@pytest.fixture
def run(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Run:
    """`switchboard models …` as a shell calls it."""

    def call(*arguments: str, **other: str) -> Ended:
        values = {
            "kafka_bootstrap_servers": settings.kafka_bootstrap_servers,
            "topic_prefix": settings.topic_prefix,
            "models_dir": str(settings.models_dir),
            **other,
        }
        for name, value in values.items():
            monkeypatch.setenv(f"SWITCHBOARD_{name.upper()}", value)
        monkeypatch.setattr(sys, "argv", ["switchboard", "models", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        sys.stdout.flush()
        found = capfd.readouterr()
        return Ended(ended.value.code, found.out, found.err)

    return call


def written(settings: Settings, topic: str) -> list[Any]:
    found = asyncio.run(read_all(settings.kafka_bootstrap_servers, settings.topic(topic)))
    return [None if one.value is None else json.loads(one.value) for one in found]


@pytest.mark.timeout(60)
def test_from_the_first_approval_to_a_rollback(settings: Settings, run: Run, encoder: Path) -> None:
    for version in (1, 2):
        write_version(settings.models_path, encoder, version=version, labels="abc", rights=WELL)
    plain = run("approve", "support", *SAID)
    assert (plain.code, "support/1, support/2" in plain.err) == (2, True)
    unsigned = run("approve", "support/1", "--by", " ", "--reason", "x")
    assert (unsigned.code, "--by is empty" in unsigned.err) == (2, True)
    first = run("approve", "support/1", *SAID)
    assert first.code == 0, first
    assert "nothing is live for tenant default yet" in first.out
    again = run("approve", "support/1", *SAID)
    assert (again.code, "is live" in again.err) == (3, True)
    none_before = run("rollback", "support", *SAID)
    assert (none_before.code, "no version before it" in none_before.err) == (3, True)

    second = run("approve", "support/2", *SAID)
    assert second.code == 0, second
    assert "no difference beyond chance on 100 rows" in second.out
    listed = run("list").out.splitlines()
    assert [line.split("  ")[:3] for line in listed] == [
        ["support/2", "tenant=default", "live"],
        ["support/1", "tenant=default", "previous"],
    ]
    assert "topic=0.500 accuracy" in listed[0]
    refused = run("reject", "support/2", *SAID)
    assert (refused.code, "take it back" in refused.err) == (1, True)

    assert run("rollback", "support", *SAID).code == 0
    assert asyncio.run(live_now(settings))["default"].version == "1"
    assert run("rollback", "support", *SAID).code == 3, "two people at once change nothing twice"
    assert run("reject", "support/2", *SAID).code == 0
    decisions = written(settings, MODEL_DECISIONS)
    assert [(one["version"], one["decision"], one["forced"]) for one in decisions] == [
        ("1", "approved", False),
        ("2", "approved", False),
        ("1", "rolled_back", False),
        ("2", "rejected", False),
    ]
    assert decisions[0]["report_sha256"] == decisions[2]["report_sha256"]
    shown = run("show", "support/2").out
    assert "approved by A. Lead: because" in shown
    assert "rejected by A. Lead: because" in shown
    assert "not live" in shown
    asyncio.run(
        produce(
            settings.kafka_bootstrap_servers, settings.topic(MODEL_DECISIONS), [(b"k", b"nonsense")]
        )
    )
    assert "1 decisions cannot be read" in run("show", "support/2").out


@pytest.mark.timeout(60)
def test_a_worse_model_is_refused_unless_forced_and_then_the_record_says_so(
    settings: Settings, run: Run, encoder: Path
) -> None:
    for version, rights in ((1, WELL), (2, BADLY)):
        write_version(settings.models_path, encoder, version=version, labels="abc", rights=rights)
    assert run("approve", "support/1", *SAID).code == 0
    worse = run("approve", "support/2", *SAID)
    assert worse.code == 1
    assert "significantly worse on 100 rows" in worse.err
    assert asyncio.run(live_now(settings))["default"].version == "1"
    assert run("approve", "support/2", *SAID, "--force").code == 0
    assert asyncio.run(live_now(settings))["default"].version == "2"
    assert written(settings, MODEL_DECISIONS)[-1]["forced"] is True


@pytest.mark.timeout(60)
def test_too_few_rows_in_common_or_none_kept_is_refused_with_the_ways_out(
    settings: Settings, run: Run, encoder: Path
) -> None:
    for version, rights in ((1, WELL[:5]), (2, WELL[:5]), (3, None)):
        write_version(settings.models_path, encoder, version=version, labels="abc", rights=rights)
    assert run("approve", "support/1", *SAID).code == 0
    for version in (2, 3):
        refused = run("approve", f"support/{version}", *SAID)
        assert refused.code == 1
        assert "--data FILE" in refused.err
        assert "--force" in refused.err
    rows = Path("rows.jsonl")
    rows.write_text(
        "\n".join(
            json.dumps({"id": str(n), "body": f"my card n{n}", "labels": {"topic": "abc"[n % 3]}})
            for n in range(60)
        )
    )
    compared = run("approve", "support/2", *SAID, "--data", str(rows))
    assert "on 60 rows" in compared.out + compared.err


@pytest.mark.timeout(60)
@pytest.mark.parametrize(("part", "version", "said"), [
    ("train", 2, "support/2 learned from rows.jsonl"),
    ("train", 1, "support/1 learned from rows.jsonl"),
    ("validation", 2, "support/2 chose its thresholds on rows.jsonl"),
])  # fmt: skip
def test_rows_that_one_of_the_two_has_seen_prove_nothing(
    settings: Settings, run: Run, encoder: Path, part: str, version: int, said: str
) -> None:
    rows = Path("rows.jsonl")
    rows.write_text(
        "\n".join(
            json.dumps({"id": str(n), "body": f"my card n{n}", "labels": {"topic": "abc"[n % 3]}})
            for n in range(60)
        )
    )
    seen = DataFile("rows.jsonl", hashlib.sha256(rows.read_bytes()).hexdigest(), 60)
    for number in (1, 2):
        found = write_version(settings.models_path, encoder, version=number, labels="abc")
        if number == version:
            training = msgspec.structs.replace(found.manifest.training, **{part: (seen,)})
            write_manifest(found.path, msgspec.structs.replace(found.manifest, training=training))
    assert run("approve", "support/1", *SAID).code == 0
    refused = run("approve", "support/2", *SAID, "--data", str(rows))
    assert refused.code == 1
    assert said in refused.err
    assert "name a file that neither has seen (--data FILE)" in refused.err
    assert "--force" in refused.err
    rows.write_text(rows.read_text() + "\n")
    other = run("approve", "support/2", *SAID, "--data", str(rows))
    assert "rows.jsonl" not in other.err, "a file with other bytes"
    assert run("approve", "support/2", *SAID, "--data", str(rows), "--force").code in {0, 3}


@pytest.mark.timeout(60)
def test_what_somebody_rejected_is_approved_by_force_only(
    settings: Settings, run: Run, encoder: Path
) -> None:
    for version in (1, 2):
        write_version(settings.models_path, encoder, version=version, labels="abc", rights=WELL)
    assert run("approve", "support/1", *SAID).code == 0
    assert run("reject", "support/2", "--by", "B. Other", "--reason", "rude to lords").code == 0
    refused = run("approve", "support/2", *SAID)
    assert refused.code == 1
    assert "support/2 was rejected by B. Other on 20" in refused.err
    assert "rude to lords; or overrule it (--force" in refused.err
    forced = run("approve", "support/2", *SAID, "--force")
    assert (forced.code, "was rejected by B. Other" in forced.out) == (0, True)
    assert written(settings, MODEL_DECISIONS)[-1]["forced"] is True
    assert run("approve", "support/1", *SAID).code == 0
    assert run("approve", "support/2", *SAID).code == 0, "the last word about it is an approval"


@pytest.mark.timeout(60)
def test_a_damaged_bundle_is_refused_and_no_force_helps(
    settings: Settings, run: Run, encoder: Path
) -> None:
    found = write_version(settings.models_path, encoder)
    golden = found.path / "golden.jsonl"
    golden.write_bytes(golden.read_bytes()[:-2])
    for force in ((), ("--force",)):
        refused = run("approve", "support/1", *SAID, *force)
        assert refused.code == 1
        assert "no --force helps" in refused.err
        assert "damaged" in refused.err
    assert "damaged" not in run("list").out, "a list looks at manifests only"
    (found.path / "manifest.json").write_text("{}")
    assert "support/1  damaged" in run("list").out


@pytest.mark.timeout(60)
def test_labels_that_are_gone_and_new_are_named(
    settings: Settings, run: Run, encoder: Path
) -> None:
    for version, labels in ((1, "abcd"), (2, "abce")):
        write_version(
            settings.models_path, encoder, version=version, labels=labels, rights=WELL * 2
        )
    assert run("approve", "support/1", *SAID).code == 0
    refused = run("approve", "support/2", *SAID)
    assert refused.code == 1
    assert "topic no longer gives d, and no label changes say so" in refused.err
    told = run("approve", "support/2", *SAID, "--force").out
    assert "topic no longer gives: d" in told
    assert "topic gives anew: e" in told


@pytest.mark.timeout(60)
async def test_of_two_people_who_decide_at_once_one_is_refused(
    settings: Settings, encoder: Path
) -> None:
    found = [write_version(settings.models_path, encoder, version=n) for n in (1, 2, 3)]
    await make_live(settings, found[0])
    seen = (await live_now(settings))["default"]
    publications = [approved(one.bundled, seen, SIGNED, forced=False) for one in found[1:]]
    ended = await asyncio.gather(
        *(publish(settings, one, Events()) for one in publications), return_exceptions=True
    )
    assert [type(one) for one in ended].count(DecidedMeanwhileError) == 1, ended
    decisions = await read_all(settings.kafka_bootstrap_servers, settings.topic(MODEL_DECISIONS))
    assert len(decisions) == 2, "the first one and one of the two"
    live = (await live_now(settings))["default"]
    assert live.version == json.loads(decisions[-1].value)["version"], "both topics or none"


@pytest.mark.timeout(60)
async def test_a_decision_about_what_is_no_longer_live_is_refused(
    settings: Settings, encoder: Path
) -> None:
    found = [write_version(settings.models_path, encoder, version=n) for n in (1, 2, 3)]
    await make_live(settings, found[0])
    seen = (await live_now(settings))["default"]
    await make_live(settings, found[1])
    late = approved(found[2].bundled, seen, SIGNED, forced=False)
    with pytest.raises(DecidedMeanwhileError, match=r"changed meanwhile to support/2"):
        await publish(settings, late, Events())
    assert (await live_now(settings))["default"].version == "2"


@pytest.mark.timeout(60)
async def test_another_name_for_the_same_tenant_takes_the_place_of_the_one_before(
    settings: Settings, encoder: Path
) -> None:
    old = write_version(settings.models_path, encoder, tenant="acme")
    new = write_version(settings.models_path, encoder, "fresh", "acme")
    everyone = write_version(settings.models_path, encoder, "general")
    for one in (old, everyone, new):
        await make_live(settings, one)
    live = await live_now(settings)
    assert {tenant: one.name for tenant, one in live.items()} == {
        "acme": "fresh",
        "default": "general",
    }
    assert (live["acme"].previous_name, live["acme"].previous_version) == ("support", "1")
    await roll_back(settings, "acme")
    assert (await live_now(settings))["acme"].name == "support"
    records = await read_all(settings.kafka_bootstrap_servers, settings.topic(MODEL_DEPLOYMENTS))
    assert [(one.key, one.value is None) for one in records] == [
        (b"acme/support", False),
        (b"default/general", False),
        (b"acme/fresh", False),
        (b"acme/support", True),
        (b"acme/support", False),
        (b"acme/fresh", True),
    ]


@pytest.mark.timeout(60)
async def test_a_tenant_has_a_live_model_of_each_kind_and_a_decision_about_one_leaves_the_other(
    settings: Settings,
) -> None:
    def bundle(name: str, version: str, kind: ModelKind) -> Bundled:
        return Bundled("acme", name, version, f"sha-{name}-{version}", "report", kind)

    for one in (
        bundle("support", "1", "text"),
        bundle("leaving", "1", "churn"),
        bundle("fresh", "1", "text"),
        bundle("leaving", "2", "churn"),
    ):
        await approve(settings, one)
    with pytest.raises(FatalError, match="leaving/2 is live for tenant acme as a churn model"):
        await approve(settings, bundle("leaving", "3", "text"))
    text, churn = [(await live_now(settings, kind))["acme"] for kind in KINDS]
    assert (text.name, churn.name, churn.version) == ("fresh", "leaving", "2")
    await roll_back(settings, "acme", "churn")
    text, churn = [(await live_now(settings, kind))["acme"] for kind in KINDS]
    assert (text.name, churn.version) == ("fresh", "1")
    await roll_back(settings, "acme")
    text, churn = [(await live_now(settings, kind))["acme"] for kind in KINDS]
    assert (text.name, churn.version) == ("support", "1")


@pytest.mark.timeout(60)
def test_a_model_of_calls_is_approved_beside_that_of_mail_and_refused_when_it_is_worse(
    settings: Settings, run: Run, encoder: Path
) -> None:
    left = [place % 3 == 0 for place in range(90)]
    well, badly = ([(one, 0.8 if one == is_right else 0.2) for one in left] for is_right in (1, 0))
    write_version(settings.models_path, encoder)
    for version, foretold in enumerate((well, well, badly, None), start=1):
        write_churn_version(settings.models_path, encoder, version=version, foretold=foretold)
    assert run("approve", "support/1", *SAID).code == 0
    first = run("approve", "leaving/1", *SAID)
    assert (first.code, "approved: leaving/1 for tenant default, calls" in first.out) == (0, True)
    second = run("approve", "leaving/2", *SAID)
    assert (second.code, "no difference beyond chance on 90 calls" in second.out) == (0, True)

    worse = run("approve", "leaving/3", *SAID)
    assert (worse.code, "significantly worse on 90 calls" in worse.err) == (1, True)
    assert "--force" in worse.err
    unknown = run("approve", "leaving/4", *SAID)
    assert (unknown.code, "the bundle keeps no answers" in unknown.err) == (1, True)
    forced = run("approve", "leaving/3", *SAID, "--force")
    assert forced.code == 0, forced
    last = written(settings, MODEL_DECISIONS)[-1]
    assert (last["version"], last["kind"], last["forced"]) == ("3", "churn", True)
    listed = [line.split("  ")[:4] for line in run("list").out.splitlines()]
    assert ["leaving/3", "tenant=default", "live", "churn=logistic"] in listed
    assert ["leaving/2", "tenant=default", "previous", "churn=logistic"] in listed
    assert ["support/1", "tenant=default", "live", "heads=topic(3)"] in listed
    shown = run("show", "leaving/3").out
    assert "tenant=default  live" in shown
    assert "age (number), words of the customer" in shown

    assert run("rollback", "leaving", *SAID).code == 0
    live = [asyncio.run(live_now(settings, kind))["default"] for kind in KINDS]
    assert [(one.name, one.version) for one in live] == [("support", "1"), ("leaving", "2")]
    again = run("rollback", "leaving", *SAID)
    assert (again.code, "approved before: leaving/1, leaving/3" in again.err) == (3, True)
    compared = run("compare", "leaving/2", "leaving/3", "--json")
    assert json.loads(compared.out)["is_significantly_worse"] is True
    mixed = run("compare", "support/1", "leaving/1")
    assert (mixed.code, "are of two kinds" in mixed.err) == (2, True)


@pytest.mark.timeout(60)
def test_a_model_of_calls_that_fails_its_golden_run_is_refused_and_no_force_helps(
    settings: Settings, run: Run, encoder: Path
) -> None:
    found = write_churn_version(settings.models_path, encoder)
    golden = found.path / "golden.jsonl"
    golden.write_text(golden.read_text().replace('"expected":{"fp32":0', '"expected":{"fp32":9'))
    write_manifest(
        found.path, msgspec.structs.replace(found.manifest, files=describe_files(found.path))
    )
    refused = run("approve", "leaving/1", *SAID, "--force")
    assert refused.code == 1
    assert "no --force helps" in refused.err
    assert "golden call 1" in refused.err


@pytest.mark.timeout(60)
def test_a_name_that_mail_uses_is_no_name_for_a_model_of_calls(
    settings: Settings, run: Run, encoder: Path
) -> None:
    write_version(settings.models_path, encoder)
    write_churn_version(settings.models_path, encoder, "support", version=2)
    assert run("approve", "support/1", *SAID).code == 0
    refused = run("approve", "support/2", *SAID, "--force")
    assert (refused.code, "needs another name" in refused.err) == (1, True)


def test_a_list_needs_no_kafka(settings: Settings, run: Run, encoder: Path) -> None:
    write_version(settings.models_path, encoder)
    listed = run("list", kafka_bootstrap_servers="127.0.0.1:1", kafka_connect_timeout_s="0.1")
    assert listed.code in (0, None)
    assert "support/1" in listed.out
    assert "what is live is not known" in listed.out
