"""Events of the parts below, said to a person: one line each on a console."""

from rich.console import Console

from stream.kafka.clients import Log


def speaker(console: Console) -> Log:
    """A log that prints `event name=value …`; what stands in brackets stays as it is."""

    def say(event: str, **facts: object) -> None:
        words = (event, *(f"{name}={value}" for name, value in facts.items()))
        console.print(*words, markup=False, highlight=False, soft_wrap=True)

    return say
