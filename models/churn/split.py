"""Divides examples into those to learn from, to choose by and to measure on; no customer is on two sides.

By time where examples have one, else by the order of a hash in each class: the rules of `models.rows.split`.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from models.churn.joining import Example
from models.labels import TrainingRow
from models.rows.errors import DatasetError
from models.rows.split import HELD_OUT_SHARE, TIMED_SHARE, SplitFacts, split_rows


@dataclass(frozen=True)
class ChurnSplit:
    """Places of the examples by use, each rising, and how test examples were chosen."""

    learn: list[int]
    validation: list[int]
    test: list[int]
    facts: SplitFacts

    @property
    def known(self) -> list[int]:
        """Those to learn from and to choose by."""
        return [*self.learn, *self.validation]


def split_examples(
    examples: Sequence[Example], seed: int = 0, share: float = HELD_OUT_SHARE
) -> ChurnSplit:
    """Keep `share` back for testing, then `share` of the rest for validation.

    Args:
        examples: of both classes.
        seed: of the order of the hash; nothing is drawn where examples have times.
        share: of the examples.

    Raises:
        DatasetError: a part cannot be made, or has one class only.
    """
    rest, test, facts = _hold_out(examples, list(range(len(examples))), seed, share)
    learn, validation, _ = _hold_out(examples, rest, seed, share)
    for name, part in (("learn", learn), ("validation", validation), ("test", test)):
        left = sum(examples[place].churned for place in part)
        if left in {0, len(part)}:
            when = ", the newest" * (facts.rule == "time" and name != "learn")
            raise DatasetError(
                f"of {len(part)} {name} examples{when}, {left} left: both answers are needed; "
                f"add outcomes of those who {'stayed' if left else 'left'}"
            )
    return ChurnSplit(learn, validation, test, facts)


def _hold_out(
    examples: Sequence[Example], places: list[int], seed: int, share: float
) -> tuple[list[int], list[int], SplitFacts]:
    """Some examples in two parts, and how they were chosen."""
    timed = sum(examples[place].time_s is not None for place in places)
    if timed >= TIMED_SHARE * len(places):
        return _divide(examples, places, seed, share)
    # A customer who left once is one of those who left: rare ones are then in every part.
    gone = {examples[place].customer for place in places if examples[place].churned}
    parts = [
        [n for n in places if (examples[n].customer in gone) is left] for left in (True, False)
    ]
    learn, kept, facts = zip(
        *(_divide(examples, part, seed, share) for part in parts if part), strict=True
    )
    both = SplitFacts(
        rule="hash",
        groups=sum(one.groups for one in facts),
        largest_group=max(one.largest_group for one in facts),
    )
    return sorted(n for part in learn for n in part), sorted(n for part in kept for n in part), both


def _divide(
    examples: Sequence[Example], places: list[int], seed: int, share: float
) -> tuple[list[int], list[int], SplitFacts]:
    numbers: dict[str, int] = {}
    rows = [_row(examples[place], seed) for place in places]
    groups = [numbers.setdefault(examples[place].customer, len(numbers)) for place in places]
    split = split_rows(rows, share, groups)
    return [places[n] for n in split.learn], [places[n] for n in split.kept], split.facts


def _row(example: Example, seed: int) -> TrainingRow:
    """What `split_rows` reads: a time, and a text to hash. It folds digits away, so that an id would not do."""
    text = hashlib.sha256(f"{seed}/{example.customer}".encode()).hexdigest()
    time = (
        None if example.time_s is None else datetime.fromtimestamp(example.time_s, UTC).isoformat()
    )
    return TrainingRow(id=example.key, body=text, received_at=time)
