"""Inputs and outputs in, in any order; who has none, several, or the wrong one out. Pure, a byte per input record.

A second byte where several groups answer the inputs (dedicated workers): order holds within a group, and a group's
committed offset speaks for its own inputs only.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from operator import and_

from stream.verify.content import Fingerprint, answer_fault
from stream.verify.verdict import Found, Names, Verdict

TOO_LARGE = b"too-large"
MOST_NAME_LENGTH = 200
MOST_DIGITS = 19  # of an offset, 64 bits


class Kind(IntEnum):
    """What an output is; the value is the place of its counter in an input's byte."""

    ANSWER = 0
    LETTER = 2
    TEXT = 4


# An input's byte: two bits of counter per kind, which stop at 3, and whether the record is there.
COUNTER = 0b11
VISIBLE = 0b100_0000


def _table(holds: Callable[[int, int, int], bool], *, visible: bool = True) -> bytes:
    """For `bytes.translate`: 1 where the numbers of answers, letters and texts make it so."""
    return bytes(
        bool(mark & VISIBLE) is visible
        and holds(*(mark >> kind & COUNTER for kind in (Kind.ANSWER, Kind.LETTER, Kind.TEXT)))
        for mark in range(256)
    )


_THERE = bytes(bool(mark & VISIBLE) for mark in range(256))
_UNANSWERED = _table(lambda answers, letters, _: answers + letters == 0)
_TWICE = _table(lambda answers, letters, _: answers + letters > 1)
_ANY = _table(lambda answers, letters, texts: answers + letters + texts > 0)
_FOREIGN = _table(lambda answers, letters, texts: answers + letters + texts > 0, visible=False)
_EQUALS = [bytes(number == group for number in range(256)) for group in range(256)]
_WITHOUT_TEXT = _table(lambda answers, _, texts: answers != texts)


@dataclass(frozen=True)
class OutputTopic:
    """One topic of outputs.

    Attributes:
        name: with the prefix.
        kind: what its records are.
        causes: input topics whose records may have caused one, and are judged.
        unjudged: topics whose records may have caused one, and are not.
    """

    name: str
    kind: Kind
    causes: frozenset[str]
    unjudged: frozenset[str] = frozenset()


