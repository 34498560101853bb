"""Consent, input template and models by tenant, from `switchboard train` to the engine that serves."""

import asyncio
import dataclasses
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from models.bundle import load_bundle, resolve
from models.evaluate import evaluate_bundle
from models.rows.dataset import read_dataset
from models.train import DatasetError, TrainRequest, train
from stream.classify import Item
from stream.cli import main
from stream.cli.wiring import start_engine
from stream.engine import Engine
from stream.errors import FatalError, SettingsError
from stream.metrics import Metrics
from stream.outputs import Inbound
from stream.records import Source
from stream.settings import Settings

pytest.importorskip("scipy", reason="needs the extra heads")
pytest.importorskip("onnx", reason="needs the extra heads")

TEMPLATE = "{attributes.bank}\n{subject}\n{body}"
BANKS = {"card": "lost", "bill": "printer"}  # label -> words of the attribute that alone carries it
AGREES = "consent_to_training = true\n"


def silent(stage: str, done: int, total: int) -> None:
    """Nobody watches."""


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "240")


def of_tenants(path: Path, request: TrainRequest, *tenants: str | None) -> TrainRequest:
    """The rows of a request dealt out to tenants."""
    rows = [orjson.loads(line) for line in request.data[0].read_bytes().splitlines()]
    for place, row in enumerate(rows):
        row["tenant"] = tenants[place % len(tenants)]
    path.write_bytes(b"\n".join(map(orjson.dumps, rows)))
    return dataclasses.replace(request, data=[path])


# -- consent -------------------------------------------------------------------------------------


def test_rows_of_tenants_that_do_not_consent_are_left_out_of_every_file_and_counted(
    request_: TrainRequest, tmp_path: Path
) -> None:
    mixed = of_tenants(tmp_path / "mixed.jsonl", request_, "acme", "globex", None, "globex")
    tests = of_tenants(tmp_path / "test.jsonl", request_, "acme", None)
    mixed = dataclasses.replace(mixed, test=tests.data[0])
    asked: list[str] = []

    def consents(tenant: str) -> bool:
        asked.append(tenant)
        return tenant != "acme"

    report = train(dataclasses.replace(mixed, consents=consents), silent)
    assert (report.rows, report.test_rows) == (90, 60)
    assert report.refused_rows == {"acme": 30 + 60}
    assert report.other_tenants_rows == 0
    assert set(asked) == {"acme", "globex", "default"}
    assert len(asked) <= 3 * 3, "a tenant is asked once a file, not once a row"
    assert json.loads((Path(report.path) / "report.json").read_bytes())["refused_rows"] == {
        "acme": 90
    }


def test_a_row_without_a_tenant_is_of_the_tenant_that_is_trained_for(
    request_: TrainRequest, tmp_path: Path
) -> None:
    mixed = of_tenants(tmp_path / "mixed.jsonl", request_, None, "acme")
    for tenant in ("acme", "default"):
        with pytest.raises(DatasetError, match=rf"all 120 are of tenants.*\({tenant} 1?[26]0"):
            train(dataclasses.replace(mixed, tenant=tenant, consents=lambda _: False), silent)


def test_nothing_but_refused_rows_is_an_error_with_the_way_out(
    request_: TrainRequest, tmp_path: Path
) -> None:
    mixed = of_tenants(tmp_path / "mixed.jsonl", request_, "acme", "acme", "globex")
    with pytest.raises(DatasetError) as caught:
        train(dataclasses.replace(mixed, consents=lambda _: False), silent)
    for words in ("all 120", "acme 80, globex 40", "consent_to_training"):
        assert words in str(caught.value)
    assert not (request_.models_dir / "support").exists()


