"""The verifier of calls: clean on what the fold writes, and each fault put in on purpose is found by name."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from models.churn.sums import pack, unpack
from stream.calls.fold import NO_PROBABILITY, fold_window
from stream.calls.state import CallState, Side, decode_state, encode_state, state_key
from stream.errors import PoisonRecordError
from stream.kafka.admin import TopicState
from stream.outputs import OUTPUT_ID
from stream.records import CallFragment, ChurnScore, CustomerProfile, encode
from stream.tenants import ALL_ALIKE
from stream.topics import CALL_TRANSCRIPTS, CHURN_SCORES, CHURN_STATE, TOPICS
from stream.verify import VerifyOptions, no_bundle
from stream.verify.calls import CallProof, _stands_at
from stream.verify.differences import Differences
from stream.verify.groups import Groups
from stream.verify.layout import Layout
from stream.verify.ledger import Kind, OutputRecord, OutputTopic
from stream.verify.outcomes import Outcomes
from stream.verify.proof import _Proof
from stream.verify.reading import Place
from stream.verify.recount import Recount
from stream.verify.states import CLOCK_SKEW_MS, CallsFound, Partition, Profile, States, Stored
from tests.churn_fakes import (
    AGES,
    HOUR_MS,
    FakeChurnBundle,
    FakeChurnModels,
    FakeProfiles,
    empty_table,
    item,
    with_rows,
)
from tests.unit.test_verify import History, letter, only, same_faults

BUNDLE = FakeChurnBundle()
SOURCE = f"{CALL_TRANSCRIPTS}/0"
KEY = state_key("default", "c")
MONTHS = {("default", "jane"): {"months": 3.0, "plan": "gold"}}


def profile_of(customer: str, months: float) -> CustomerProfile:
    return CustomerProfile(customer_id=customer, features={"months": months, "plan": "gold"})


LONG_AGO_MS = -CLOCK_SKEW_MS - 1
JANE = Profile(profile_of("jane", 3.0), LONG_AGO_MS)


@dataclass
class Told:
    """Fragments of one partition as a worker folded them, a minute apart; what it wrote, to be spoilt.

    Args:
        fragments: in the order of their offsets.
        cuts: how many each window takes; the last one again and again.
        then: models from the offset `swap_at` on.
        at_hand: bundles of the verifier.
        known: profiles that it reads.
    """

    fragments: Sequence[CallFragment]
    cuts: Sequence[int] = (1,)
    models: Any = field(default_factory=lambda: FakeChurnModels({"default": BUNDLE}))
    profiles: FakeProfiles = field(default_factory=lambda: FakeProfiles(MONTHS))
    then: Any = None
    swap_at: int = 0
    at_hand: Collection[Any] = (BUNDLE,)
    known: Mapping[str, Profile] = field(default_factory=lambda: {"default/jane": JANE})

    def __post_init__(self) -> None:
        self.partition = Partition(f"{CHURN_STATE}/0", SOURCE)
        self.outcomes = Outcomes({SOURCE: range(len(self.fragments))})
        self.scores: list[ChurnScore | PoisonRecordError] = []
        self.now_ms = len(self.fragments) * 60_000
        self.committed = len(self.fragments)
        table, cuts = empty_table(), list(self.cuts)
        while len(self.scores) < len(self.fragments):
            first = len(self.scores)
            count = cuts.pop(0) if len(cuts) > 1 else cuts[0]
            window = [
                item(fragment, first + place, (first + place) * 60_000)
                for place, fragment in enumerate(self.fragments[first : first + count])
            ]
            models = self.then if self.then and first >= self.swap_at else self.models
            with_rows(window, table, models)
            self.scores += fold_window(window, table, models, self.profiles, 0)
            for record in table.staged():
                at = first + len(window) - 1
                self.partition.stored[record.key] = Stored(record.value, at)
            table.merge({0: first + len(window)})
        for offset, score in enumerate(self.scores):
            self.enter(offset, score)

    def enter(self, offset: int, score: ChurnScore | PoisonRecordError) -> None:
        cause = f"{SOURCE}/{offset}"
        if isinstance(score, PoisonRecordError):
            self.outcomes.add_letter(cause, score.stage, score.kind)
        else:
            self.outcomes.add_score(cause, encode(score))

    def found(self) -> CallsFound:
        """What the verifier says."""
        at_hand = {(one.name, one.version): one for one in self.at_hand}

        def bundles(name: str, version: str) -> Any:
            return at_hand.get((name, version))

        recount = Recount(AGES, bundles)
        for offset, fragment in enumerate(self.fragments):
            key = state_key(fragment.tenant, fragment.call_id)
            stored = self.partition.stored.get(key)
            stands_at = -1 if stored is None else stored.stands_at or -1
            if offset <= stands_at or offset < self.committed:
                outcome = self.outcomes.of(SOURCE, offset)
                is_heard = stored is not None and stored.value is not None
                recount.add(key, fragment, offset * 60_000, outcome, is_heard=is_heard)
        judged = States(Differences(AGES, bundles))
        judged.profiles.update(self.known)
        judged.compare(self.partition, recount.calls, self.now_ms)
        return judged.found()

    def faults(self) -> list[str]:
        """The words about the call `c`."""
        found = self.found().wrong_states
        assert found.count == len(found.names)
        assert all(name.startswith(f"{CHURN_STATE}/0 'default/c': ") for name in found.names)
        return [fault for name in found.names for fault in name.partition("': ")[2].split("; ")]

    def change(self, **fields: Any) -> None:
        """Spoil the stored state of `c`."""
        stored = self.partition.stored[KEY]
        state = replace(self.state, **fields)
        self.partition.stored[KEY] = Stored(encode_state(state), stored.stands_at)

    @property
    def state(self) -> CallState:
        value = self.partition.stored[KEY].value
        assert value is not None
        return decode_state(KEY, value)


def said(seq: int, text: str | None = None, call: str = "c", **fields: Any) -> CallFragment:
    return CallFragment(
        call_id=call,
        seq=seq,
        text=f"word{seq} of {call}" if text is None else text,
        speaker=("customer", "agent")[seq % 2],
        **fields,
    )


def talk(count: int = 6) -> list[CallFragment]:
    return [said(seq, customer_id="jane" if seq == 1 else None) for seq in range(count)]


fragments = st.builds(
    said,
    st.integers(0, 9),
    st.sampled_from(["", "I want to leave", "thank you so much"]),
    st.sampled_from(["c", "d"]),
    customer_id=st.sampled_from([None, "jane", "joe"]),
    event=st.sampled_from(["segment", "segment", "started", "completed", "failed"]),
    partial=st.sampled_from([False, False, False, True]),
)


@given(st.lists(fragments, min_size=1, max_size=30), st.lists(st.integers(1, 9), min_size=1))
def test_what_the_fold_writes_is_always_clean(told: list[CallFragment], cuts: list[int]) -> None:
    found = Told(told, cuts).found()
    counted = {one.call_id for one in told if not one.partial}
    assert found == CallsFound(len(counted), 0, 0, found.wrong_states)
    assert not found.wrong_states.names


@given(st.integers(1, 5))
def test_a_window_whose_states_were_not_written_is_found(kept: int) -> None:
    told, before = Told(talk()), Told(talk()[:kept])
    told.partition.stored = before.partition.stored
    assert f"seen 0-{kept - 1}, should be 0-5" in told.faults()


def test_a_fragment_that_was_added_twice_is_found() -> None:
    told = Told(talk())
    side = told.state.customer
    total = unpack(side.total, 16) + BUNDLE.row("word0 of c")
    told.change(customer=replace(side, total=pack(total)))
    [apart, probability] = told.faults()
    assert apart.startswith("customer: sums ")
    assert apart.endswith("units apart, 3 may be")
    assert "its model says" in probability


@pytest.mark.parametrize(("units", "is_wrong"), [(3, False), (4, True)])
def test_sums_may_be_one_unit_apart_for_each_fragment(units: int, *, is_wrong: bool) -> None:
    told = Told(talk())
    total = unpack(told.state.customer.total, 16)
    total[5] += units
    told.change(customer=replace(told.state.customer, total=pack(total)))
    assert bool(told.faults()) is is_wrong


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"seen": (0, 5)}, "seen 0-4, should be 0-5"),
        ({"seen": (0, 2, 3, 7)}, "seen 0-1,3-6, should be 0-5"),
        ({"customer_id": "joe"}, "another customer"),
        ({"customer_seq": 4}, "another customer"),
        ({"version": "2"}, "model churn/2, should be churn/1"),
        ({"probability": None}, "probability None, the last score says"),
        ({"size": 8, "customer": Side(), "agent": Side()}, "sums of 8 numbers, its model has 16"),
    ],
)
def test_what_a_state_says_wrongly_is_named(change: dict[str, Any], why: str) -> None:
    told = Told(talk())
    told.change(**change)
    assert any(fault.startswith(why) for fault in told.faults())


def test_a_call_counts_once_however_much_of_it_is_wrong() -> None:
    told = Told(talk())
    told.change(seen=(0, 5), customer_id="joe")
    assert len(told.faults()) > 1
    assert told.found().wrong_states.count == 1


def test_a_state_that_tells_of_fragments_nobody_has_committed_is_found() -> None:
    told = Told(talk())
    told.partition.committed = 6
    assert not told.faults()
    told.partition.committed = 5
    assert told.faults() == ["stands at 5, committed is 5"]
    told.outcomes = Outcomes({SOURCE: range(6)})
    assert told.faults() == ["stands at 5, committed is 5"], "its scores were not written either"
    told.partition.stored[KEY] = Stored(None, 5)
    assert told.faults() == ["stands at 5, committed is 5"], "a tombstone too"


@pytest.mark.parametrize("number", ["9" * 5000, "-1", "", "5x"])
def test_a_state_whose_offset_is_no_offset_says_none(number: str) -> None:
    record: Any = SimpleNamespace(headers=((OUTPUT_ID, f"{SOURCE}/{number}".encode()),))
    assert _stands_at(record, SOURCE) is None


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"fragments": 5}, "score of seq 3: fragments 5, should be 4"),
        ({"duplicate": True}, "score of seq 3: fragments 4, duplicate, should be 4"),
    ],
)
def test_a_score_that_miscounts_is_named(fields: dict[str, Any], why: str) -> None:
    told = Told(talk())
    score = told.scores[3]
    assert isinstance(score, ChurnScore)
    told.enter(3, replace(score, **fields))
    assert told.faults() == [why]


def test_other_counts_of_words_and_other_times_are_named() -> None:
    told = Told([*talk(), said(6, event="completed")])
    told.change(agent=replace(told.state.agent, characters=1))
    [counts, probability] = [*told.faults(), ""][:2]
    assert (counts, probability) == ("agent: 3 fragments of 1 characters, should be 3 of 30", "")
    told = Told([*talk(), said(6, event="completed")])
    told.change(life=replace(told.state.life, ended=None))
    assert told.faults() == ["times 0-360000, should be 0-360000, completed 360000"]


def test_a_probability_is_the_models_where_the_profile_is_older_than_the_call() -> None:
    told = [said(0, customer_id="jane")]
    assert not Told(told).faults()
    other = profile_of("jane", 30.0)
    wrong = Told(told, known={"default/jane": Profile(other, LONG_AGO_MS)})
    assert "its model says" in wrong.faults()[0]
    for since_ms in (0, None):  # it changed meanwhile, or nobody knows which is the last good one
        assert not Told(told, known={"default/jane": Profile(other, since_ms)}).faults()


def test_a_state_that_is_missing_or_came_from_nowhere_or_is_damaged_is_found() -> None:
    told = Told(talk())
    told.partition.stored = {KEY: Stored(None, 5)}
    assert told.faults() == ["no state, 6 fragments count"]
    told = Told(talk())
    told.partition.stored.clear()
    assert told.faults() == ["no state, 6 fragments count"]
    stray, other = Told(talk()), Told([said(0, call="d")])
    other.partition.stored = {**other.partition.stored, **stray.partition.stored}
    assert other.faults() == ["no fragment counts in it"]
    told = Told(talk())
    told.partition.stored[KEY] = Stored(b"\xc1", 5)
    assert "is damaged" in told.faults()[0]
    told = Told(talk())
    told.partition.stored[KEY] = Stored(told.partition.stored[KEY].value, None)
    assert told.faults() == ["no output-id"]


def test_silence_and_forgetting_are_no_faults_once_their_time_has_come() -> None:
    told = Told(talk())
    silent = AGES.at(told.state.life, AGES.due_ms(told.state.life))
    told.change(life=silent)
    assert told.faults()[0].startswith("times 0-300000, silent"), "too early"
    told.now_ms = 3 * HOUR_MS
    assert not told.faults()
    told.partition.stored = {KEY: Stored(None, 5)}
    assert told.faults() == ["no state, 6 fragments count"], "forgotten too early"
    told.now_ms = 27 * HOUR_MS
    assert not told.faults()


def test_what_cannot_be_compared_is_counted_and_no_fault() -> None:
    for spoil in (
        lambda told: setattr(told.partition, "is_hidden", True),
        lambda told: (told.partition.stored.clear(), told.partition.moved.add(KEY)),
        lambda told: vars_of(told.partition, is_trimmed=True, oldest_ms=60_000),
        lambda told: vars_of(
            told.partition, is_trimmed=True, oldest_ms=0
        ),  # its first batch is cut
        lambda told: vars_of(told, outcomes=Outcomes({SOURCE: range(6)})),
    ):
        told = Told(talk())
        spoil(told)
        found = told.found()
        assert (found.states, found.states_unjudged, found.wrong_states.count) == (0, 1, 0)


def vars_of(thing: object, **values: object) -> None:
    for name, value in values.items():
        setattr(thing, name, value)


def test_without_the_bundle_words_are_not_compared_and_all_else_is() -> None:
    told = Told(talk(), at_hand=())
    found = told.found()
    assert (found.states, found.states_unheard, found.wrong_states.count) == (1, 1, 0)
    told = Told(talk(), at_hand=())
    told.change(seen=(0, 5))
    assert told.faults() == ["seen 0-4, should be 0-5"]
    in_int8 = FakeChurnBundle(encoder_key="encoder@int8")
    assert Told(talk(), at_hand=[in_int8]).found().states_unheard == 1


def test_a_letter_says_whether_its_fragment_counts() -> None:
    for stage, kind, counts in (
        ("infer", "no-churn-model", False),
        ("infer", "not-a-number", False),
        ("infer", NO_PROBABILITY, True),
        ("output", "too-large", True),
        ("validate", "no-text", False),
    ):
        told = Told(talk())
        told.enter(5, PoisonRecordError(stage, kind, ""))
        assert bool(told.faults()) is not counts, (stage, kind)


@pytest.mark.parametrize(("encoder_key", "heard"), [("encoder@fp32", 6), ("another@fp32", 3)])
def test_sums_go_on_or_begin_anew_with_another_model_as_the_workers_do(
    encoder_key: str, heard: int
) -> None:
    second = FakeChurnBundle(version="2", encoder_key=encoder_key)
    told = Told(talk(), then=FakeChurnModels({"default": second}), swap_at=3)
    assert (told.state.version, told.state.seen) == ("2", (0, 6))
    assert told.state.customer.fragments + told.state.agent.fragments == heard
    told.at_hand = (BUNDLE, second)
    found = told.found()
    assert (found.states_unheard, found.wrong_states.names) == (0, ())
    told.at_hand = (second,)
    assert told.found().states_unheard == 1, "nobody knows what was said before"


async def test_calls_that_are_over_and_left_no_state_do_not_stay_in_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A topic of months has many; every other offset here is a marker of a transaction."""
    monkeypatch.setattr("stream.verify.calls.FORGET_EVERY", 10)
    cluster: Any = SimpleNamespace()
    proof = CallProof(cluster, LAYOUT, Groups("g", ALL_ALIKE), AGES, no_bundle)
    proof.judge({FRAGMENTS: range(200)})
    proof._committed = [{SOURCE: 200}]

    async def records(spans: Any, on_record: Callable[[Place, Any], None]) -> None:
        for offset in range(1, 200, 2):
            one = said(0, call=f"c{offset}")
            record = SimpleNamespace(
                offset=offset,
                timestamp=offset * HOUR_MS,
                key=one.call_id.encode(),
                value=encode(one),
            )
            on_record(FRAGMENTS, record)

    cluster.records = records
    partition = Partition(f"{CHURN_STATE}/0", SOURCE)
    partition.stored[state_key("default", "c1")] = Stored(b"", 1)
    held = (await proof._count(FRAGMENTS, partition)).calls
    kept_hours = (AGES.silent_ms + AGES.ended_keep_ms) // HOUR_MS
    assert len(held) <= 1 + kept_hours // 2 + 10
    assert state_key("default", "c1") in held, "it is compared"


