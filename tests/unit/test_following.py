"""Both commands that train tell whoever shall be told how it ended, through a real command."""

import json
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from models.tracking.tracker import NO_TRACKER, Tracker
from stream.cli.following import follow
from stream.errors import FatalError
from stream.settings import Settings, load_settings


@dataclass
class Made:
    """What a training gives."""

    version: str = "7"


@pytest.fixture
def told(tmp_path: Path) -> tuple[Settings, Path]:
    """Settings whose notifications end in a file."""
    heard = tmp_path / "heard.json"
    program = f"import sys; open({str(heard)!r}, 'w').write(sys.stdin.read())"
    return load_settings(notify=shlex.join([sys.executable, "-c", program])), heard


def test_the_end_of_a_training_is_told_with_version_and_figures(
    told: tuple[Settings, Path],
) -> None:
    settings, heard = told

    def train(tracker: Tracker) -> Made:
        assert tracker is NO_TRACKER
        return Made()

    report = follow(settings, "leaving", "churn", train, lambda _: {"churn": {"roc_auc": 0.9}})
    assert report == Made()
    event = json.loads(heard.read_text())
    assert (event["name"], event["version"], event["status"]) == ("leaving", "7", "trained")
    assert (event["recipe"], event["figures"]) == ("churn", {"churn": {"roc_auc": 0.9}})


@pytest.mark.parametrize("error", [FatalError("calls.csv:3: not UTF-8"), KeyboardInterrupt()])
def test_a_training_that_fails_is_told_and_its_error_goes_on(
    told: tuple[Settings, Path], error: BaseException
) -> None:
    settings, heard = told

    def train(_: Tracker) -> Made:
        raise error

    with pytest.raises(type(error)):
        follow(settings, "leaving", "churn", train, lambda _: {})
    event = json.loads(heard.read_text())
    assert (event["status"], event["version"]) == ("failed", None)
    assert event["error"] == (str(error) or "KeyboardInterrupt")
