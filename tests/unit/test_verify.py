"""The verifier's book, proved on histories with faults put in on purpose: each is found, and a clean one is clean."""

import dataclasses
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import PoisonRecordError
from stream.outputs import Inbound, dead_letter
from stream.records import Source
from stream.verify.content import Fingerprint
from stream.verify.ledger import Kind, Ledger, OutputRecord, OutputTopic
from stream.verify.verdict import MOST_NAMES, Found, Verdict

LIVE = "p-inbound-emails"
ANSWERS = OutputTopic("p-classifications", Kind.ANSWER, frozenset({LIVE}))
TEXTS = OutputTopic("p-cleaned-emails", Kind.TEXT, frozenset({LIVE}))
LETTERS = OutputTopic(
    "p-dead-letters", Kind.LETTER, frozenset({LIVE}), frozenset({"p-case-outcomes"})
)
KEY, VALUE = b"customer", b"\xff not a mail"


@dataclass
class History:
    """What lies in the topics: inputs by partition, the topics' records in their order.

    `dedicated`: committed offsets of the groups beside the general one; `theirs`: the group of an input, by its name.
    """

    inputs: dict[str, list[int]]
    outputs: list[tuple[OutputTopic, OutputRecord]] = field(default_factory=list)
    committed: dict[str, int] = field(default_factory=dict)
    ahead_of: dict[str, int] | None = None
    all_seen: bool = True
    value: bytes = VALUE
    dedicated: list[dict[str, int]] = field(default_factory=list)
    theirs: dict[str, int] = field(default_factory=dict)

    def verdict(self, begin: int = 0) -> Verdict:
        ranges = {
            source: range(begin, max(offsets, default=-1) + 2)
            for source, offsets in self.inputs.items()
        }
        ledger = Ledger(ranges, frozenset({LIVE}), 1 + len(self.dedicated))
        for cause, group in self.theirs.items():
            source, _, offset = cause.rpartition("/")
            if int(offset) >= begin:
                ledger.assign(source, int(offset), group)
        for topic, record in self.outputs:
            ledger.add_output(topic, record)
        for source, offsets in self.inputs.items():
            for offset in offsets:
                if offset >= begin:
                    ledger.add_input(source, offset, KEY, self.value)
        after = self.committed if self.ahead_of is None else self.ahead_of
        before = [self.committed, *self.dedicated]
        return ledger.close(before, [after, *self.dedicated], all_seen=self.all_seen)


def answer(cause: str, topic: OutputTopic = ANSWERS, partition: int = 0) -> OutputRecord:
    source, partition_, offset = cause.rsplit("/", 2)
    place = {"topic": source, "partition": int(partition_), "offset": int(offset)}
    value = json.dumps({"id": f"id of {cause}", "source": place, "status": "classified"}).encode()
    return OutputRecord(partition, 0, f"id of {cause}".encode(), value, cause)


def letter(cause: str, value: bytes | None = VALUE, payload: bytes | None = None) -> OutputRecord:
    return OutputRecord(0, 0, KEY, value, cause, payload)


def both(cause: str) -> list[tuple[OutputTopic, OutputRecord]]:
    return [(ANSWERS, answer(cause)), (TEXTS, answer(cause, TEXTS))]


@st.composite
def clean_histories(draw: st.DrawFn) -> History:
    """Two partitions with gaps, each input an answer with its text or a dead letter, partitions interleaved."""
    offsets = st.lists(st.integers(0, 60), unique=True, min_size=2, max_size=30).map(sorted)
    history = History({f"{LIVE}/{number}": draw(offsets) for number in range(2)})
    history.committed = {source: found[-1] + 1 for source, found in history.inputs.items()}
    queues = [[f"{source}/{at}" for at in found] for source, found in history.inputs.items()]
    while queues := [queue for queue in queues if queue]:
        cause = draw(st.sampled_from(queues)).pop(0)
        history.outputs += [(LETTERS, letter(cause))] if draw(st.booleans()) else both(cause)
    return history


def causes(history: History) -> list[str]:
    return [f"{source}/{at}" for source, found in history.inputs.items() for at in found]