@dataclass(frozen=True)
class OutputRecord:
    """One record of an output topic, without what the verifier does not look at."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    cause: str | None
    payload: bytes | None = None

    @property
    def withheld(self) -> bool:
        """Its bytes did not fit, and were left out on purpose."""
        return self.payload == TOO_LARGE


class Ledger:
    """The book of one verification: who answers, where groups share the inputs; outputs, then inputs, then `close`.

    Args:
        ranges: offsets that are judged, by input partition as `topic/partition`; the end is one that no cause
            can have reached when the outputs were written.
        with_texts: input topics whose answers come with a cleaned e-mail each.
        groups: how many consumer groups share the inputs; all are those of group 0 until `assign` says otherwise.
    """

    def __init__(
        self, ranges: Mapping[str, range], with_texts: frozenset[str], groups: int = 1
    ) -> None:
        self._ranges = ranges
        self._with_texts = with_texts
        self._groups = (
            {source: bytearray(len(span)) for source, span in ranges.items()} if groups > 1 else {}
        )
        self._marks = {source: bytearray(len(span)) for source, span in ranges.items()}
        self._last: dict[tuple[str, int, str, int], int] = {}
        self._letters: dict[tuple[str, int], Fingerprint] = {}
        self._outputs = dict.fromkeys(Kind, 0)
        self._unjudged = 0
        self._foreign, self._out_of_order, self._damaged = Names(), Names(), Names()

    def assign(self, source: str, offset: int, group: int) -> None:
        """Enter which group answers an input of `ranges`, before any output."""
        self._groups[source][offset - self._ranges[source].start] = group

    def add_output(self, topic: OutputTopic, record: OutputRecord) -> None:
        """Enter one output; those of one output partition in the order of their offsets."""
        cause = record.cause
        if cause is None:
            place = f"{topic.name}/{record.partition}/{record.offset}"
            self._foreign.add(f"{place} has no output-id")
            return
        source, _, number = cause.rpartition("/")
        name = source.rpartition("/")[0]
        if name in topic.unjudged:
            self._unjudged += 1
            return
        self._outputs[topic.kind] += 1
        span = self._ranges.get(source)
        is_offset = len(number) <= MOST_DIGITS and number.isascii() and number.isdecimal()
        offset = int(number) if is_offset else -1
        if name not in topic.causes or span is None or not 0 <= offset < span.stop:
            self._foreign.add(cause[:MOST_NAME_LENGTH])
            return
        index = offset - span.start
        if index >= 0 or not self._groups:  # else nobody knows the group of what is so old
            group = self._groups[source][index] if self._groups else 0
            self._check_order((topic.name, record.partition, source, group), offset, cause)
        if index < 0:
            self._unjudged += 1
            return
        self._mark(source, index, topic.kind)
        self._check_content(topic.kind, record, cause, (source, offset))

    def _check_order(self, lane: tuple[str, int, str, int], offset: int, cause: str) -> None:
        last = self._last.get(lane, -1)
        if offset < last:
            self._out_of_order.add(cause)
        self._last[lane] = max(last, offset)

    def _mark(self, source: str, index: int, kind: Kind) -> None:
        marks = self._marks[source]
        if marks[index] >> kind & COUNTER < COUNTER:
            marks[index] += 1 << kind

    def _check_content(
        self, kind: Kind, record: OutputRecord, cause: str, place: tuple[str, int]
    ) -> None:
        if kind is not Kind.LETTER:
            if fault := answer_fault(record.key, record.value, cause):
                self._damaged.add(f"{cause}: {kind.name.lower()}: {fault}")
        elif record.withheld and record.value is not None:
            self._damaged.add(f"{cause}: letter: has a value, and says that it was too large")
        elif not (record.withheld and record.key is None):  # else its key did not fit either
            self._letters[place] = Fingerprint.of(
                record.key, record.value, withheld=record.withheld
            )

    def add_input(self, source: str, offset: int, key: bytes | None, value: bytes | None) -> None:
        """Enter one visible input record of `ranges`, when all outputs are in."""
        self._marks[source][offset - self._ranges[source].start] |= VISIBLE
        letter = self._letters.get((source, offset))
        if letter is not None and letter != Fingerprint.of(key, value, withheld=letter.withheld):
            self._damaged.add(f"{source}/{offset}: letter: differs from its input")

    def close(
        self,
        before: Sequence[Mapping[str, int]],
        after: Sequence[Mapping[str, int]],
        *,
        all_seen: bool,
    ) -> Verdict:
        """Judge.

        Args:
            before: of each group its committed offsets by input partition, asked for before the ends of the outputs.
            after: the same, asked for when all outputs had been read.
            all_seen: no open transaction hid outputs; else nothing is called lost.
        """
        texts = [source for source in self._ranges if source.rpartition("/")[0] in self._with_texts]
        lost = self._found_below(before, _UNANSWERED)
        without_text = self._found(_WITHOUT_TEXT, sources=texts)
        return Verdict(
            inputs=self._found(_THERE).count,
            answers=self._outputs[Kind.ANSWER],
            letters=self._outputs[Kind.LETTER],
            texts=self._outputs[Kind.TEXT],
            waiting=self._found_from(before, _UNANSWERED).count,
            undecided=0 if all_seen else lost.count,
            unjudged=self._unjudged,
            lost=lost if all_seen else Found(),
            duplicated=self._found(_TWICE),
            out_of_order=self._out_of_order.found(),
            foreign=self._found(_FOREIGN, self._foreign),
            ahead=self._found_from(after, _ANY),
            damaged=self._damaged.found(),
            without_text=without_text if all_seen else Found(),
        )

    def _found(
        self, table: bytes, names: Names | None = None, sources: Iterable[str] | None = None
    ) -> Found:
        """Inputs whose byte the table marks, after those that `names` holds already."""
        names = names or Names()
        for source in self._ranges if sources is None else sources:
            names.add_marked(
                source, self._ranges[source].start, self._marks[source].translate(table)
            )
        return names.found()

    def _found_below(self, committed: Sequence[Mapping[str, int]], table: bytes) -> Found:
        """Of the inputs below the committed offset of their group, those that the table marks."""
        return self._found_beside(committed, table, slice)

    def _found_from(self, committed: Sequence[Mapping[str, int]], table: bytes) -> Found:
        """The same of those at or above it."""
        return self._found_beside(committed, table, lambda index: slice(index, None))

    def _found_beside(
        self,
        committed: Sequence[Mapping[str, int]],
        table: bytes,
        side_of: Callable[[int], slice],
    ) -> Found:
        names = Names()
        for group, offsets in enumerate(committed):
            for source, span in self._ranges.items():
                # without an offset the group has read nothing
                index = min(max(offsets.get(source, 0) - span.start, 0), len(span))
                side = side_of(index)
                marked = bytes(self._marks[source][side].translate(table))
                if self._groups:
                    own = self._groups[source][side].translate(_EQUALS[group])
                    marked = bytes(map(and_, marked, own))
                names.add_marked(source, span.start + (side.start or 0), marked)
        return names.found()