@pytest.mark.parametrize("count", [4, 6])
def test_a_swap_behind_a_dead_letter_that_counts_is_no_fault(count: int) -> None:
    """The letter does not say which model has heard its fragment."""
    second = FakeChurnBundle(version="2", encoder_key="another@fp32")
    told = Told(talk(count), then=FakeChurnModels({"default": second}), swap_at=3)
    told.at_hand = (BUNDLE, second)
    told.enter(3, PoisonRecordError("output", "too-large", ""))
    found = told.found()
    assert (found.states_unheard, found.wrong_states.names) == (1, ())


# -- the ledger's faults, of calls -----------------------------------------------------------------

CALLS = f"p-{CALL_TRANSCRIPTS}"
SCORES = OutputTopic("p-churn-scores", Kind.ANSWER, frozenset({CALLS}))
LETTERS = OutputTopic("p-dead-letters", Kind.LETTER, frozenset({CALLS}))


def score(cause: str, call: str = "c") -> tuple[OutputTopic, OutputRecord]:
    topic, partition, offset = cause.rsplit("/", 2)
    source = {"topic": topic, "partition": int(partition), "offset": int(offset)}
    return SCORES, OutputRecord(0, 0, b"c", encode_json(call_id=call, source=source), cause)


def encode_json(**fields: Any) -> bytes:
    return encode(fields)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("0 1 2 3", {}),
        ("0 2 3", {"lost": f"{CALLS}/0/1"}),
        ("0 1 1 2 3", {"duplicated": f"{CALLS}/0/1"}),
        ("0 2 1 3", {"out_of_order": f"{CALLS}/0/1"}),
        ("0 1 2 3 7", {"foreign": f"{CALLS}/0/7"}),
        ("0 1 2 3 4", {"ahead": f"{CALLS}/0/4"}),
    ],
)
def test_each_fault_among_scores_is_found(order: str, expected: dict[str, str]) -> None:
    outputs = [score(f"{CALLS}/0/{offset}") for offset in order.split()]
    history = History({f"{CALLS}/0": [0, 1, 2, 3, 4]}, outputs, {f"{CALLS}/0": 4})
    verdict = history.verdict()
    [(kind, name)] = expected.items() or [("lost", "")]
    assert same_faults(verdict, only(kind, name) if name else only(kind))


