"""Trains churn models from files to bundles that serve, around a tiny random encoder."""

import dataclasses
import json
import random
import shutil
from pathlib import Path

import numpy as np
import orjson
import pytest

from models.bundle import BundleError, load_bundle
from models.churn.answers import read_churn_answers
from models.churn.compare import compare_churn, kept_churn_answers
from models.churn.dataset import ChurnFiles
from models.churn.golden import read_golden_calls
from models.churn.report import ChurnReport, ChurnRequest
from models.churn.vectors import CallSums
from models.manifest import _sealed
from models.rows.errors import DatasetError
from models.tracking.tracker import CANDIDATE, open_tracker
from models.train_churn import train_churn

pytest.importorskip("skl2onnx", reason="needs the extra churn")

# Each trains for some seconds, on busy cores for more.
pytestmark = pytest.mark.timeout(120)

CONTENT = ("thanks my card works", "the invoice is right thanks")
ANGRY = ("my card is lost again", "why is the invoice not right")
NEUTRAL = ("hello", "my invoice", "the card")


def silent(*_: object) -> None:
    """Nobody watches."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> ChurnFiles:
    """240 customers: who is new and angry leaves. Every tenth call is of a customer without a profile."""
    folder = tmp_path_factory.mktemp("rows")
    draw = random.Random(5)
    profiles, calls, outcomes = ["customer_id,tenure,plan"], [], ["call_id,churned"]
    for place in range(240):
        is_new, is_angry = draw.random() < 0.5, draw.random() < 0.5
        if place % 10:
            tenure = "" if place % 7 == 0 else draw.randint(1, 20) + (0 if is_new else 25)
            profiles.append(f"T{place},{tenure},{draw.choice(('basic', 'extra'))}")
        said = [
            draw.choice(NEUTRAL),
            *draw.choices(ANGRY if is_angry else CONTENT, k=draw.randint(1, 5)),
        ]
        calls += [
            {
                "call_id": f"c{place}",
                "seq": seq,
                "customer_id": f"T{place}",
                "speaker": "customer" if seq % 3 else "agent",
                "text": f"zebrafinch {text}",
            }
            for seq, text in enumerate(said)
        ]
        chance = 0.1 + 0.4 * is_new + 0.4 * is_angry
        outcomes.append(f"c{place},{'yes' if draw.random() < chance else 'no'}")
    (folder / "profiles.csv").write_text("\n".join(profiles))
    (folder / "calls.jsonl").write_text("\n".join(map(json.dumps, calls)))
    (folder / "outcomes.csv").write_text("\n".join(outcomes))
    (folder / "both.toml").write_text(
        'numerical = ["tenure"]\ncategorical = ["plan"]\ntextual = ["customer", "agent"]\n'
    )
    return ChurnFiles(
        folder / "both.toml",
        folder / "outcomes.csv",
        folder / "profiles.csv",
        folder / "calls.jsonl",
    )


@pytest.fixture(scope="module")
def request_(
    files: ChurnFiles, base: Path, tmp_path_factory: pytest.TempPathFactory
) -> ChurnRequest:
    return ChurnRequest(
        name="leaving",
        models_dir=tmp_path_factory.mktemp("models"),
        files=files,
        base_model=str(base),
        max_length_tokens=32,
        precisions=("int8", "fp32"),
    )


@pytest.fixture(scope="module")
def report(request_: ChurnRequest) -> ChurnReport:
    return train_churn(request_, silent, silent)


def with_features(request: ChurnRequest, toml: str, tmp_path: Path) -> ChurnRequest:
    path = tmp_path / "features.toml"
    path.write_text(toml)
    return dataclasses.replace(request, files=dataclasses.replace(request.files, features=path))


def test_profiles_and_calls_become_a_bundle_that_serves(report: ChurnReport) -> None:
    bundle = load_bundle(Path(report.path))
    assert (bundle.kind, bundle.heads, bundle.manifest.format_version) == ("churn", (), 3)
    assert bundle.churn is not None
    model = bundle.churn
    told = []
    for texts in (CONTENT, ANGRY):
        rows = [text.ids for text in bundle.encoder.tokenize([f"zebrafinch {x}" for x in texts])]
        total = model.project(bundle.encoder.embed(rows)).sum(axis=0)
        call = CallSums(total, np.zeros_like(total), len(rows), 0)
        profile = {"tenure": 5.0, "plan": "basic"}
        told.append(model.probabilities(model.space.vectors([(profile, call), (None, call)])))
    content, angry = told
    assert content.shape == (2,)
    assert angry[0] >= content[0] + 0.1
    assert report.figures.early[-1].roc_auc > report.figures.early[0].roc_auc


def test_the_same_rows_and_seed_give_the_same_model(
    request_: ChurnRequest, report: ChurnReport
) -> None:
    again = train_churn(dataclasses.replace(request_, threads=2), silent, silent)
    for name in ("churn.onnx", "answers.jsonl", "golden.jsonl"):
        assert (Path(again.path) / name).read_bytes() == (Path(report.path) / name).read_bytes()


def test_what_is_kept_back_is_answered_by_the_graph_that_serves(report: ChurnReport) -> None:
    answers = read_churn_answers(Path(report.path) / "answers.jsonl")
    assert len(answers) == report.test_calls == report.figures.calls
    assert all(
        one.fragments[0] == 0 and len(one.fragments) == len(one.probabilities) for one in answers
    )
    assert all(0 <= chance <= 1 for one in answers for chance in one.probabilities)
    same = compare_churn(
        kept_churn_answers(Path(report.path)), kept_churn_answers(Path(report.path))
    )
    assert (same.calls, same.verdict) == (report.test_calls, "no difference")


def test_no_word_and_no_name_of_the_rows_is_in_the_bundle(report: ChurnReport) -> None:
    marks = (b"zebrafinch", b'"T1', b'"c1', b"/rows")
    for path in Path(report.path).iterdir():
        if path.is_file():
            assert not [mark for mark in marks if mark in path.read_bytes()], path.name


def test_the_page_needs_nothing_else(report: ChurnReport) -> None:
    page = (Path(report.path) / "report.html").read_text()
    assert "default-src 'none'" in page
    assert "How early" in page
    assert "<script" not in page


def copied(report: ChurnReport, tmp_path: Path) -> Path:
    shutil.copytree(report.path, tmp_path / "copy")
    return tmp_path / "copy"


# What MLflow does with SQLAlchemy 2.1 is for MLflow to mend.
@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")
def test_a_training_of_calls_is_a_run_and_a_registered_version(
    request_: ChurnRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mlflow = pytest.importorskip("mlflow", reason="needs the extra mlflow")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    tracker = open_tracker(uri, request_.name, pytest.fail)
    asked = with_features(request_, 'numerical = ["tenure"]\ncategorical = ["plan"]\n', tmp_path)
    made = train_churn(asked, silent, silent, tracker)
    client = mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)
    version = client.get_model_version_by_alias("leaving", CANDIDATE)
    assert version.tags["switchboard.version"] == made.version
    run = client.get_run(version.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["recipe"] == "churn"
    assert {run.data.params[f"train.{place}"].split(",")[0] for place in (0, 1, 2)} == {
        "profiles.csv", "calls.jsonl", "outcomes.csv",
    }  # fmt: skip
    assert run.data.metrics["test/churn.roc_auc"] == made.figures.main()["roc_auc"]

    with pytest.raises(DatasetError):
        train_churn(with_features(asked, "numerical = []", tmp_path), silent, silent, tracker)
    failed, *_ = client.search_runs([run.info.experiment_id])
    assert (failed.info.status, failed.data.tags["switchboard.error"]) == ("FAILED", "DatasetError")


def test_a_damaged_graph_never_serves(report: ChurnReport, tmp_path: Path) -> None:
    path = copied(report, tmp_path)
    graph = path / "churn.onnx"
    content = bytearray(graph.read_bytes())
    content[len(content) // 2] ^= 1
    graph.write_bytes(content)
    with pytest.raises(BundleError, match=r"churn\.onnx is damaged"):
        load_bundle(path)
    graph.unlink()
    with pytest.raises(BundleError, match=r"churn\.onnx is damaged: it is missing"):
        load_bundle(path)


def test_another_calibration_is_found_by_the_golden_calls(
    report: ChurnReport, tmp_path: Path
) -> None:
    path = copied(report, tmp_path)
    content = orjson.loads((path / "manifest.json").read_bytes())
    del content["manifest_sha256"]
    content["churn"]["intercept"] += 2.0
    (path / "manifest.json").write_bytes(_sealed(content))
    with pytest.raises(BundleError, match=r"golden call 1 .* probability"):
        load_bundle(path)


def test_golden_calls_hear_somebody_and_know_unknown_profiles(report: ChurnReport) -> None:
    calls = read_golden_calls(Path(report.path) / "golden.jsonl")
    assert calls[0].profile is None
    assert {len(call.customer) + len(call.agent) for call in calls} == {0, 1, 2, 3, 4, 5}
    assert all(call.expected.keys() == {"int8", "fp32"} for call in calls)


def test_a_model_of_profiles_alone_sums_nothing(request_: ChurnRequest, tmp_path: Path) -> None:
    asked = with_features(request_, 'numerical = ["tenure"]\ncategorical = ["plan"]\n', tmp_path)
    stages: list[str] = []
    made = train_churn(asked, lambda stage, *_: stages.append(stage), silent)
    assert list(dict.fromkeys(stages)) == ["read", "encoder", "fit", "measure", "write", "check"]
    assert made.figures.early == ()
    model = load_bundle(Path(made.path)).churn
    assert model is not None
    assert model.project(np.ones((3, 16), np.float32)).shape == (3, 0)


def test_a_model_of_words_alone_asks_for_no_profile(request_: ChurnRequest, tmp_path: Path) -> None:
    asked = with_features(request_, 'textual = ["customer"]\n', tmp_path)
    files = dataclasses.replace(asked.files, profiles=None)
    made = train_churn(dataclasses.replace(asked, files=files), silent, silent)
    model = load_bundle(Path(made.path)).churn
    assert model is not None
    assert model.space.columns[-1] == "customer:fragments"
    assert len(model.space.columns) == 17


def test_little_is_said_before_anything_long_begins(request_: ChurnRequest) -> None:
    heard: list[str] = []

    def warn(message: str) -> None:
        heard.append(message)

    def stop(stage: str, done: int, _: int) -> None:
        if stage == "encoder":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_churn(request_, stop, warn)
    assert any("only 240 outcomes" in one for one in heard)


def test_a_search_without_its_library_says_what_to_install(
    request_: ChurnRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = __import__("importlib.util").util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if name == "optuna" else found(name)
    )
    with pytest.raises(DatasetError, match=r"--search 2 needs optuna: pip install .*\[train\]"):
        train_churn(dataclasses.replace(request_, search=2), silent, silent)


def test_a_search_tries_what_it_was_asked_for_and_repeats_itself(request_: ChurnRequest) -> None:
    pytest.importorskip("optuna", reason="needs the extra train")
    first, second = (
        train_churn(dataclasses.replace(request_, search=3), silent, silent) for _ in range(2)
    )
    assert len(first.trials) == 6
    assert first.trials == second.trials
    assert min(one.log_loss for one in first.trials) == min(
        one.validation_log_loss for one in first.candidates
    )