def outputs_of(history: History, cause: str) -> list[tuple[OutputTopic, OutputRecord]]:
    return [output for output in history.outputs if output[1].cause == cause]


def only(kind: str, *names: str) -> Verdict:
    """A verdict's faults when nothing but this was found."""
    return dataclasses.replace(Verdict(), **{kind: Found(len(names), names)})


def same_faults(found: Verdict, expected: Verdict) -> bool:
    return found.faults() == expected.faults()


@given(clean_histories())
def test_a_clean_history_is_always_clean(history: History) -> None:
    verdict = history.verdict()
    assert verdict.holds, verdict
    assert verdict.inputs == len(causes(history)) == verdict.answers + verdict.letters
    assert verdict.texts == verdict.answers


@given(clean_histories(), st.data())
def test_a_loss_is_always_found(history: History, data: st.DataObject) -> None:
    lost = data.draw(st.sampled_from(causes(history)))
    history.outputs = [output for output in history.outputs if output[1].cause != lost]
    assert same_faults(history.verdict(), only("lost", lost))


@given(clean_histories(), st.data())
def test_a_duplicate_is_always_found(history: History, data: st.DataObject) -> None:
    twice = data.draw(st.sampled_from(causes(history)))
    again = outputs_of(history, twice)
    place = history.outputs.index(again[-1]) + 1
    history.outputs[place:place] = again
    assert same_faults(history.verdict(), only("duplicated", twice))


@given(clean_histories(), st.data())
def test_an_answer_and_a_letter_of_one_input_are_a_duplicate(
    history: History, data: st.DataObject
) -> None:
    twice = data.draw(st.sampled_from(causes(history)))
    is_letter = outputs_of(history, twice)[0][0] is LETTERS
    # in a partition of its own: where among the others it lies is another question
    more = both(twice) if is_letter else [(LETTERS, letter(twice))]
    history.outputs += [(topic, dataclasses.replace(record, partition=9)) for topic, record in more]
    assert same_faults(history.verdict(), only("duplicated", twice))


@given(clean_histories(), st.data())
def test_a_swap_is_always_found(history: History, data: st.DataObject) -> None:
    source = data.draw(st.sampled_from(sorted(history.inputs)))
    first, second = [f"{source}/{at}" for at in history.inputs[source][:2]]
    history.outputs = [
        output for output in history.outputs if output[1].cause not in (first, second)
    ]
    history.outputs[:0] = [*both(second), *both(first)]
    assert same_faults(history.verdict(), only("out_of_order", first, first))


@given(clean_histories(), st.data())
def test_an_output_of_a_record_that_is_not_there_is_always_found(
    history: History, data: st.DataObject
) -> None:
    source = data.draw(st.sampled_from(sorted(history.inputs)))
    there = history.inputs[source]
    gap = data.draw(st.integers(0, there[-1] + 50).filter(lambda at: at not in there))
    at_its_place = [
        place
        for place, (_, record) in enumerate(history.outputs)
        if (parts := str(record.cause).rpartition("/"))[0] == source and int(parts[2]) > gap
    ]
    place = min(at_its_place, default=len(history.outputs))
    history.outputs.insert(place, (LETTERS, letter(f"{source}/{gap}")))
    verdict = history.verdict()
    assert verdict.foreign.names == (f"{source}/{gap}",)


@given(clean_histories(), st.data())
def test_an_output_above_the_committed_offset_is_always_found(
    history: History, data: st.DataObject
) -> None:
    source = data.draw(st.sampled_from(sorted(history.inputs)))
    last = history.inputs[source][-1]
    history.committed[source] = last
    verdict = history.verdict()
    assert same_faults(verdict, only("ahead", f"{source}/{last}"))


