"""What the verifier found: counts that are exact, and the first names of each kind of fault."""

from dataclasses import dataclass
from datetime import datetime

MOST_NAMES = 20


@dataclass(frozen=True)
class Found:
    """One kind of fault: how many, and the first of them by name."""

    count: int = 0
    names: tuple[str, ...] = ()


class Names:
    """Collects faults of one kind: all are counted, the first `MOST_NAMES` are kept."""

    def __init__(self) -> None:
        self._count = 0
        self._names: list[str] = []

    def add(self, name: str) -> None:
        """Count one fault."""
        self._count += 1
        if len(self._names) < MOST_NAMES:
            self._names.append(name)

    def add_marked(self, source: str, first: int, marked: bytes | bytearray) -> None:
        """Count the records of an input partition whose byte is 1; the first byte is that of offset `first`."""
        self._count += marked.count(1)
        place = marked.find(1)
        while place >= 0 and len(self._names) < MOST_NAMES:
            self._names.append(f"{source}/{first + place}")
            place = marked.find(1, place + 1)

    def found(self) -> Found:
        """What was added, as a value."""
        return Found(self._count, tuple(self._names))


@dataclass(frozen=True)
class Verdict:
    """The result of one verification. Records are named `topic/partition/offset`.

    Attributes:
        inputs: visible input records that were judged.
        answers: classifications and churn scores that were read.
        letters: dead letters that were read, but for those of topics that are not judged.
        texts: cleaned e-mails that were read.
        waiting: inputs that their group has not committed yet; no fault.
        undecided: inputs without an output while an open transaction hides a part of the outputs.
        unjudged: outputs of inputs that are too old, deleted, or of a topic that is not judged.
        judged_since: older inputs were not judged, because of `since` or because outputs of that age were deleted.
        lost: inputs below the committed offset of their group without an output.
        duplicated: inputs with more than one output.
        out_of_order: outputs behind one of a later record of their input partition and group, in the same output
            partition.
        foreign: outputs that name no visible input record, or none at all.
        ahead: inputs at or after the committed offset of their group that have an output.
        damaged: outputs whose content contradicts their input or their own `output-id`.
        without_text: inputs whose cleaned e-mails are fewer or more than their classifications.
        open_transactions: partitions in which a transaction stayed open.
        overdue: partitions in which records still waited when the time for that was over.
    """

    inputs: int = 0
    answers: int = 0
    letters: int = 0
    texts: int = 0
    waiting: int = 0
    undecided: int = 0
    unjudged: int = 0
    judged_since: datetime | None = None
    lost: Found = Found()
    duplicated: Found = Found()
    out_of_order: Found = Found()
    foreign: Found = Found()
    ahead: Found = Found()
    damaged: Found = Found()
    without_text: Found = Found()
    open_transactions: Found = Found()
    overdue: Found = Found()

    def faults(self) -> dict[str, Found]:
        """Every kind of fault by its name, also those that were not found."""
        return {name: value for name, value in vars(self).items() if isinstance(value, Found)}

    @property
    def holds(self) -> bool:
        """Nothing was found."""
        return not any(found.count for found in self.faults().values())
