"""Tracking is a companion: it hears of a training, and nothing that fails in it reaches the training."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from models.churn.dataset import ChurnFiles
from models.churn.report import ChurnRequest
from models.evaluate import compare_answers
from models.heads import HeadAnswer
from models.labels import TrainingRow
from models.tracking.facts import asked, confusion_csv, final
from models.tracking.tracker import (
    NO_TRACKER,
    Tracker,
    TrackingError,
    _Fenced,
    open_tracker,
    set_alias,
    tracked,
)
from models.training.report import HeadReport, TrainReport, TrainRequest

REQUEST = TrainRequest(name="support", models_dir=Path("models"), data=[])
CHURN = ChurnRequest(
    name="leaving",
    models_dir=Path("models"),
    files=ChurnFiles(Path("secret/features.toml"), Path("secret/outcomes.csv"), tenant="acme"),
    search=4,
)
REPORT = TrainReport(
    name="support",
    rows=1,
    test_rows=1,
    other_tenants_rows=0,
    heads=(),
    refused_heads={},
    seconds={"embed": 2.0},
)


class Listener:
    """Writes down what it hears; from the `breaks_at`-th call on it fails."""

    def __init__(self, breaks_at: int = 99) -> None:
        self.heard: list[str] = []
        self._breaks_at = breaks_at

    def _hear(self, what: str) -> None:
        self.heard.append(what)
        if len(self.heard) >= self._breaks_at:
            raise TrackingError(
                "filing an epoch in MLflow at http://host: ConnectionError: refused"
            )

    def started(self, request: TrainRequest) -> None:
        self._hear(f"started {request.name}")

    def epoch(self, number: int, figures: Mapping[str, float]) -> None:
        self._hear(f"epoch {number} {dict(figures)}")

    def finished(self, bundle: Path, report: TrainReport) -> None:
        self._hear(f"finished {bundle}")

    def failed(self, error: BaseException) -> None:
        self._hear(f"failed {type(error).__name__}")


def tell_all(tracker: Tracker) -> None:
    with tracked(tracker, REQUEST):
        tracker.epoch(1, {"loss": 0.5})
        tracker.epoch(2, {"loss": 0.4})
        tracker.finished(Path("models/support/1"), REPORT)


def test_a_training_is_told_from_its_start_to_its_bundle() -> None:
    listener = Listener()
    tell_all(_Fenced(listener, pytest.fail))
    assert listener.heard == [
        "started support",
        "epoch 1 {'loss': 0.5}",
        "epoch 2 {'loss': 0.4}",
        "finished models/support/1",
    ]


@pytest.mark.parametrize("breaks_at", [1, 2, 4])
def test_a_tracker_that_fails_is_left_in_peace_after_one_warning(breaks_at: int) -> None:
    listener, warnings = Listener(breaks_at), list[str]()
    tell_all(_Fenced(listener, warnings.append))
    assert len(listener.heard) == breaks_at
    (warning,) = warnings
    assert "http://host: ConnectionError: refused; training and approvals do not need it" in warning


@pytest.mark.parametrize("error", [ValueError("the text of a mail"), KeyboardInterrupt()])
def test_a_training_that_ends_badly_is_told_and_its_error_goes_on(error: BaseException) -> None:
    listener = Listener()

    def train() -> None:
        with tracked(listener, REQUEST):
            raise error

    with pytest.raises(type(error)):
        train()
    assert listener.heard == ["started support", f"failed {type(error).__name__}"]


def test_without_an_address_nobody_is_told() -> None:
    assert open_tracker(None, "support", pytest.fail) is NO_TRACKER
    assert open_tracker("", "support", pytest.fail) is NO_TRACKER
    assert not set_alias(None, "support", "1", "champion", pytest.fail)
    tell_all(NO_TRACKER)
    NO_TRACKER.failed(ValueError())


def test_without_mlflow_one_warning_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    warnings: list[str] = []
    assert open_tracker("sqlite:///runs.db", "support", warnings.append) is NO_TRACKER
    assert not set_alias("sqlite:///runs.db", "support", "1", "champion", warnings.append)
    assert len(warnings) == 2
    assert all("pip install 'switchboard-classifier[mlflow]'" in warning for warning in warnings)


def test_mlflow_is_not_loaded_before_a_training_begins() -> None:
    program = (
        "import json, sys, models.tracking.tracker as t, models.tracking.mlflow_tracker;"
        "t.open_tracker('sqlite:///x.db', 'support'); t.open_tracker(None, 'support');"
        "print(json.dumps(sorted(sys.modules)))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "mlflow" not in json.loads(ended.stdout)


def test_parameters_name_a_folder_without_its_path(tmp_path: Path) -> None:
    base = tmp_path / "tiny"
    base.mkdir()
    request = TrainRequest(
        name="support",
        models_dir=tmp_path,
        data=[tmp_path / "a.csv"],
        base_model=str(base),
        seed=3,
        recipe="best",
    )
    parameters = asked(request)
    assert parameters["base_model"] == "tiny"
    assert (parameters["seed"], parameters["recipe"]) == (3, "best")
    assert str(tmp_path) not in str(parameters)


def test_a_model_of_calls_is_filed_by_the_same_words_as_one_of_mail() -> None:
    parameters = asked(CHURN)
    assert (parameters["recipe"], parameters["tenant"], parameters["search"]) == (
        "churn", "acme", 4,
    )  # fmt: skip
    assert parameters.keys() <= asked(REQUEST).keys()
    assert "secret" not in str(parameters)


def head(name: str) -> HeadReport:
    """Truth a, b, b; answers a, b, a."""
    rows = [TrainingRow(id=str(i), body="x", labels={name: label}) for i, label in enumerate("abb")]
    answers = [{name: HeadAnswer("multiclass", [(label, 0.9)], False)} for label in "aba"]
    return HeadReport(
        name=name,
        kind="multiclass",
        labels=2,
        rows=4,
        rare_labels=(),
        features="embedding",
        inverse_penalty=10.0,
        temperature=1.5,
        chosen_on_rows=2,
        candidates={},
        figures=compare_answers(rows, answers, {name: frozenset("ab")})[name],
    )


def test_metrics_are_the_main_figures_of_each_head_and_the_seconds_of_each_stage() -> None:
    report = TrainReport(
        name="support",
        rows=4,
        test_rows=3,
        other_tenants_rows=0,
        heads=(head("topic"),),
        refused_heads={},
        seconds={"embed": 2.0},
    )
    metrics = final(report)
    assert metrics["seconds/embed"] == 2.0
    assert metrics["test/topic.accuracy"] == pytest.approx(2 / 3)
    assert metrics["test/topic.rows"] == 3
    assert metrics["heads/topic.temperature"] == 1.5


def test_a_confusion_matrix_has_truth_in_its_rows() -> None:
    figures = head("topic").figures
    assert figures is not None
    assert confusion_csv(figures) == "truth,a,b\na,1,0\nb,1,1\n"