@given(clean_histories(), st.data())
def test_a_letter_that_differs_from_its_input_is_always_found(
    history: History, data: st.DataObject
) -> None:
    cause = data.draw(st.sampled_from(causes(history)))
    before = outputs_of(history, cause)
    place = history.outputs.index(before[0])
    key, value = data.draw(
        st.tuples(st.none() | st.binary(), st.none() | st.binary()).filter(
            lambda pair: pair != (KEY, VALUE)
        )
    )
    damaged = dataclasses.replace(letter(cause), key=key, value=value)
    history.outputs[place : place + len(before)] = [(LETTERS, damaged)]
    history.outputs = [o for o in history.outputs if o not in before]
    assert history.verdict().damaged.names == (f"{cause}: letter: differs from its input",)


# -- what the laws leave out ---------------------------------------------------------------------

CAUSE = f"{LIVE}/0/3"


def history(*outputs: tuple[OutputTopic, OutputRecord], committed: int = 4) -> History:
    return History({f"{LIVE}/0": [3]}, list(outputs), {f"{LIVE}/0": committed})


def test_an_input_that_is_not_committed_yet_waits_and_is_not_lost() -> None:
    verdict = history(committed=3).verdict()
    assert verdict.holds
    assert verdict.waiting == 1


def test_outputs_of_a_group_without_offsets_are_ahead() -> None:
    found = history(*both(CAUSE))
    found.committed = {}
    assert same_faults(found.verdict(), only("ahead", CAUSE))


def test_an_answer_that_came_while_outputs_were_read_is_not_ahead() -> None:
    found = history(*both(CAUSE), committed=3)
    found.ahead_of = {f"{LIVE}/0": 4}
    assert found.verdict().holds


@pytest.mark.parametrize(
    ("outputs", "texts"),
    [([(ANSWERS, answer(CAUSE))], 0), ([*both(CAUSE), both(CAUSE)[1]], 2)],
    ids=["none", "two"],
)
def test_an_answer_has_one_cleaned_email(
    outputs: Sequence[tuple[OutputTopic, OutputRecord]], texts: int
) -> None:
    verdict = history(*outputs).verdict()
    assert same_faults(verdict, only("without_text", CAUSE))
    assert verdict.texts == texts


@pytest.mark.parametrize(
    "cause",
    [
        "p-inbound-emails/0/9",  # nothing was ever there
        "p-inbound-emails/7/3",  # no such partition
        "q-inbound-emails/0/3",
        "p-inbound-emails/0/-1",
        "p-inbound-emails/0/three",
        "p-inbound-emails/0/99999999999999999999",
        "3",
        "",
    ],
)
def test_an_output_id_that_names_no_input_is_foreign(cause: str) -> None:
    verdict = history(*both(CAUSE), (LETTERS, letter(cause))).verdict()
    assert same_faults(verdict, only("foreign", cause))


def test_an_output_id_of_thousands_of_digits_is_foreign_and_cut_short() -> None:
    ledger = Ledger({"p-inbound-emails/0": range(2)}, frozenset())
    topic = OutputTopic("p-classifications", Kind.ANSWER, frozenset({"p-inbound-emails"}))
    ledger.add_output(topic, OutputRecord(0, 0, b"1", b"{}", "p-inbound-emails/0/" + "9" * 5000))
    [name] = ledger.close([{}], [{}], all_seen=True).foreign.names
    assert len(name) <= 200


def test_an_output_without_an_output_id_is_foreign_and_named_by_its_own_place() -> None:
    nameless = OutputRecord(2, 17, KEY, VALUE, None)
    verdict = history(*both(CAUSE), (LETTERS, nameless)).verdict()
    assert same_faults(verdict, only("foreign", "p-dead-letters/2/17 has no output-id"))


def test_letters_of_topics_that_are_not_judged_are_counted_aside() -> None:
    verdict = history(*both(CAUSE), (LETTERS, letter("p-case-outcomes/0/8"))).verdict()
    assert verdict.holds
    assert (verdict.letters, verdict.unjudged) == (0, 1)


def test_a_classification_of_a_topic_that_has_none_is_foreign() -> None:
    other = "p-case-outcomes/0/8"
    verdict = history(*both(CAUSE), (ANSWERS, answer(other))).verdict()
    assert same_faults(verdict, only("foreign", other))


def test_outputs_of_inputs_that_retention_took_are_counted_and_not_judged() -> None:
    verdict = history(*both(f"{LIVE}/0/1"), *both(CAUSE)).verdict(begin=2)
    assert verdict.holds
    assert verdict.unjudged == 2


