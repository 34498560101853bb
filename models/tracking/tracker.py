"""What a training tells while it runs: requests, figures and bundles in, to MLflow where it is wanted, else to nobody.

For `models.train` and `models.train_churn`, which call a `Tracker`, and for approvals, which move an alias. A tracker
is a companion: whatever fails in it becomes one warning with the way out, and training goes on. Texts of mails and
calls are never told. Knows no library; `mlflow_tracker` does, and is imported when tracking is asked for.
"""

import importlib.util
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from models.tracking.facts import Report, Request

CANDIDATE = "candidate"
CHAMPION = "champion"
Warn = Callable[[str], None]
_WAY_OUT = "training and approvals do not need it"


class TrackingError(RuntimeError):
    """Something failed in tracking; the message names what was done, with which address, and why it failed."""


class Tracker(Protocol):
    """Told about one training. No method raises, in the trackers that `open_tracker` gives."""

    def started(self, request: "Request") -> None:
        """Training begins."""

    def epoch(self, number: int, figures: Mapping[str, float]) -> None:
        """An epoch is done.

        Args:
            number: from 1 on.
            figures: of this epoch, by name, such as `loss` or `intent.accuracy`.
        """

    def finished(self, bundle: Path, report: "Report") -> None:
        """A bundle was written and loads."""

    def failed(self, error: BaseException) -> None:
        """Training ended without a bundle. Only the kind of the error is told: a message may quote a row."""


class _NoTracker:
    """Tells nobody."""

    def started(self, request: "Request") -> None: ...

    def epoch(self, number: int, figures: Mapping[str, float]) -> None: ...

    def finished(self, bundle: Path, report: "Report") -> None: ...

    def failed(self, error: BaseException) -> None: ...


NO_TRACKER: Tracker = _NoTracker()


class _Fenced:
    """Tells the inner tracker until it fails for the first time; then warns once and stays silent.

    A server that is down costs one time-out, not one per epoch.
    """

    def __init__(self, inner: Tracker, warn: Warn) -> None:
        self._inner = inner
        self._warn = warn

    def started(self, request: "Request") -> None:
        self._tell(lambda: self._inner.started(request))

    def epoch(self, number: int, figures: Mapping[str, float]) -> None:
        self._tell(lambda: self._inner.epoch(number, figures))

    def finished(self, bundle: Path, report: "Report") -> None:
        self._tell(lambda: self._inner.finished(bundle, report))

    def failed(self, error: BaseException) -> None:
        self._tell(lambda: self._inner.failed(error))

    def _tell(self, step: Callable[[], None]) -> None:
        try:
            step()
        except TrackingError as error:
            self._inner = NO_TRACKER
            self._warn(f"not tracked from here on: {error}; {_WAY_OUT}")


@contextmanager
def tracked(tracker: Tracker, request: "Request") -> Iterator[None]:
    """Tell a tracker that training begins and, if it ends by an error or a signal, that it failed."""
    tracker.started(request)
    try:
        yield
    except BaseException as error:
        tracker.failed(error)
        raise


def open_tracker(uri: str | None, experiment: str, warn: Warn | None = None) -> Tracker:
    """A tracker for one training that never fails.

    Args:
        uri: as MLflow takes it, `sqlite:///runs.db` (no server needed) or `http://…`; None or empty: `NO_TRACKER`.
        experiment: under which the run is filed: the model's name.
        warn: told once if tracking does not work; without it the module's logger is.
    """
    if not uri:
        return NO_TRACKER
    say = warn or _log
    if not _is_installed(say):
        return NO_TRACKER
    from models.tracking.mlflow_tracker import MlflowTracker  # noqa: PLC0415  # seconds to import, and an extra

    return _Fenced(MlflowTracker(uri, experiment), say)


def set_alias(
    uri: str | None, name: str, version: str, alias: str | None, warn: Warn | None = None
) -> bool:
    """Move an alias of the registered model to the version that a bundle was registered as.

    A rollback calls it with the version that is live again. A version that becomes `champion` stops being `candidate`.

    Args:
        uri: as in `open_tracker`; None: nothing is done.
        name: the bundle's name.
        version: the bundle's version; MLflow counts its own.
        alias: `champion` or `candidate`; None: the version loses all its aliases (it was rejected).
        warn: told if that failed: MLflow is not there, or does not know the version.

    Returns:
        Whether the alias is where it should be.
    """
    if not uri:
        return False
    say = warn or _log
    if not _is_installed(say):
        return False
    from models.tracking.mlflow_tracker import move_alias  # noqa: PLC0415  # seconds to import, and an extra

    try:
        move_alias(uri, name, version, alias)
    except TrackingError as error:
        say(f"alias {alias} of {name}/{version} not set: {error}; {_WAY_OUT}")
        return False
    return True


def _is_installed(say: Warn) -> bool:
    if importlib.util.find_spec("mlflow") is not None:
        return True
    say(
        "not tracked: mlflow is not installed; pip install 'switchboard-classifier[mlflow]', "
        f"or leave the tracking address empty; {_WAY_OUT}"
    )
    return False


def _log(warning: str) -> None:
    logging.getLogger(__name__).warning(warning)
