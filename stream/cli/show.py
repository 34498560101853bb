"""`switchboard config show`: every setting, its value, and where the value came from. Secrets stay masked."""

import os
import tomllib

import typer
from rich.console import Console

from stream.cli.options import EVERYTHING, shown, with_settings
from stream.settings import ENV_PREFIX, Settings, config_file

config_app = typer.Typer(help="Look at the settings.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    config_app.command("show")(show)
    app.add_typer(config_app, name="config")


@with_settings(*EVERYTHING)
def show(settings: Settings, given: frozenset[str]) -> None:
    """Print every setting with its value and where it came from: flag, environment, file or default."""
    path = config_file()
    in_file = (
        tomllib.loads(path.read_text(encoding="utf-8")).keys() if path.exists() else set[str]()
    )
    in_environment = {name.upper() for name in os.environ}
    console = Console(highlight=False, soft_wrap=True)
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if name in given:
            origin = "flag"
        elif f"{ENV_PREFIX}{name.upper()}" in in_environment:
            origin = "environment"
        else:
            origin = str(path) if name in in_file else "default"
        console.print(f"{name:<28} {shown(value):<40} {origin}", markup=False)
