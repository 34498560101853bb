"""Calls of the built-in world: who calls, what is said, and whether the caller leaves. Synthetic, all from the seed.

Gives `Case`s to `call_files` (the past) and `call_traffic` (live); knows nothing of Kafka. Up to the turning point a
call is the same whatever its course: a content and a disappointed caller can be compared word for word.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Literal

from stream.simulate.customers import (
    COURSES,
    Course,
    Features,
    draw_features,
    leaving_probability,
)
from stream.simulate.grammar import chance
from stream.simulate.letters import Typist
from stream.simulate.pen import Pen
from stream.simulate.tenants import TENANTS, Tenant

_OFFER = {"content": "agent.solves", "neutral": "agent.neutral", "disappointed": "agent.refuses"}
_REACTIONS = {"content": (1, 2, 3), "neutral": (1, 2), "disappointed": (2, 3, 4)}
_POLITE = 0.08  # callers who keep to themselves what they think
_MISREAD = 0.10  # turns whose words are of another course
_MS_A_WORD, _PAUSE_MS = 380, 900


@dataclass(frozen=True)
class Turn:
    """What one side said, and when from the start of the call."""

    speaker: Literal["customer", "agent"]
    text: str
    offset_ms: int


@dataclass(frozen=True)
class Case:
    """A call with what is known of the caller and what became of it.

    Attributes:
        turning_point: the first turn, by place, that differs by course.
        probability: the true one, from which `churned` was drawn.
    """

    call_id: str
    tenant: Tenant
    customer_id: str
    language: Literal["en", "de"]
    features: Features
    course: Course
    turns: tuple[Turn, ...]
    turning_point: int
    probability: float
    churned: bool


def cases(seed: int, era: str) -> Iterator[Case]:
    """Calls without end, each of another customer.

    Args:
        seed: equal seeds give equal calls.
        era: `past` or `live`; they share no call.
    """
    number = 0
    while True:
        yield case(seed, era, number)
        number += 1


def case(seed: int, era: str, number: int, course: Course | None = None) -> Case:
    """One of these calls; with a `course` as it would have gone then: same caller, profile and opening."""
    rng = chance(seed, "call", era, number)
    tenant = rng.choice(TENANTS)
    language: Literal["en", "de"] = "de" if rng.random() < 0.5 else "en"
    features = draw_features(rng)
    drawn: Course = rng.choices(list(COURSES), list(COURSES.values()))[0]
    luck = rng.random()  # drawn before the course is known, so that twins have equal luck
    pen = Pen(rng, tenant, language)
    course = course or drawn
    typed = Typist(rng, language)  # a service that transcribes makes slips too
    opening = _typed(_opening(pen, rng, tenant), typed)
    rest = _typed(_rest(pen, chance(seed, "rest", era, number, course), course), typed)
    probability = leaving_probability(features, course)
    return Case(
        call_id=f"{era}-{seed}-{number:06}",
        tenant=tenant,
        customer_id=f"{tenant.name[0].upper()}{seed}{era[0]}{number:06}",
        language=language,
        features=features,
        course=course,
        turns=_on_the_clock([*opening, *rest], chance(seed, "clock", era, number)),
        turning_point=len(opening),
        probability=probability,
        churned=luck < probability,
    )


_Said = tuple[Literal["customer", "agent"], str]


def _opening(pen: Pen, rng: Random, tenant: Tenant) -> list[_Said]:
    topic = rng.choice(tenant.topics)
    said: list[_Said] = [
        ("agent", pen.spoken("agent.hello")),
        ("customer", pen.topic(topic, "matter")),
    ]
    for _ in range(rng.choice((1, 1, 2))):
        said.append(("agent", pen.spoken("agent.ask")))
        said.append(("customer", pen.spoken("customer.fact")))
    if rng.random() < 0.4:
        said.append(("customer", pen.topic(topic, "detail")))
    if rng.random() < 0.5:
        said.append(("agent", pen.spoken("agent.explain")))
    return said


def _rest(pen: Pen, rng: Random, course: Course) -> list[_Said]:
    said: list[_Said] = []
    is_polite = rng.random() < _POLITE
    for _ in range(rng.choice(_REACTIONS[course])):
        shown = rng.choice(list(COURSES)) if rng.random() < _MISREAD else course
        said.append(("agent", pen.spoken(_OFFER[course])))
        said.append(("customer", pen.spoken(f"customer.{'neutral' if is_polite else shown}")))
    said.append(("agent", pen.spoken("agent.bye")))
    if rng.random() < 0.8:
        said.append(("customer", pen.spoken("customer.bye")))
    return said


def _typed(said: list[_Said], typed: Typist) -> list[_Said]:
    return [(speaker, typed(text) if speaker == "customer" else text) for speaker, text in said]


def _on_the_clock(said: list[_Said], rng: Random) -> tuple[Turn, ...]:
    turns: list[Turn] = []
    now_ms = 0
    for speaker, text in said:
        turns.append(Turn(speaker, text, now_ms))
        now_ms += _MS_A_WORD * len(text.split()) + rng.randint(100, _PAUSE_MS)
    return tuple(turns)