def test_behind_an_open_transaction_nothing_is_called_lost() -> None:
    found = history((TEXTS, answer(CAUSE, TEXTS)))
    found.all_seen = False
    assert found.verdict().holds
    assert found.verdict().undecided == 1
    found.all_seen = True
    assert {name for name, fault in found.verdict().faults().items() if fault.count} == {
        "lost",
        "without_text",
    }


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"key": b"another"}, "its key is not its id"),
        ({"key": None}, "its key is not its id"),
        ({"value": answer(f"{LIVE}/0/2").value}, f"its source says {LIVE}/0/2"),
        ({"value": b'{"id": "id"}'}, "is no record of its topic"),
        ({"value": b"\xff"}, "is no record of its topic"),
        ({"value": None}, "is no record of its topic"),
    ],
)
def test_an_answer_that_contradicts_itself_is_damaged(
    changes: dict[str, bytes | None], why: str
) -> None:
    damaged = dataclasses.replace(answer(CAUSE), **changes)
    verdict = history((ANSWERS, damaged), (TEXTS, answer(CAUSE, TEXTS))).verdict()
    assert same_faults(verdict, only("damaged", f"{CAUSE}: answer: {why}"))


@pytest.mark.parametrize(
    ("value", "payload", "is_damaged"),
    [
        (None, b"too-large", False),
        (VALUE, b"too-large", True),
        (None, None, True),
        (None, b"lost it", True),
        (VALUE, b"lost it", False),
    ],
)
def test_a_letter_may_be_empty_only_when_it_says_why(
    value: bytes | None, payload: bytes | None, is_damaged: bool
) -> None:
    verdict = history((LETTERS, letter(CAUSE, value, payload))).verdict()
    assert verdict.holds is not is_damaged
    assert verdict.damaged.count == is_damaged


def test_a_letter_whose_key_did_not_fit_either_is_no_damage() -> None:
    keyless = dataclasses.replace(letter(CAUSE, None, b"too-large"), key=None)
    assert history((LETTERS, keyless)).verdict().holds
    other = dataclasses.replace(keyless, key=b"another")
    assert history((LETTERS, other)).verdict().damaged.count == 1


@pytest.mark.parametrize(("limit_bytes", "withheld"), [(1_000_000, False), (50_000, True)])
def test_the_letters_that_the_worker_writes_are_undamaged(limit_bytes: int, withheld: bool) -> None:
    source = Source(topic=LIVE, partition=0, offset=3)
    error = PoisonRecordError("decode", "bad-json", "no JSON")
    value = random.Random(1).randbytes(60_000)
    written = dead_letter(
        LETTERS.name, Inbound(source, KEY, value, ()), error, datetime.now(UTC), limit_bytes
    )
    headers = dict(written.headers)
    record = OutputRecord(
        0, 0, written.key, written.value, headers["output-id"].decode(), headers.get("payload")
    )
    assert record.withheld is withheld
    found = history((LETTERS, record))
    found.value = value
    assert found.verdict().holds


def test_all_are_counted_and_the_first_are_named() -> None:
    found = History({f"{LIVE}/0": list(range(5000))}, [], {f"{LIVE}/0": 4000})
    verdict = found.verdict()
    assert verdict.lost.count == 4000
    assert verdict.lost.names == tuple(f"{LIVE}/0/{at}" for at in range(MOST_NAMES))
    assert verdict.waiting == 1000


@pytest.mark.parametrize("times", [2, 3, 4, 9])
def test_however_often_it_was_answered_it_is_one_duplicated_input(times: int) -> None:
    verdict = history(*both(CAUSE) * times).verdict()
    assert same_faults(verdict, only("duplicated", CAUSE))


def test_a_missing_key_or_value_is_not_an_empty_one() -> None:
    prints = {
        Fingerprint.of(key, value, withheld=False)
        for key in (None, b"", b"-", b"ab")
        for value in (None, b"", b"-", b"b")
    }
    assert len(prints) == 16
