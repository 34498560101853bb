"""The command line: the only place that builds objects and wires them; everything else receives what it needs.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 nothing to do.
"""

import sys

import typer

from stream.cli import (
    cleaning,
    evaluating,
    letters,
    models,
    offline,
    scoring,
    serve,
    show,
    traffic,
    training,
    training_churn,
    verify,
)
from stream.errors import FatalError

app = typer.Typer(
    name="switchboard",
    help="Reads support e-mail from Kafka, classifies it in micro-batches, writes labels back exactly once.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for group in (
    serve,
    training,
    training_churn,
    evaluating,
    models,
    traffic,
    cleaning,
    offline,
    scoring,
    letters,
    verify,
    show,
):
    group.register(app)


def main() -> None:
    """Run a command; an error that has a way out is one line on stderr, anything else a stack trace."""
    try:
        app()
    except FatalError as error:
        print(f"switchboard: {error}", file=sys.stderr)  # noqa: T201  # the command line speaks to a person
        sys.exit(error.exit_code)
