"""What was decided in, the alias of a registered model moved out: MLflow follows, it decides nothing."""

import sys

from stream.settings import Settings


def move_alias(settings: Settings, name: str, version: str, alias: str | None) -> None:
    """MLflow is a companion: what fails there is a warning."""
    if settings.mlflow_tracking_uri:
        from models.tracking.tracker import set_alias  # noqa: PLC0415

        def warn(text: str) -> None:
            print(f"warning: {text}", file=sys.stderr)  # noqa: T201  # the command line speaks to a person

        set_alias(settings.mlflow_tracking_uri, name, version, alias, warn)
