"""A scored call as a person reads it: where its probability came from, fragment by fragment and feature by feature."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from heapq import heappush, heappushpop

from rich.console import Console
from rich.text import Text

from models.churn.model import ChurnModel
from stream.calls.explain import Effect, explain, sums_of
from stream.calls.fold import Profiles
from stream.calls.state import CallState
from stream.records import CallFragment, ChurnScore

_MOST_FRAGMENTS = 5
_MOST_FEATURES = 5
_MOST_CHARACTERS = 100
_MARGIN = 11

Find = Callable[[str, str], CallState | None]


@dataclass
class _Heard:
    """What is noted of a call: before the first word, and its strongest fragments (strength, seq, words)."""

    before: float
    strongest: list[tuple[float, int, float, str]] = field(
        default_factory=list[tuple[float, int, float, str]]
    )


class CallView:
    """Collects what the fragments of each call added, and shows it with what the model would miss.

    Args:
        console: to write on.
        model: asked about each call as it stands at its end.
        profiles: of the customers.
    """

    def __init__(self, console: Console, model: ChurnModel, profiles: Profiles) -> None:
        self._console = console
        self._model = model
        self._profiles = profiles
        self._heard: dict[tuple[str, str], _Heard] = {}

    def note(self, fragment: CallFragment, score: ChurnScore) -> None:
        """A fragment was scored; one that comes again, or came before, is not counted."""
        if score.partial or score.duplicate:
            return
        name = score.tenant, score.call_id
        heard = self._heard.get(name)
        if heard is None:
            before = (
                score.probability - score.contribution if score.previous is None else score.previous
            )
            heard = self._heard[name] = _Heard(before)
        words = f"{fragment.speaker or 'customer'}: {' '.join((fragment.text or fragment.event).split())}"
        entry = abs(score.contribution), score.seq, score.contribution, words[:_MOST_CHARACTERS]
        push = heappush if len(heard.strongest) < _MOST_FRAGMENTS else heappushpop
        push(heard.strongest, entry)

    def show_rest(self, find: Find) -> None:
        """Show the calls that were not shown, in the order in which they began."""
        for tenant, call_id in list(self._heard):
            state = find(tenant, call_id)
            assert state is not None, "a call that was scored has a state: this is a bug"
            self.show(state)

    def show(self, state: CallState) -> None:
        """Show a call as it stands, and forget it; one in which nothing could be scored has nothing to show."""
        heard = self._heard.pop((state.tenant, state.call_id), None)
        if heard is None:
            return
        customer = state.customer_id
        [profile] = (
            self._profiles.get_many([(state.tenant, customer)]) if customer is not None else [None]
        )
        found = explain(self._model, profile, sums_of(state))
        fragments = state.customer.fragments + state.agent.fragments
        self._console.rule(Text(state.call_id), align="left", style="dim")
        whose = (
            f"{customer}{'' if profile is not None else ', profile unknown'}"
            if customer
            else "nobody is named"
        )
        self._line("customer", whose)
        self._line(
            "leaves",
            f"{_percent(heard.before)} before the first word, {_percent(found.probability)} after {fragments} fragments"
            f"{f', {state.life.ended}' if state.life.ended else ''}",
        )
        for name, lines in (
            ("fragments", self._fragments(heard)),
            ("parts", map(_effect, found.parts)),
            ("features", map(_effect, found.features[:_MOST_FEATURES])),
        ):
            for number, line in enumerate(lines):
                self._line("" if number else name, line)
        self._console.print()

    def _fragments(self, heard: _Heard) -> Iterator[str]:
        for _, seq, added, words in sorted(heard.strongest, key=lambda one: (-one[0], one[1])):
            yield f"{_points(added)}  {seq:>3} {words}"

    def _line(self, name: str, value: str) -> None:
        self._console.print(Text(f"{name:<{_MARGIN}}", style="dim").append(value, style="default"))


def _effect(effect: Effect) -> str:
    value = (
        ""
        if effect.value is None
        else f" = {effect.value:g}"
        if isinstance(effect.value, float | int)
        else f" = {effect.value}"
    )
    return f"{_points(effect.change)}  {effect.name}{value}"


def _percent(probability: float) -> str:
    return f"{100 * probability:.1f} %"


def _points(change: float) -> str:
    return f"{100 * change:+6.1f}"