def test_a_score_under_another_key_and_a_letter_beside_a_score_are_found() -> None:
    cause = f"{CALLS}/0/0"
    history = History({f"{CALLS}/0": [0]}, [score(cause, "another")], {f"{CALLS}/0": 1})
    assert history.verdict().damaged.names == (f"{cause}: answer: its key is not its id",)
    history.outputs = [score(cause), (LETTERS, letter(cause))]
    assert same_faults(history.verdict(), only("duplicated", cause))


# -- the order of reading --------------------------------------------------------------------------

FRAGMENTS, STATES, SAID = (Place(name, 0) for name in (CALL_TRANSCRIPTS, CHURN_STATE, CHURN_SCORES))
LAYOUT = Layout({topic.name: TopicState(topic.name, 1, 1_000_000) for topic in TOPICS})


class BusyCalls:
    """Stands for `reading.Cluster`: between any two questions fragments come, and a transaction takes one step.

    Its steps: states are written, scores are written, all of it is committed. What is not committed is hidden.
    """

    def __init__(self, pace: int) -> None:
        self.pace, self.steps = pace, 0
        self.fragments: list[CallFragment] = []
        self.table, self.models = empty_table(), FakeChurnModels({"default": BUNDLE})
        self.logs: dict[Place, list[tuple[bytes, bytes | None, int]]] = {STATES: [], SAID: []}
        self.visible = {STATES: 0, SAID: 0}
        self.position = self.taken = 0
        self.open_scores: list[Any] = []
        for _ in range(20):
            self.work()

    def work(self) -> None:
        for _ in range(2):
            number = len(self.fragments)
            self.fragments.append(said(number // 5, call=f"c{number % 5}"))
        step, self.steps = self.steps % 3, self.steps + 1
        if step == 0:
            end = min(self.position + self.pace, len(self.fragments))
            window = [item(self.fragments[at], at, at) for at in range(self.position, end)]
            with_rows(window, self.table, self.models)
            self.open_scores = fold_window(window, self.table, self.models, FakeProfiles(), 0)
            self.taken = end
            self.logs[STATES] += [(r.key, r.value, end - 1) for r in self.table.staged()]
        elif step == 1:
            for at, one in enumerate(self.open_scores, self.position):
                self.logs[SAID].append((one.call_id.encode(), encode(one), at))
        else:
            self.table.merge({0: self.taken})
            self.position = self.taken
            self.visible = {place: len(log) for place, log in self.logs.items()}

    def size(self, place: Place, *, stable: bool) -> int:
        if place == FRAGMENTS:
            return len(self.fragments)
        if place in self.logs:
            return self.visible[place] if stable else len(self.logs[place])
        return 0

    async def ends(self, places: Collection[Place]) -> dict[Place, int]:
        self.work()
        return {place: self.size(place, stable=False) for place in places}

    async def stable_ends(self, places: Collection[Place]) -> dict[Place, int]:
        self.work()
        return {place: self.size(place, stable=True) for place in places}

    async def begins(self, places: Collection[Place]) -> dict[Place, int]:
        self.work()
        return dict.fromkeys(places, 0)

    async def committed(
        self, group: int, places: Collection[Place], within_s: float
    ) -> tuple[dict[Place, int], list[Place]]:
        while self.steps % 3:
            self.work()  # a stable offset is one without a transaction that is open
        return ({FRAGMENTS: self.position} if FRAGMENTS in places else {}), []

    async def records(
        self,
        spans: Mapping[Place, range],
        on_record: Callable[[Place, Any], None],
        settled_at_s: float = 0,
    ) -> dict[Place, int]:
        for place, span in spans.items():
            while self.size(place, stable=True) < span.stop:
                self.work()
            for offset in span:
                on_record(place, self.record(place, offset))
        return {}

    def record(self, place: Place, offset: int) -> Any:
        if place == FRAGMENTS:
            one, cause = self.fragments[offset], 0
            key, value = one.call_id.encode(), encode(one)
        else:
            key, value, cause = self.logs[place][offset]
        headers = ((OUTPUT_ID, f"{FRAGMENTS.topic}/0/{cause}".encode()),)
        return SimpleNamespace(
            partition=0, offset=offset, timestamp=offset, key=key, value=value, headers=headers
        )


@pytest.mark.parametrize("pace", [1, 4, 9, 30])
@pytest.mark.parametrize("head_start", range(3))
async def test_calls_at_work_are_clean_at_any_moment(
    pace: int, head_start: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stream.verify.calls.time.time_ns", lambda: 0)
    cluster: Any = BusyCalls(pace)
    for _ in range(head_start):
        cluster.work()
    options = VerifyOptions(bundles=lambda name, version: BUNDLE)  # pyright: ignore[reportArgumentType]
    verdict = await _Proof(cluster, LAYOUT, options, Groups("g", ALL_ALIKE), AGES).verdict()
    assert verdict.holds, verdict
    assert verdict.states + verdict.states_unjudged == 5
    assert verdict.states > 0
    assert verdict.states_unheard == 0
