"""Files trainings and versions in MLflow: what `tracker` is told in, runs and registered versions out.

The only file that knows MLflow. Any error of it comes out as `TrackingError`. A SQLite file needs no server: artefacts
lie beside it. The bundle stays where it is: a version's source is the folder of its run with manifest, report and
confusion matrices, and the version is tied to the bundle by the sha256 of `manifest.json`. So 90 MB of encoder are not
copied for each training, and nobody can serve from here what was not approved.
"""

import os
import re
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from models.encoder.files import sha256_of
from models.manifest import MANIFEST_NAME, REPORT_NAME, read_manifest
from models.processes import is_gone
from models.tracking.facts import asked, confusions, final, made_from, recipe_of
from models.tracking.tracker import CANDIDATE, CHAMPION, TrackingError

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from models.tracking.facts import Report, Request

VERSION_TAG = "switchboard.version"
MANIFEST_TAG = "switchboard.manifest_sha256"
RECIPE_TAG = "switchboard.recipe"
ERROR_TAG = "switchboard.error"
HOST_TAG = "switchboard.host"
PROCESS_TAG = "switchboard.process"
BUNDLE_FOLDER = "bundle"
CONFUSION_FOLDER = "confusion"
ARTEFACTS_BESIDE = "mlflow-artifacts"
_UPLOADED = (MANIFEST_NAME, REPORT_NAME, "report.html")
_SQLITE = "sqlite:///"
_NOT_IN_NAMES = re.compile(r"[^\w./ :-]")  # what MLflow allows in names of metrics
_MAX_VALUE = 500
_MAX_REASON = 300
# No telemetry, no questions about git, and a server that is down is given up after seconds instead of minutes.
_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}


class MlflowTracker:
    """One run of one training.

    Args:
        uri: `sqlite:///FILE` or the address of a server.
        experiment: the model's name.
    """

    def __init__(self, uri: str, experiment: str) -> None:
        self._uri = uri
        self._experiment = experiment
        self._run_id = ""

    def started(self, request: "Request") -> None:
        """Open a run with what was asked for; runs of the model whose process was killed are closed."""
        with _named("opening a run", self._uri):
            client = _connect(self._uri)
            found = client.get_experiment_by_name(self._experiment)
            experiment_id = (
                found.experiment_id
                if found
                else client.create_experiment(self._experiment, _artefacts_of(self._uri))
            )
            host = socket.gethostname()
            _close_killed(client, experiment_id, host)
            tags = {RECIPE_TAG: recipe_of(request), HOST_TAG: host, PROCESS_TAG: str(os.getpid())}
            run = client.create_run(experiment_id, tags=tags, run_name=request.name)
            self._run_id = run.info.run_id
            self._parameters(client, asked(request))

    def epoch(self, number: int, figures: Mapping[str, float]) -> None:
        """File the figures of one epoch; its number is MLflow's step."""
        with _named("filing an epoch", self._uri):
            self._metrics(_connect(self._uri), figures, number)

    def finished(self, bundle: Path, report: "Report") -> None:
        """File figures and artefacts, close the run and register a version, which becomes the candidate."""
        with _named("filing a bundle", self._uri):
            client = _connect(self._uri)
            manifest = read_manifest(bundle)
            self._parameters(client, made_from(manifest))
            self._metrics(client, final(report), 0)
            for name in _UPLOADED:
                if (bundle / name).exists():
                    client.log_artifact(self._run_id, str(bundle / name), BUNDLE_FOLDER)
            for head, matrix in confusions(report).items():
                client.log_text(self._run_id, matrix, f"{CONFUSION_FOLDER}/{_plain(head)}.csv")
            tags = {
                VERSION_TAG: report.version,
                MANIFEST_TAG: sha256_of(bundle / MANIFEST_NAME),
                RECIPE_TAG: manifest.training.recipe,
            }
            for key, value in tags.items():
                client.set_tag(self._run_id, key, value)
            client.set_terminated(self._run_id, "FINISHED")
            _register(client, report.name, self._run_id, tags)

    def failed(self, error: BaseException) -> None:
        """Close the run with the kind of the error; its message may quote a row and stays here."""
        with _named("closing a run", self._uri):
            client = _connect(self._uri)
            client.set_tag(self._run_id, ERROR_TAG, type(error).__name__)
            is_stopped = isinstance(error, KeyboardInterrupt)
            client.set_terminated(self._run_id, "KILLED" if is_stopped else "FAILED")

    def _parameters(self, client: "MlflowClient", values: Mapping[str, object]) -> None:
        for name, value in values.items():
            client.log_param(self._run_id, name, str(value)[:_MAX_VALUE])

    def _metrics(self, client: "MlflowClient", figures: Mapping[str, float], step: int) -> None:
        from mlflow.entities import Metric  # noqa: PLC0415  # seconds to import, and an extra

        now_ms = time.time_ns() // 1_000_000
        found = [
            Metric(_plain(name), float(value), now_ms, step) for name, value in figures.items()
        ]
        client.log_batch(self._run_id, metrics=found)


