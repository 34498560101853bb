"""A training in MLflow, around a real SQLite file and without a server."""

import hashlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from models.tracking.tracker import CANDIDATE, CHAMPION, open_tracker, set_alias
from models.train import train
from models.training.report import TrainReport, TrainRequest
from tests.fakes import write_tiny_rows

pytest.importorskip("mlflow", reason="needs the extra mlflow")
pytest.importorskip("scipy", reason="needs the extra heads")

from mlflow import MlflowClient

from models.tracking.mlflow_tracker import (
    ERROR_TAG,
    HOST_TAG,
    MANIFEST_TAG,
    PROCESS_TAG,
    VERSION_TAG,
    MlflowTracker,
)

pytestmark = [
    pytest.mark.timeout(120),
    # What MLflow does with SQLAlchemy 2.1 is for MLflow to mend.
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
]


@dataclass(frozen=True)
class Filed:
    """Two trainings of one name, filed one after the other."""

    uri: str
    client: MlflowClient
    reports: tuple[TrainReport, TrainReport]


@pytest.fixture(scope="module", autouse=True)
def quiet() -> Iterator[None]:
    """What the tracker sets in the environment ends with these tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        patch.setenv("MLFLOW_LOGGING_LEVEL", "WARNING")
        patch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        patch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "5")
        yield


@pytest.fixture(scope="module")
def filed(tmp_path_factory: pytest.TempPathFactory, base: Path) -> Filed:
    folder = tmp_path_factory.mktemp("tracked")
    uri = f"sqlite:///{folder / 'runs' / 'mlflow.db'}"
    request = TrainRequest(
        name="support",
        models_dir=folder / "models",
        data=[write_tiny_rows(folder / "rows.jsonl")],
        base_model=str(base),
        max_length_tokens=32,
        threads=1,
        min_label_rows=5,
    )
    first, second = (follow(uri, replace(request, seed=seed)) for seed in (0, 1))
    return Filed(uri, MlflowClient(tracking_uri=uri, registry_uri=uri), (first, second))


def follow(uri: str, request: TrainRequest) -> TrainReport:
    """Train, with epochs told on the way as recipes do that have some."""
    tracker = open_tracker(uri, request.name, pytest.fail)

    def watch(stage: str, done: int, total: int) -> None:
        if (stage, done) == ("encoder", 0):
            for number in (1, 2, 3):
                tracker.epoch(number, {"loss": 1 / number, "topic.accuracy": 0.5 + number / 10})

    return train(request, watch, tracker)


def test_a_run_has_what_was_asked_for_and_the_metrics_of_each_epoch(filed: Filed) -> None:
    experiment = filed.client.get_experiment_by_name("support")
    assert experiment is not None
    second, first = filed.client.search_runs([experiment.experiment_id])
    assert {first.info.status, second.info.status} == {"FINISHED"}
    assert first.data.params["recipe"] == "quick"
    assert (first.data.params["seed"], second.data.params["seed"]) == ("0", "1")
    rows_sha256 = hashlib.sha256(
        (Path(filed.reports[0].path).parents[2] / "rows.jsonl").read_bytes()
    ).hexdigest()
    assert first.data.params["train.0"] == f"rows.jsonl, 120 rows, sha256 {rows_sha256}"
    losses = filed.client.get_metric_history(first.info.run_id, "loss")
    assert [(metric.step, metric.value) for metric in losses] == [(1, 1.0), (2, 0.5), (3, 1 / 3)]
    topic = next(head for head in filed.reports[0].heads if head.name == "topic")
    assert topic.figures is not None
    assert first.data.metrics["test/topic.macro_f1"] == topic.figures.macro_f1


def test_artefacts_lie_beside_the_file_and_hold_neither_texts_nor_encoders(filed: Filed) -> None:
    version = filed.client.get_model_version_by_alias("support", CANDIDATE)
    run = filed.client.get_run(version.run_id)
    folder = Path(unquote(urlsplit(run.info.artifact_uri).path))
    assert folder.is_relative_to(Path(filed.uri.removeprefix("sqlite:///")).parent)
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {"bundle/manifest.json", "bundle/report.json", "confusion/topic.csv"} <= found
    assert sum((folder / name).stat().st_size for name in found) < 500_000
    database = Path(filed.uri.removeprefix("sqlite:///"))
    for path in (database, *(folder / name for name in found)):
        assert b"where is my" not in path.read_bytes(), path
    header = (folder / "confusion" / "topic.csv").read_text("utf-8").splitlines()[0]
    assert header.startswith("truth,")


def test_every_bundle_is_a_version_tied_to_it_by_its_manifest(filed: Filed) -> None:
    versions = filed.client.search_model_versions("name='support'")
    by_tag = {version.tags[VERSION_TAG]: version for version in versions}
    assert set(by_tag) == {report.version for report in filed.reports} == {"1", "2"}
    for report in filed.reports:
        manifest = (Path(report.path) / "manifest.json").read_bytes()
        assert by_tag[report.version].tags[MANIFEST_TAG] == hashlib.sha256(manifest).hexdigest()
    newest = filed.client.get_model_version_by_alias("support", CANDIDATE)
    assert newest.tags[VERSION_TAG] == "2"


def champion(filed: Filed) -> str:
    found = filed.client.get_model_version_by_alias("support", CHAMPION)
    return found.tags[VERSION_TAG]


def test_approval_moves_the_champion_and_rollback_moves_it_back(filed: Filed) -> None:
    assert set_alias(filed.uri, "support", "1", CHAMPION, pytest.fail)
    assert set_alias(filed.uri, "support", "2", CHAMPION, pytest.fail)
    assert champion(filed) == "2"
    assert CANDIDATE not in filed.client.get_registered_model("support").aliases
    assert set_alias(filed.uri, "support", "1", CHAMPION, pytest.fail)
    assert champion(filed) == "1"
    assert set_alias(filed.uri, "support", "2", CANDIDATE, pytest.fail)
    assert set_alias(filed.uri, "support", "2", None, pytest.fail)
    assert set(filed.client.get_registered_model("support").aliases) == {CHAMPION}
    assert champion(filed) == "1"


def test_an_alias_for_a_version_that_nobody_filed_is_a_warning(filed: Filed) -> None:
    warnings: list[str] = []
    assert not set_alias(filed.uri, "support", "9", CHAMPION, warnings.append)
    assert not set_alias(filed.uri, "unheard", "1", CHAMPION, warnings.append)
    assert "support/9 not set" in warnings[0]
    assert f"{VERSION_TAG}=9; train with tracking" in warnings[0]
    assert "unheard" in warnings[1]


def test_a_training_that_fails_closes_its_run_without_its_message(
    filed: Filed, request_: TrainRequest
) -> None:
    tracker = open_tracker(filed.uri, "broken", pytest.fail)
    with pytest.raises(ValueError, match="not allowed"):
        train(replace(request_, name="../up"), lambda *_: None, tracker)
    experiment = filed.client.get_experiment_by_name("broken")
    assert experiment is not None
    (run,) = filed.client.search_runs([experiment.experiment_id])
    assert run.info.status == "FAILED"
    assert run.data.tags[ERROR_TAG] == "BundleError"
    assert "not allowed" not in str(run.to_dictionary())


def killed() -> int:
    """The number of a process that was killed a moment ago."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    process.kill()
    process.wait()
    return process.pid


