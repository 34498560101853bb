"""Scores and dead letters of fragments in; what became of each fragment out: who scored it, or that it counts nothing.

16 bytes a fragment that is judged. Pure.
"""

from array import array
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from stream.calls.fold import NO_PROBABILITY

Model = tuple[str, str]  # name, version


@dataclass(frozen=True)
class Outcome:
    """What became of a fragment.

    Attributes:
        counts: its call knows it, unless it is partial or a duplicate.
        model: who scored it; None: nobody says.
        probability: in its score; None: there is none.
        fragments: as many count in the call, says the score.
        duplicate: says the score.
    """

    counts: bool
    model: Model | None = None
    probability: float | None = None
    fragments: int = 0
    duplicate: bool = False


REFUSED, UNSAID = Outcome(counts=False), Outcome(counts=True)
_NOTHING, _REFUSED, _UNSAID, _FIRST_MODEL = range(4)


class _Ref(msgspec.Struct):
    name: str
    version: str


class _Score(msgspec.Struct):
    model: _Ref
    probability: float
    fragments: int
    duplicate: bool


_DECODER = msgspec.json.Decoder(_Score)


class Outcomes:
    """What became of the fragments of some offsets.

    Args:
        ranges: offsets by input partition, as `topic/partition`.
    """

    def __init__(self, ranges: Mapping[str, range]) -> None:
        self._ranges = ranges
        self._said = {source: array("I", bytes(4 * len(span))) for source, span in ranges.items()}
        self._counts = {source: array("I", bytes(4 * len(span))) for source, span in ranges.items()}
        self._values = {source: array("d", bytes(8 * len(span))) for source, span in ranges.items()}
        self._models: list[Model] = []
        self._numbers: dict[Model, int] = {}

    def add_score(self, cause: str | None, value: bytes | None) -> None:
        """Enter a record of `churn-scores`; one that cannot be read says nothing, and is damaged in the ledger."""
        try:
            score = _DECODER.decode(value or b"")
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return
        model = score.model.name, score.model.version
        number = self._numbers.get(model)
        if number is None:
            number = self._numbers[model] = _FIRST_MODEL + len(self._models)
            self._models.append(model)
        self._enter(cause, number, score.probability, 2 * score.fragments + score.duplicate)

    def add_letter(self, cause: str | None, stage: str, kind: str) -> None:
        """Enter a dead letter. Where the model gave no number, or its answer was too large, the fragment counts."""
        counts = stage == "output" or (stage, kind) == ("infer", NO_PROBABILITY)
        self._enter(cause, _UNSAID if counts else _REFUSED, 0.0, 0)

    def _enter(self, cause: str | None, said: int, value: float, count: int) -> None:
        source, _, number = (cause or "").rpartition("/")
        span = self._ranges.get(source)
        # else it is no fragment's, or one that is not judged; the ledger says so
        if span is not None and number.isdecimal() and len(number) < 20 and int(number) in span:
            index = int(number) - span.start
            self._said[source][index], self._values[source][index] = said, value
            self._counts[source][index] = count % 2**32

    def of(self, source: str, offset: int) -> Outcome | None:
        """What became of a fragment; None: nothing was found, or it is not in the ranges."""
        span = self._ranges.get(source)
        if span is None or offset not in span:
            return None
        said = self._said[source][offset - span.start]
        if said < _FIRST_MODEL:
            return (None, REFUSED, UNSAID)[said]
        probability = self._values[source][offset - span.start]
        fragments, duplicate = divmod(self._counts[source][offset - span.start], 2)
        model = self._models[said - _FIRST_MODEL]
        return Outcome(True, model, probability, fragments, bool(duplicate))
