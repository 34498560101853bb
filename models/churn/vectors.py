"""A profile and the sums of a call in, the numbers that a churn model reads out: one room for training and serving.

Columns in order: numerical features (the training mean where unknown), a mark for each that is unknown, one column for
each category seen in training (all 0 where another one stands), `profile_known`; then for each side of the call that
is heard the mean embedding [D] and log(1 + fragments). Knows neither Kafka nor how a model is fitted.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import msgspec
import numpy as np

from models.churn.features_file import FeatureLists
from models.churn.sums import Int64Array, mean_of
from models.heads import Float32Array
from models.rows.errors import DatasetError, did_you_mean

# A category of fewer profiles says nothing, and would cost a column.
MIN_CATEGORY_ROWS = 5
# Of more, the most frequent: 10,000 cities would be 10,000 columns of every row, and the rest counts as none anyway.
MAX_CATEGORIES = 200
# Farther from 0 than float32 reaches.
_TOO_LARGE = 3.4e38

Features = Mapping[str, float | str | None]


@dataclass(frozen=True, eq=False)
class CallSums:
    """What a call keeps of what was said: sums of embeddings in fixed point, int64 [D], and how many there were."""

    customer: Int64Array
    agent: Int64Array
    customer_count: int
    agent_count: int

    @classmethod
    def empty(cls, size: int) -> "CallSums":
        """A call in which nothing was said yet."""
        return cls(np.zeros(size, np.int64), np.zeros(size, np.int64), 0, 0)

    def of(self, side: str) -> tuple[Int64Array, int]:
        """Sum and count of one side."""
        if side == "customer":
            return self.customer, self.customer_count
        return self.agent, self.agent_count


class FeatureSpace(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """What the columns are; stored in the manifest. Thread-safe: nothing in it changes.

    Args:
        numerical: names of numbers in a profile.
        means: of each, over the training profiles that know it.
        categorical: name -> the categories that have a column. Columns follow the sorted names, for JSON objects have
            no order.
        textual: sides of the call that are heard.
        size: D, numbers of an embedding.
    """

    numerical: tuple[str, ...] = ()
    means: tuple[float, ...] = ()
    categorical: dict[str, tuple[str, ...]] = {}
    textual: tuple[str, ...] = ()
    size: int = 0

    @classmethod
    def fit(
        cls, lists: FeatureLists, profiles: Sequence[Features | None], size: int
    ) -> "FeatureSpace":
        """Means and categories of the profiles that are learned from.

        Args:
            lists: what to look at.
            profiles: of the rows to learn from; None: unknown.
            size: D, numbers of an embedding.

        Raises:
            DatasetError: the profiles say nothing about a feature: no number, or no category that several share.
        """
        known = [profile for profile in profiles if profile is not None]
        means: list[float] = []
        for name in lists.numerical:
            values = [x for one in known if (x := number_of(one.get(name))) is not None]
            if not values:
                raise _unseen(name, "number", known)
            means.append(math.fsum(values) / len(values))
        categories: dict[str, tuple[str, ...]] = {}
        for name in lists.categorical:
            words = [x for one in known if (x := category_of(one.get(name))) is not None]
            counts = Counter(words)
            often = sorted((-count, x) for x, count in counts.items() if count >= MIN_CATEGORY_ROWS)
            common = tuple(sorted(x for _, x in often[:MAX_CATEGORIES]))
            if not common:
                raise _unseen(name, f"value that {MIN_CATEGORY_ROWS} profiles share", known)
            categories[name] = common
        return cls(
            numerical=lists.numerical,
            means=tuple(means),
            categorical=categories,
            textual=lists.textual,
            size=size,
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, [F]."""
        return self._columns

    def parts(self) -> dict[str, slice]:
        """The columns by origin: `profile`, `customer`, `agent`, as far as the model looks at them."""
        begin = self._profile_width
        parts = {"profile": slice(0, begin)} if begin else {}
        for side in self.textual:
            parts[side] = slice(begin, begin + self.size + 1)
            begin += self.size + 1
        return parts

    def problems(self, features: Features) -> tuple[str, ...]:
        """Features of a profile with a value of the wrong type, by name; they count as unknown. Null is no problem."""
        return tuple(
            name
            for name in (*self.numerical, *sorted(self.categorical))
            if (value := features.get(name)) is not None
            and number_of(value) is None
            and not (isinstance(value, str) and name in self.categorical)
        )

    def vector(self, features: Features | None, call: CallSums) -> Float32Array:
        """The numbers of one row, float32 [F]; `features` None: the profile is unknown."""
        return self.vectors([(features, call)])[0]

    def vectors(self, rows: Sequence[tuple[Features | None, CallSums]]) -> Float32Array:
        """The numbers of many rows, float32 [B, F]; each as `vector` gives it alone."""
        made = np.zeros((len(rows), len(self._columns)), np.float32)
        self._fill_profiles(made, [features for features, _ in rows])
        for side, part in self.parts().items():
            if side != "profile":
                for row, (_, call) in zip(made, rows, strict=True):
                    total, count = call.of(side)
                    row[part.start : part.stop - 1] = mean_of(total, count)
                    row[part.stop - 1] = math.log1p(count)
        return made

    def _fill_profiles(self, made: Float32Array, profiles: Sequence[Features | None]) -> None:
        """Write the columns of the profile, [B, F]."""
        if not self._profile_width:
            return
        count = len(self.numerical)
        nothing: Features = {}
        for row, features in zip(made, profiles, strict=True):
            values = nothing if features is None else features
            for place, (name, mean) in enumerate(zip(self.numerical, self.means, strict=True)):
                value = number_of(values.get(name))
                row[place] = mean if value is None else value
                row[count + place] = value is None
            for name, places in self._categories.items():
                place = places.get(category_of(values.get(name)))
                if place is not None:
                    row[place] = 1.0
            row[self._profile_width - 1] = features is not None

    @cached_property
    def _columns(self) -> tuple[str, ...]:
        profile = [
            *self.numerical,
            *(f"{name}:missing" for name in self.numerical),
            *(f"{name}={x}" for name in sorted(self.categorical) for x in self.categorical[name]),
        ]
        if self.numerical or self.categorical:
            profile.append("profile_known")
        for side in self.textual:
            profile += [f"{side}:{place}" for place in range(self.size)]
            profile.append(f"{side}:fragments")
        return tuple(profile)

    @cached_property
    def _profile_width(self) -> int:
        return len(self._columns) - len(self.textual) * (self.size + 1)

    @cached_property
    def _categories(self) -> dict[str, dict[str | None, int]]:
        """Feature -> category -> its column."""
        place = 2 * len(self.numerical)
        found: dict[str, dict[str | None, int]] = {}
        for name in sorted(self.categorical):
            values = self.categorical[name]
            found[name] = {value: place + number for number, value in enumerate(values)}
            place += len(values)
        return found


def number_of(value: object) -> float | None:
    """A number that float32 can hold; None for anything else, NaN and truth values included."""
    if isinstance(value, float | int) and not isinstance(value, bool) and abs(value) < _TOO_LARGE:
        return float(value)
    return None


def category_of(value: object) -> str | None:
    """A category as text; None for nothing, blanks and anything else.

    A number is written without needless zeros, for JSON says 415 where CSV says "415".
    """
    if isinstance(value, str):
        return value.strip() or None
    number = number_of(value)
    if number is None:
        return None
    return str(int(number)) if number.is_integer() else repr(number)


def _unseen(name: str, what: str, profiles: Sequence[Features]) -> DatasetError:
    names = {name for profile in profiles for name in profile}
    hint = "take it out of the list" if name in names else did_you_mean(name, names)
    return DatasetError(
        f"feature {name!r} has no {what} among {len(profiles)} training profiles; {hint}"
    )
