"""Three files as examples: what belongs together, what is left out and counted, what is refused before training."""

import json
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.churn.dataset import ChurnData, ChurnFiles, check_learned, read_churn_data
from models.churn.joining import Example
from models.churn.profile_rows import read_profiles
from models.churn.split import split_examples
from models.rows.errors import DatasetError

BOTH = 'numerical = ["tenure"]\ncategorical = ["plan"]\ntextual = ["customer"]\n'
CUSTOMERS = 20


class World:
    """Files of twenty customers with a call each; every second one left."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.features(BOTH)
        self.write("profiles.csv", "customer_id,tenure,plan", *(f"T{n},{n},a" for n in self.all))
        self.calls(*({"customer_id": f"T{n}"} for n in self.all))
        self.outcomes("call_id,churned", *(f"c{n},{self.answer(n)}" for n in self.all))

    all = range(CUSTOMERS)

    @staticmethod
    def answer(number: int) -> str:
        return "yes" if number % 2 else "no"

    def write(self, name: str, *rows: str) -> Path:
        path = self.folder / name
        path.write_text("\n".join(rows), encoding="utf-8")
        return path

    def features(self, content: str) -> None:
        self.write("FEATURES.toml", content)

    def calls(self, *owners: dict[str, object]) -> None:
        fragments = ({"call_id": f"c{n}", "seq": 0, "text": "hi"} | x for n, x in enumerate(owners))
        self.write("calls.jsonl", *map(json.dumps, fragments))

    def outcomes(self, *rows: str) -> None:
        self.write("outcomes.csv", *rows)

    def read(self, *left_out: str, tenant: str = "default", refusing: str = "") -> ChurnData:
        paths = {name: self.folder / name for name in ("profiles.csv", "calls.jsonl")}
        profiles, calls = (None if name in left_out else path for name, path in paths.items())
        return read_churn_data(
            ChurnFiles(
                self.folder / "FEATURES.toml",
                self.folder / "outcomes.csv",
                profiles,
                calls,
                tenant,
                lambda one: one != refusing,
            )
        )

    def refusal(self, *left_out: str) -> str:
        with pytest.raises(DatasetError) as refused:
            self.read(*left_out)
        return str(refused.value)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_an_outcome_of_a_call_brings_its_words_and_the_profile_of_its_customer(
    world: World,
) -> None:
    data = world.read()
    assert len(data.examples) == CUSTOMERS
    example = data.examples[3]
    assert (example.key, example.customer, example.churned) == ("/c3", "/T3", True)
    assert example.features == {"tenure": 3.0, "plan": "a"}
    assert example.call is not None
    assert example.call.fragments[0].text == "hi"
    assert [file.name for file in data.files] == ["profiles.csv", "calls.jsonl", "outcomes.csv"]
    assert data.notes == ()


def test_an_outcome_of_a_customer_is_that_of_the_only_call(world: World) -> None:
    world.outcomes("customer_id,churned", *(f"T{n},{world.answer(n)}" for n in world.all))
    data = world.read()
    assert [one.key for one in data.examples] == [f"/c{n}" for n in world.all]


def test_outcomes_may_say_whose_a_call_is(world: World) -> None:
    world.calls(*({} for _ in world.all))
    world.outcomes(
        "call_id,customer_id,churned", *(f"c{n},T{n},{world.answer(n)}" for n in world.all)
    )
    assert world.read().examples[4].features == {"tenure": 4.0, "plan": "a"}


def test_profiles_alone_need_no_calls_and_one_file_may_be_both_profiles_and_outcomes(
    world: World,
) -> None:
    world.features('numerical = ["tenure"]')
    rows = ("customer_id,tenure,churn", *(f"T{n},{n},{world.answer(n)}" for n in world.all))
    world.write("profiles.csv", *rows)
    world.outcomes(*rows)
    data = world.read("calls.jsonl")
    assert [one.call for one in data.examples] == [None] * CUSTOMERS
    assert data.examples[1].features == {"tenure": 1.0}


def test_words_alone_need_no_profiles_and_say_when_they_are_not_read(world: World) -> None:
    world.features('textual = ["agent"]')
    data = world.read()
    assert all(one.features is None for one in data.examples)
    assert data.notes == ("profiles are not read: no feature of a profile is named",)
    assert world.read("profiles.csv").examples == data.examples


def test_what_cannot_be_joined_is_counted(world: World) -> None:
    world.calls(*({"customer_id": "T0" if n > 17 else f"X{n}"} for n in world.all))
    rows = [f"{n % 2}," + (f"c{n}," if n < 14 else f",X{n}") for n in world.all]
    world.outcomes("churned,call_id,customer_id", *rows, "1,gone,", "0,,T0", "1,,X15")
    world.write("profiles.csv", "customer_id,tenure,plan", *(f"X{n},1,a" for n in range(10)))
    data = world.read()
    assert len(data.examples) == 18
    assert data.notes == (
        "1 outcomes stand there twice",
        "8 calls are of customers without a profile; they stay",
        "2 calls have no outcome, or none that can be used",
        "1 outcomes are of calls that are not there",
        "1 outcomes are of customers with several calls; say which (call_id)",
        "2 outcomes are of customers without a call",
    )


def test_one_id_of_two_tenants_is_two_calls_and_files_without_a_tenant_fit_both(
    world: World,
) -> None:
    world.features('textual = ["customer"]')
    rows = [
        {"call_id": f"c{n}", "seq": 0, "text": tenant, "tenant": tenant}
        for tenant in ("one", "two")
        for n in world.all
    ]
    world.write("calls.jsonl", *map(json.dumps, rows))
    outcomes = [f"c{n},{world.answer(n)}" for n in world.all]
    world.outcomes("call_id,churned", *outcomes)
    assert "20 outcomes are of calls that are not there" in world.refusal()
    world.outcomes("call_id,churned,tenant", *(f"{row},two" for row in outcomes))
    examples = world.read().examples
    assert {(one.tenant, one.call and one.call.fragments[0].text) for one in examples} == {
        ("two", "two")
    }
    world.write("calls.jsonl", *map(json.dumps, rows[:CUSTOMERS]))
    world.outcomes("call_id,churned", *outcomes)
    assert {one.tenant for one in world.read().examples} == {"one"}


def test_a_tenants_model_never_learns_from_another_tenant_or_without_consent(world: World) -> None:
    tenants = ["one" if n < 12 else "two" for n in world.all]
    world.calls(*({"customer_id": f"T{n}", "tenant": tenant} for n, tenant in enumerate(tenants)))
    assert len(world.read().examples) == 20
    own = world.read(tenant="one")
    assert [one.tenant for one in own.examples] == ["one"] * 12
    assert "8 outcomes are of other tenants" in own.notes
    willing = world.read(refusing="two")
    assert {one.tenant for one in willing.examples} == {"one"}
    assert "8 outcomes are of tenants that did not consent to training" in willing.notes


@pytest.mark.parametrize("answer", ["yes", "no"])
def test_one_answer_alone_is_refused(world: World, answer: str) -> None:
    world.outcomes("call_id,churned", *(f"c{n},{answer}" for n in world.all))
    left = 20 if answer == "yes" else 0
    assert f"of 20 outcomes that can be learned from {left} left and {20 - left} stayed" in (
        world.refusal()
    )


def test_files_that_have_nothing_in_common_are_told_with_ids_of_both(world: World) -> None:
    world.outcomes("call_id,churned", *(f"x{n},{world.answer(n)}" for n in world.all))
    message = world.refusal()
    assert "20 outcomes are of calls that are not there" in message
    assert "ids of calls are like 'c0', 'c1', 'c2'" in message
    world.outcomes("call_id,churned", *(f"c{n},{world.answer(n)}" for n in world.all))
    world.write("profiles.csv", "customer_id,tenure,plan", *(f"K{n},{n},a" for n in world.all))
    assert "ids of customers are like 'K0', 'K1', 'K2' there, and like 'T0'" in world.refusal()


def test_features_without_their_file_are_refused(world: World) -> None:
    assert "names 'tenure' of a profile, and no profiles are named" in world.refusal("profiles.csv")
    assert "no calls are named; name them (--calls FILE)" in world.refusal("calls.jsonl")


def test_a_feature_that_no_profile_has_is_refused_with_the_nearest_name(world: World) -> None:
    world.features('numerical = ["tenur"]\ntextual = ["customer"]')
    message = world.refusal()
    assert "FEATURES.toml: feature 'tenur' has no number" in message
    assert "did you mean 'tenure'?" in message


def test_without_a_file_of_features_one_is_proposed_that_can_be_used_as_it_is(world: World) -> None:
    rows = (f"T{n},{n},{'ab'[n % 2]},x,name {n},{n % 2}" for n in world.all)
    world.write("profiles.csv", "customer_id,tenure,plan,same,name,senior", *rows)
    (world.folder / "FEATURES.toml").unlink()
    said, *proposed = world.refusal().split("\n")
    assert "FEATURES.toml cannot be read" in said
    assert proposed == [
        'numerical = ["tenure"]',
        'categorical = ["plan", "senior"]',
        'textual = ["customer", "agent"]',
    ]
    world.features("\n".join(proposed))
    assert len(world.read().examples) == CUSTOMERS


def test_words_where_numbers_are_listed_are_told_with_their_rows(world: World) -> None:
    rows = [f"T{n},{'n/a' if n in {2, 7} else n},a" for n in world.all]
    world.write("profiles.csv", "customer_id,tenure,plan", *rows)
    first, second = world.refusal().split("\n")
    assert "profiles.csv:4: tenure='n/a' is no number" in first
    assert "profiles.csv:9: " in second


def test_calls_in_which_nobody_speaks_are_refused(world: World) -> None:
    world.calls(*({"customer_id": f"T{n}", "text": " "} for n in world.all))
    assert "nobody says anything in 20 calls" in world.refusal()


def test_a_feature_that_only_those_kept_back_have_is_refused_before_training(world: World) -> None:
    known = (f"T{n},{n if n < 4 else ''},{'ab'[n > 9]}" for n in world.all)
    world.write("profiles.csv", "customer_id,tenure,plan", *known)
    world.features('numerical = ["tenure"]\ncategorical = ["plan"]\ntextual = ["customer"]')
    data = world.read()
    files = ChurnFiles(world.folder / "FEATURES.toml", world.folder / "outcomes.csv")
    check_learned(data, range(20), files)
    with pytest.raises(
        DatasetError,
        match=r"FEATURES.toml: of the 16 examples .* feature 'tenure' has no number .* take it out",
    ):
        check_learned(data, range(4, 20), files)


# -- the split -----------------------------------------------------------------------------------


def example(number: int, customer: int, churned: bool, time_s: float | None = None) -> Example:
    return Example(f"/c{number}", f"/T{customer}", None, None, None, churned, time_s)


@given(
    st.lists(st.tuples(st.integers(0, 60), st.booleans()), min_size=60, max_size=120),
    st.integers(0, 3),
)
def test_no_customer_is_on_two_sides_and_every_example_is_on_one(
    rows: list[tuple[int, bool]], seed: int
) -> None:
    examples = [example(n, customer, left) for n, (customer, left) in enumerate(rows)]
    try:
        split = split_examples(examples, seed)
    except DatasetError:
        return
    parts = (split.learn, split.validation, split.test)
    assert sorted(place for part in parts for place in part) == list(range(len(rows)))
    sides = defaultdict(set)
    for number, part in enumerate(parts):
        for place in part:
            sides[examples[place].customer].add(number)
    assert all(len(own) == 1 for own in sides.values())


def test_rare_leavers_are_in_every_part_and_another_seed_gives_another_split() -> None:
    examples = [example(n, n, n < 6) for n in range(200)]
    splits = [split_examples(examples, seed) for seed in range(5)]
    for split in splits:
        assert len(split.test) == 40
        assert split.facts.rule == "hash"
        for part in (split.learn, split.validation, split.test):
            assert any(place < 6 for place in part)
    assert len({tuple(split.test) for split in splits}) == 5
    assert split_examples(examples, 0) == splits[0]


def test_where_examples_have_times_the_newest_are_tested() -> None:
    examples = [example(n, n, n % 3 == 0, 1e9 + n * 86400) for n in range(100)]
    split = split_examples(examples)
    assert split.test == list(range(80, 100))
    assert split.validation == list(range(64, 80))
    assert split.facts.rule == "time"
    assert (split.facts.tested_from or "").startswith("2001-11-28")


def test_a_part_with_one_answer_is_refused() -> None:
    examples = [example(n, n, n < 50, float(n)) for n in range(100)]
    with pytest.raises(
        DatasetError, match=r"of 16 validation examples, the newest, 0 left.*who left"
    ):
        split_examples(examples)


# -- real tables ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["churn_mlc.test.csv", "churn_ibm_telco.test.csv"])
def test_real_tables_are_read_whole(tmp_path: Path, shared_data: Path, name: str) -> None:
    path = shared_data / "profiles" / name
    table = read_profiles(path)
    numbers = [k for k in table.rows[0].features if isinstance(table.rows[0].features[k], float)]
    words = sorted(table.rows[0].features.keys() - set(numbers))
    features = tmp_path / "FEATURES.toml"
    features.write_text(f"numerical = {numbers}\ncategorical = {words}\n", encoding="utf-8")
    data = read_churn_data(ChurnFiles(features, path, path))
    lines = path.read_text("utf-8").splitlines()[1:]
    assert len(data.examples) == len(lines)
    assert sum(one.churned for one in data.examples) == sum(x.endswith(",yes") for x in lines)
    assert data.notes == ()
