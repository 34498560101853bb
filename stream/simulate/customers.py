"""What is known of the callers of the built-in world, and the law by which they leave: invented, not measured.

Gives profiles and true probabilities to `calls`; knows nothing of words or Kafka.
"""

import math
import random
from collections.abc import Mapping
from typing import Literal

Course = Literal["content", "neutral", "disappointed"]
Features = dict[str, float | str | None]

COURSES: Mapping[Course, int] = {"content": 40, "neutral": 30, "disappointed": 30}
"""Of 100 calls; whoever calls."""
NUMERICAL = ("tenure_months", "monthly_charge", "complaints_90d", "satisfaction")
CATEGORICAL = ("contract", "payment", "region")
NEW_CONTRACT = "trial"
"""A contract that no past call had: it is sold since yesterday."""

# Effects on the log-odds of leaving. Two thirds of what can be known lies in the call, one third in the profile.
_COURSE: Mapping[str, float] = {"content": -1.3, "neutral": 0.0, "disappointed": 2.0}
_CONTRACT: Mapping[str, float] = {"monthly": 1.1, "yearly": 0.0, "two_years": -1.1}
_PAYMENT: Mapping[str, float] = {"debit": -0.2, "card": 0.0, "invoice": 0.4}
_BASE = -1.35


def draw_features(rng: random.Random) -> Features:
    """One customer's profile; `satisfaction` is missing for one in three, `payment` for one in twenty."""
    asked = rng.random() < 0.65
    return {
        "tenure_months": float(min(120, int(rng.expovariate(1 / 30)))),
        "monthly_charge": round(rng.uniform(9, 110), 2),
        "complaints_90d": float(rng.choices((0, 1, 2, 3, 4), (60, 22, 11, 5, 2))[0]),
        "satisfaction": float(rng.randint(1, 10)) if asked else None,
        "contract": rng.choices(list(_CONTRACT), (45, 30, 25))[0],
        "payment": None if rng.random() < 0.05 else rng.choice(list(_PAYMENT)),
        "region": rng.choice(("north", "east", "south", "west")),
    }


def leaving_probability(features: Features, course: Course) -> float:
    """The true probability that a customer with this profile leaves after a call of this course, in (0, 1)."""
    tenure, charge = _number(features, "tenure_months"), _number(features, "monthly_charge")
    satisfaction = features["satisfaction"]
    odds = (
        _BASE
        + _COURSE[course]
        + _CONTRACT.get(str(features["contract"]), 0.3)
        + _PAYMENT.get(str(features["payment"]), 0.0)
        - 0.025 * (min(tenure, 72) - 24)
        + 0.008 * (charge - 60)
        + 0.45 * _number(features, "complaints_90d")
        - (0.22 * (satisfaction - 6) if isinstance(satisfaction, float) else 0.0)
    )
    return 1 / (1 + math.exp(-odds))


def _number(features: Features, name: str) -> float:
    value = features[name]
    assert isinstance(value, float), f"{name} of a drawn profile is a number: this is a bug"
    return value
