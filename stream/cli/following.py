"""Runs a training so that MLflow and whoever shall be told hear of it; for `train` and `train-churn`."""

import sys
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol, TypeVar

from stream.settings import Settings

if TYPE_CHECKING:
    from models.tracking.tracker import Tracker


class Made(Protocol):
    """What a training gives: a report that says which version it made."""

    @property
    def version(self) -> str:
        """Of the bundle."""
        ...


R = TypeVar("R", bound=Made)
Figures = Mapping[str, Mapping[str, float]]


def follow(
    settings: Settings,
    name: str,
    recipe: str,
    train: "Callable[[Tracker], R]",
    figures: Callable[[R], Figures],
) -> R:
    """Train, tracked where it is wanted; whoever shall be told is told how it ended.

    Args:
        settings: whom to tell.
        name: of the model.
        recipe: how it is trained.
        train: the training.
        figures: the main ones of its report, on rows kept back.
    """
    from models.tracking.tracker import open_tracker  # noqa: PLC0415
    from stream.notify import TrainingEvent, notify  # noqa: PLC0415

    def warn(message: str) -> None:
        print(f"switchboard: {message}", file=sys.stderr)  # noqa: T201  # speaks to a person

    began_s = time.monotonic()

    def tell(event: TrainingEvent) -> None:
        if settings.notify:
            notify(settings.notify, event, warn)

    def seconds() -> float:
        return round(time.monotonic() - began_s, 1)

    try:
        report = train(open_tracker(settings.mlflow_tracking_uri, name, warn))
    except BaseException as error:  # Ctrl-C is an end that somebody waits for, too
        if isinstance(error, KeyboardInterrupt) and str(error):
            warn(str(error))
        reason = str(error) or type(error).__name__
        tell(
            TrainingEvent(
                name=name, status="failed", recipe=recipe, seconds=seconds(), error=reason
            )
        )
        raise
    tell(
        TrainingEvent(
            name=name,
            version=report.version,
            status="trained",
            recipe=recipe,
            figures=figures(report),
            seconds=seconds(),
        )
    )
    return report
