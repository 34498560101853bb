"""Makes command-line options of settings: each with its sentence, environment variable and default, from one source."""

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any, cast

import typer

from stream.settings import ENV_PREFIX, Settings, load_settings

KAFKA = tuple(name for name in Settings.model_fields if name.startswith(("kafka_", "topic_prefix")))
TOPICS = (
    "create_topics",
    "topic_partitions",
    "allow_single_replica",
    "cleaned_retention_days",
    "dead_letter_retention_days",
)
MODELS = ("models_dir", "execution_providers", "max_batch_tokens", "encode_threads")
CLEANING = ("skip_kinds", "clean_time_budget_ms", "tenants_file")
EVERYTHING = tuple(Settings.model_fields)


def with_settings(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the named settings as options, itself the finished `settings`, and `given` flags if it asks."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def run(**arguments: Any) -> None:
            flags = {name: arguments.pop(name) for name in names}
            if "given" in own:
                arguments["given"] = frozenset(name for name in names if flags[name] is not None)
            command(settings=load_settings(**flags), **arguments)

        own = inspect.signature(command, eval_str=True).parameters
        parameters = [own[name] for name in own if name not in ("settings", "given")]
        parameters += [_option(name) for name in names]
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what typer reads
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return run

    return decorate


def _option(name: str) -> inspect.Parameter:
    field = Settings.model_fields[name]
    option = typer.Option(
        f"--{name.replace('_', '-')}",
        help=f"{field.description} (env: {ENV_PREFIX}{name.upper()}; default: {default_of(name)})",
        show_default=False,
        metavar="TEXT",
        rich_help_panel="Settings",
    )
    annotation = Annotated[str | None, option]
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation
    )


def default_of(name: str) -> str:
    """A setting's default as a person writes it."""
    return shown(Settings.model_fields[name].default) or "empty"


def shown(value: object) -> str:
    """A setting's value as a person writes it; secrets stay masked."""
    if value is None:
        return "unset"
    if isinstance(value, frozenset):
        return ",".join(sorted(map(str, cast(frozenset[object], value))))
    return str(value).lower() if isinstance(value, bool) else str(value)
