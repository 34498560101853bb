"""Recipe `balanced` from files to a bundle that serves, around a tiny random encoder; and what a kill leaves."""

import dataclasses
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import orjson
import pytest

pytest.importorskip("torch", reason="needs the extra train")
pytest.importorskip("transformers", reason="needs the extra train")

from models.bundle import load_bundle, resolve
from models.rows.label_changes import LabelChanges
from models.train import DatasetError, TrainRequest, train
from models.training.report import TrainReport
from models.tuning.search import FAILED, best_trial, search_settings
from models.tuning.settings import TuneSettings

pytestmark = [pytest.mark.train, pytest.mark.timeout(120)]

# Trains as the fixtures ask, and kills itself at a step of the tuning when told one.
SCRIPT = """
import os, signal, sys
from pathlib import Path
from models.train import TrainRequest, train
models_dir, rows, base, step = sys.argv[1:]
def progress(stage, done, total):
    if step and stage == "tune" and done == int(step):
        os.kill(os.getpid(), signal.SIGKILL)
request = TrainRequest(
    name="support", models_dir=Path(models_dir), data=[Path(rows)], base_model=base, max_length_tokens=32,
    threads=1, min_label_rows=5, recipe="balanced", providers=["cpu"])
print(train(request, progress).tuning.notes)
"""


def silent(stage: str, done: int, total: int) -> None:
    """Nobody watches."""