def move_alias(uri: str, name: str, version: str, alias: str | None) -> None:
    """As `models.tracking.tracker.set_alias`.

    Raises:
        TrackingError: MLflow fails, or has no such version: it was trained without tracking.
    """
    with _named("moving an alias", uri):
        client = _connect(uri)
        registered = client.get_registered_model(name)
        found = [
            each
            for each in client.search_model_versions(f"name='{name}'")
            if each.tags.get(VERSION_TAG) == version
        ]
        if not found:
            raise LookupError(f"no version is tagged {VERSION_TAG}={version}; train with tracking")
        number = max(
            int(each.version) for each in found
        )  # a version trained anew has the last word
        for held, holder in cast("Mapping[str, str]", registered.aliases).items():
            is_over = alias is None or (alias == CHAMPION and held == CANDIDATE)
            if is_over and int(holder) == number:
                client.delete_registered_model_alias(name, held)
        if alias is not None:
            client.set_registered_model_alias(name, alias, str(number))


def _close_killed(client: "MlflowClient", experiment_id: str, host: str) -> None:
    """Nobody else closes them: a process that gets SIGKILL says nothing. Those of other machines may be running."""
    filter_ = f"attributes.status = 'RUNNING' AND tags.`{HOST_TAG}` = '{host}'"
    for run in client.search_runs([experiment_id], filter_):
        pid = run.data.tags.get(PROCESS_TAG, "")
        if pid.isdecimal() and is_gone(int(pid)):
            client.set_terminated(run.info.run_id, "KILLED")


def _register(client: "MlflowClient", name: str, run_id: str, tags: Mapping[str, str]) -> None:
    from mlflow import MlflowException  # noqa: PLC0415

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    # No flavour: MLflow registers any folder of a run. What serves is the bundle.
    made = client.create_model_version(
        name, f"runs:/{run_id}/{BUNDLE_FOLDER}", run_id=run_id, tags=dict(tags)
    )
    client.set_registered_model_alias(name, CANDIDATE, str(made.version))


def _connect(uri: str) -> "MlflowClient":
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if uri.startswith(_SQLITE):
        Path(uri.removeprefix(_SQLITE)).parent.mkdir(parents=True, exist_ok=True)
    from mlflow import MlflowClient  # noqa: PLC0415  # reads the environment when it is imported

    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def _artefacts_of(uri: str) -> str | None:
    """Beside a SQLite file; a server knows its own place."""
    if not uri.startswith(_SQLITE):
        return None
    return (Path(uri.removeprefix(_SQLITE)).resolve().parent / ARTEFACTS_BESIDE).as_uri()


def _plain(name: str) -> str:
    return _NOT_IN_NAMES.sub("_", name)


@contextmanager
def _named(what: str, uri: str) -> Iterator[None]:
    """Give errors of MLflow, SQLAlchemy, requests and the disk one name; credentials of an address are left out."""
    try:
        yield
    except Exception as error:
        parts = urlsplit(uri)
        credentials = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        message = f"{what} in MLflow at {uri}: {reason[:_MAX_REASON]}"
        raise TrackingError(message.replace(credentials, "") if credentials else message) from error