@pytest.fixture
def typed(
    request_: TrainRequest, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """`switchboard train` as a user types it; gives what it printed."""

    def call(data: Path, *arguments: str) -> str:
        own = [
            "train", "--name", "support", "--data", str(data), "--models-dir",
            str(request_.models_dir), "--base-model", str(request_.base_model),
            "--max-length-tokens", "32", *arguments,
        ]  # fmt: skip
        monkeypatch.setattr(sys, "argv", ["switchboard", *own])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        assert ended.value.code == 0, told.err
        return told.out

    return call


def test_the_command_asks_the_tenants_file_and_says_whose_rows_it_left_out(
    request_: TrainRequest, tmp_path: Path, typed: Callable[..., str]
) -> None:
    mixed = of_tenants(tmp_path / "mixed.jsonl", request_, "acme", "globex", "new")
    assert "no consent" not in typed(mixed.data[0])
    (tmp_path / "tenants.toml").write_text(
        f"[tenants.acme]\nconsent_to_training = false\n[tenants.globex]\n{AGREES}"
    )
    told = typed(mixed.data[0])
    assert "80 rows left out, no consent to training: acme 40, new 40" in told


# -- one input template --------------------------------------------------------------------------


def bank_rows(path: Path, count: int = 120) -> Path:
    """Rows whose label is in an attribute and nowhere else."""
    rows = [
        {
            "id": str(place),
            "subject": "hello" if place % 3 else None,
            "body": f"please help me {place * 'y'}z",
            "attributes": {"bank": BANKS[label], "other": "refund"},
            "labels": {"queue": label},
        }
        for place in range(count)
        for label in [list(BANKS)[place % 2]]
    ]
    path.write_bytes(b"\n".join(map(orjson.dumps, rows)))
    return path


def mails_of(rows: Path, tenant: str = "default") -> list[Item]:
    """The rows as mails that come from Kafka."""
    return [
        Item(
            Inbound(
                Source(topic="inbound-emails", partition=0, offset=place),
                None,
                orjson.dumps({**orjson.loads(line), "tenant": tenant}),
                (),
            ),
            0,
        )
        for place, line in enumerate(rows.read_bytes().splitlines())
    ]


async def answered(engine: Engine, items: Sequence[Item]) -> list[str]:
    await engine.read(items)
    await engine.compute(items)
    engine.close()
    return [item.answers["queue"].labels[0][0] for item in items]


def engine_for(models_dir: Path, names: Sequence[str] = (), **settings: Any) -> Engine:
    own = Settings(models_dir=models_dir, encode_threads=1, execution_providers="cpu", **settings)
    return start_engine(own, names, Metrics())


def test_an_attribute_that_carries_the_label_reaches_the_model_alike_in_training_and_serving(
    request_: TrainRequest, tmp_path: Path, typed: Callable[..., str]
) -> None:
    data = bank_rows(tmp_path / "banks.jsonl")
    typed(data, "--template", TEMPLATE.replace("\n", "\\n"))
    bundle = load_bundle(resolve(request_.models_dir, "support"))
    assert bundle.manifest.input_template == TEMPLATE
    fresh = bank_rows(tmp_path / "fresh.jsonl", 20)
    rows, items = read_dataset([fresh]).rows, mails_of(fresh)
    wanted = [str(row.labels["queue"]) for row in rows]
    assert asyncio.run(answered(engine_for(request_.models_dir, ["support"]), items)) == wanted
    assert [item.text for item in items] == [row.text(TEMPLATE) for row in rows]
    assert evaluate_bundle(bundle, rows, 1)["queue"].accuracy == 1.0
    assert bundle.golden_failure() is None, "golden rows are joined by the same template"


def test_a_template_without_the_attribute_reads_nothing_of_it(
    request_: TrainRequest, tmp_path: Path, typed: Callable[..., str]
) -> None:
    data = bank_rows(tmp_path / "banks.jsonl")
    typed(data)
    items = mails_of(data)
    found = asyncio.run(answered(engine_for(request_.models_dir, ["support"]), items))
    wanted = [row.labels["queue"] for row in read_dataset([data]).rows]
    assert found != wanted, "there is nothing to know it by"
    assert not any(word in item.text for item in items for word in BANKS.values())


# -- models by tenant ----------------------------------------------------------------------------


@pytest.fixture
def two_models(request_: TrainRequest) -> Path:
    """`support` for all, `acme-support` for acme, both around one encoder."""
    train(request_, silent)
    train(dataclasses.replace(request_, name="acme-support", tenant="acme"), silent)
    return request_.models_dir


def test_models_that_tenants_name_are_loaded_beside_the_others_and_share_their_session(
    two_models: Path, tmp_path: Path
) -> None:
    path = tmp_path / "tenants.toml"
    path.write_text(
        f"[tenants.acme]\nmodel = 'acme-support/1'\n{AGREES}[tenants.globex]\nmodel = 'support'\n{AGREES}"
    )
    engine = engine_for(two_models, ["support"])
    engine.close()
    acme, globex, other = map(engine.bundle_for, ("acme", "globex", "other"))
    assert acme is not None
    assert globex is not None
    assert (acme.name, globex.name) == ("acme-support", "support")
    assert globex is other, "a model is loaded once"
    assert acme.encoder is globex.encoder


def test_models_of_the_tenants_file_are_enough_to_start_and_answer_nobody_else(
    two_models: Path, tmp_path: Path
) -> None:
    (tmp_path / "tenants.toml").write_text(f"[tenants.acme]\nmodel = 'support'\n{AGREES}")
    engine = engine_for(two_models)
    engine.close()
    assert engine.bundle_for("acme") is not None
    assert engine.bundle_for("globex") is None


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        (f"[tenants.acme]\nmodel = 'absent'\n{AGREES}", FatalError, "no model 'absent'"),
        (f"[tenants.globex]\nmodel = 'acme-support'\n{AGREES}", SettingsError, "'acme' alone"),
        (f"[tenants.acme]\n{AGREES}", SettingsError, "no model is named"),
        (
            f"[tenants.acme]\nmodel = 'support'\nabstain_below = {{ topics = 0.5 }}\n{AGREES}",
            SettingsError,
            "no such head; write one of tags, topic",
        ),
    ],
)
def test_a_model_that_cannot_answer_is_a_refusal_to_start(
    two_models: Path, tmp_path: Path, text: str, error: type[Exception], words: str
) -> None:
    (tmp_path / "tenants.toml").write_text(text)
    with pytest.raises(error, match=words):
        engine_for(two_models)