class Listener:
    """A tracker that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[object] = []
        self.epochs: dict[int, Mapping[str, float]] = {}

    def started(self, request: TrainRequest) -> None:
        self.told.append("started")

    def epoch(self, number: int, figures: Mapping[str, float]) -> None:
        self.epochs[number] = figures

    def finished(self, bundle: Path, report: TrainReport) -> None:
        self.told.append(bundle.name)

    def failed(self, error: BaseException) -> None:
        self.told.append(type(error).__name__)


@pytest.fixture
def balanced(request_: TrainRequest) -> TrainRequest:
    return dataclasses.replace(request_, recipe="balanced", providers=["cpu"], threads=1)


def test_balanced_tunes_chooses_on_unseen_rows_and_serves(balanced: TrainRequest) -> None:
    stages: list[str] = []
    listener = Listener()
    report = train(balanced, lambda stage, *_: stages.append(stage), listener)
    assert list(dict.fromkeys(stages)) == [
        "read", "encoder", "embed", "heads", "tune", "export", "embed tuned", "tuned heads", "write", "check",
    ]  # fmt: skip
    tuning = report.tuning
    assert tuning is not None
    assert tuning.device == "cpu"
    assert tuning.rows > 2 * tuning.check_rows > 20
    assert [epoch.number for epoch in tuning.epochs] == sorted(listener.epochs)
    assert {"loss", "learning_rate", "topic.loss", "topic.accuracy", "tags.accuracy"} <= set(
        listener.epochs[1]
    )
    assert listener.told == ["started", "1"]
    topic, tags = sorted(report.heads, key=lambda head: head.name, reverse=True)
    assert topic.figures is not None
    assert topic.figures.accuracy >= 0.9
    assert topic.chosen_on_rows <= tuning.check_rows
    assert len(topic.candidates) == len(tags.candidates) == 1, "what is read was chosen before"
    bundle = load_bundle(resolve(balanced.models_dir, "support"))
    assert bundle.manifest.training.recipe == "balanced"
    assert not list((balanced.models_dir / ".training").iterdir()), "the bundle holds the result"


def test_a_tuning_that_makes_it_worse_is_told_and_does_not_serve(
    balanced: TrainRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the rows of these tests are so easy that no tuning is worse: the figures are given
    figures = iter([0.5, 0.9])
    monkeypatch.setattr("models.train.chosen_figure", lambda _: next(figures))
    report = train(balanced, lambda *_: None)
    assert report.tuning is not None
    assert "the encoder serves as it was" in " ".join(report.tuning.notes)
    frozen = train(dataclasses.replace(balanced, name="frozen", recipe="quick"), lambda *_: None)
    tuned, quick = (load_bundle(Path(one.path)).manifest for one in (report, frozen))
    assert tuned.encoder.sha256 == quick.encoder.sha256
    assert tuned.metrics == quick.metrics


def run_script(
    balanced: TrainRequest, models_dir: Path, step: str
) -> subprocess.CompletedProcess[str]:
    arguments = [str(models_dir), str(balanced.data[0]), str(balanced.base_model), step]
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONHASHSEED": "0"},
    )  # fmt: skip


@pytest.mark.timeout(240)
def test_a_killed_training_leaves_no_bundle_and_ends_in_the_same_weights(
    balanced: TrainRequest, tmp_path: Path
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    train(dataclasses.replace(balanced, models_dir=whole), silent)
    assert run_script(balanced, killed, "3").returncode == -signal.SIGKILL
    assert not (killed / "support").exists(), "nothing that looks like a bundle"
    assert list((killed / ".training").glob("*/checkpoint.pt"))
    resumed = run_script(balanced, killed, "")
    assert resumed.returncode == 0, resumed.stderr
    assert "went on from a checkpoint at step 2" in resumed.stdout
    for name in ("heads.safetensors", "encoder/fp32.onnx", "encoder/int8.onnx", "golden.jsonl"):
        first, second = (home / "support" / "1" / name for home in (whole, killed))
        assert first.read_bytes() == second.read_bytes(), name
    assert not list((killed / ".training").iterdir())


def test_another_request_does_not_go_on_from_this_ones_checkpoint(balanced: TrainRequest) -> None:
    def stop(stage: str, done: int, total: int) -> None:
        if (stage, done) == ("tune", 3):
            raise KeyboardInterrupt

    listener = Listener()
    with pytest.raises(KeyboardInterrupt, match="give the same command again"):
        train(balanced, stop, listener)
    assert listener.told == ["started", "KeyboardInterrupt"]
    assert list((balanced.models_dir / ".training").glob("*/checkpoint.pt")), "Ctrl-C keeps it"
    other = train(dataclasses.replace(balanced, seed=1), silent)
    assert other.tuning is not None
    assert other.tuning.notes == ()
    same = train(balanced, silent)
    assert same.tuning is not None
    assert same.tuning.notes == ("went on from a checkpoint at step 2 of 3",)


def test_a_search_names_its_trials_and_the_winner_serves(balanced: TrainRequest) -> None:
    report = train(dataclasses.replace(balanced, search=3), silent)
    tuning = report.tuning
    assert tuning is not None
    assert [trial.number for trial in tuning.trials] == [0, 1, 2]
    scores = [trial.score for trial in tuning.trials]
    assert tuning.winner == scores.index(max(scores))
    winner = tuning.trials[tuning.winner].settings
    assert {name: tuning.settings[name] for name in winner} == winner


def test_a_search_of_quick_tries_more_penalties(request_: TrainRequest) -> None:
    plain = train(request_, silent)
    searched = train(dataclasses.replace(request_, search=4), silent)
    for few, many in zip(plain.heads, searched.heads, strict=True):
        assert set(few.candidates) < set(many.candidates)


def test_a_killed_search_replays_its_journal(tmp_path: Path) -> None:
    judged: list[int] = []

    def judge(number: int, settings: TuneSettings) -> float:
        judged.append(number)
        return -abs(settings.learning_rate - 1e-4)

    for name in "ab":
        (tmp_path / name).mkdir()
    whole = search_settings(TuneSettings(), 6, 0, judge, tmp_path / "a")
    search_settings(TuneSettings(), 3, 0, judge, tmp_path / "b")
    judged.clear()
    assert search_settings(TuneSettings(), 6, 0, judge, tmp_path / "b") == whole
    assert judged == [3, 4, 5]
    settings, trials = whole
    assert trials[0].settings["learning_rate"] == TuneSettings().learning_rate
    assert settings.learning_rate in [trial.settings["learning_rate"] for trial in trials]


def test_a_trial_that_failed_is_worse_than_any_and_stays_so_in_the_journal(tmp_path: Path) -> None:
    judged: list[int] = []

    def judge(number: int, settings: TuneSettings) -> float:
        judged.append(number)
        return FAILED if number == 0 else -1e9 - settings.learning_rate

    settings, trials = search_settings(TuneSettings(), 3, 0, judge, tmp_path)
    assert [trial.score is None for trial in trials] == [True, False, False]
    assert best_trial(trials).number > 0
    assert settings.learning_rate == trials[best_trial(trials).number].settings["learning_rate"]
    assert search_settings(TuneSettings(), 3, 0, judge, tmp_path) == (settings, trials)
    assert judged == [0, 1, 2]


def test_a_search_without_rows_to_choose_on_is_refused(
    balanced: TrainRequest, tmp_path: Path
) -> None:
    rows = [orjson.loads(line) for line in balanced.data[0].read_bytes().splitlines()]
    one = tmp_path / "one.jsonl"
    one.write_bytes(b"\n".join(orjson.dumps(row | {"customer_id": "one"}) for row in rows[:90]))
    test = tmp_path / "test.jsonl"
    test.write_bytes(b"\n".join(map(orjson.dumps, rows[90:])))
    request = dataclasses.replace(balanced, data=[one], test=test, search=2)
    with pytest.raises(DatasetError, match="search=2 has no rows to choose on"):
        train(request, silent)
    report = train(dataclasses.replace(request, search=0, target_precision=0.9), silent)
    (tags, topic) = sorted(report.heads, key=lambda head: head.name)
    assert (tags.chosen_on_rows, topic.chosen_on_rows) == (0, 0)
    assert min(tags.abstain_below, topic.abstain_below) > 1
    for name in ("tags", "topic"):
        words = f"head '{name}': too few rows to choose on, so its confidence is uncalibrated and it never"
        assert any(warning.startswith(words) for warning in report.warnings)


def test_a_training_does_not_touch_the_work_of_another_model_of_equal_rows(
    balanced: TrainRequest,
) -> None:
    def stop(stage: str, done: int, total: int) -> None:
        if (stage, done) == ("tune", 3):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(balanced, stop)
    other = train(dataclasses.replace(balanced, name="another"), silent)
    assert other.tuning is not None
    assert other.tuning.notes == ()
    (folder,) = (balanced.models_dir / ".training").iterdir()
    assert not (folder / "lock").exists()


def test_an_equal_training_beside_this_one_is_refused(balanced: TrainRequest) -> None:
    refused: list[str] = []

    def watch(stage: str, done: int, total: int) -> None:
        if (stage, done) == ("tune", 2):
            run = run_script(balanced, balanced.models_dir, "")
            refused.append(run.stderr)

    train(dataclasses.replace(balanced, threads=1), watch)
    assert f"an equal training runs already, as process {os.getpid()}" in refused[0]


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ({"topics": 2.0}, "head weight topics=2: .*'topic'"),
        ({"topic": -1.0}, "topic=-1 is no number from 0 on"),
        ({"topic": 0.0, "tags": 0.0}, "all head weights are 0"),
    ],
)
def test_head_weights_that_cannot_be_meant_are_refused(
    balanced: TrainRequest, weights: dict[str, float], words: str
) -> None:
    with pytest.raises(DatasetError, match=words):
        train(dataclasses.replace(balanced, head_weights=weights), silent)


def test_changed_labels_are_told_and_heads_on_the_same_encoder_begin_where_they_were(
    request_: TrainRequest,
) -> None:
    train(request_, silent)
    changes = LabelChanges({"topic": {"hardware": "devices"}})
    second = train(dataclasses.replace(request_, changes=changes), silent)
    assert second.previous == "support/1"
    assert second.changes["topic"].renamed == {"hardware": "devices"}
    assert set(second.changes) == {"topic"}
    assert second.warm_started == ("tags", "topic")
    assert load_bundle(Path(second.path)).manifest.previous == "support/1"
    tuned = train(dataclasses.replace(request_, recipe="balanced", providers=["cpu"]), silent)
    assert (tuned.previous, tuned.warm_started) == ("support/2", ())
    assert load_bundle(Path(tuned.path)).manifest.previous == "support/2"


def test_domain_tokens_are_read_whole(balanced: TrainRequest) -> None:
    report = train(dataclasses.replace(balanced, tokens=["n7x"]), silent)
    encoder = load_bundle(Path(report.path)).encoder
    (known, unknown) = (encoder.tokenize([word])[0].ids for word in ("n7x", "n8x"))
    assert known != unknown


def test_tenants_and_languages_of_the_rows_are_in_the_manifest(
    request_: TrainRequest, tmp_path: Path
) -> None:
    rows = [orjson.loads(line) for line in request_.data[0].read_bytes().splitlines()]
    for place, row in enumerate(rows):
        row |= {"tenant": ("acme", "other")[place % 2], "language": "en"}
        if place % 2 and row["labels"].get("topic") == "hardware":
            del row["labels"]["topic"]
    path = tmp_path / "tenants.jsonl"
    path.write_bytes(b"\n".join(map(orjson.dumps, rows)))
    manifest = load_bundle(
        Path(train(dataclasses.replace(request_, data=[path]), silent).path)
    ).manifest
    assert manifest.schemas["*"]["topic"] == ("card", "invoice")
    assert manifest.schemas["other"]["topic"] == ("card", "invoice")
    assert manifest.schemas["acme"]["topic"] == ("card", "hardware", "invoice")
    assert manifest.languages == ("en",)