def test_the_next_training_closes_runs_whose_process_was_killed_and_no_others(
    filed: Filed, request_: TrainRequest
) -> None:
    tracker = MlflowTracker(filed.uri, "orphans")
    tracker.started(request_)
    experiment = filed.client.get_experiment_by_name("orphans")
    assert experiment is not None
    [mine] = filed.client.search_runs([experiment.experiment_id])
    elsewhere = {HOST_TAG: "another.example", PROCESS_TAG: str(killed())}
    others = {
        name: filed.client.create_run(experiment.experiment_id, tags=tags).info.run_id
        for name, tags in {
            "killed": {HOST_TAG: mine.data.tags[HOST_TAG], PROCESS_TAG: str(killed())},
            "alive": {HOST_TAG: mine.data.tags[HOST_TAG], PROCESS_TAG: str(os.getppid())},
            "elsewhere": elsewhere,
            "of an older program": {},
        }.items()
    }
    tracker.started(request_)
    status = {name: filed.client.get_run(run).info.status for name, run in others.items()}
    assert status.pop("killed") == "KILLED"
    assert set(status.values()) == {"RUNNING"}, status


def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def test_tracking_that_does_not_work_leaves_the_training_alone(
    request_: TrainRequest, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    server = f"http://me:hidden@127.0.0.1:{closed_port()}"
    for uri in (server, f"sqlite:///{tmp_path / 'file' / 'runs.db'}", "nonsense://x"):
        warnings: list[str] = []
        tracker = open_tracker(uri, "support", warnings.append)
        report = train(request_, lambda *_: None, tracker)
        assert Path(report.path).is_dir()
        (warning,) = warnings
        assert uri.replace("me:hidden@", "") in warning
        assert "hidden" not in warning
