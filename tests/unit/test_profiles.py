"""Profiles before they meet Kafka: what is refused and why, and what a table keeps when its topic is read anew."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka.structs import ConsumerRecord
from hypothesis import given
from hypothesis import strategies as st

from stream.calls.profile_records import profile_key, read_profile
from stream.calls.profile_store import ProfileStore
from stream.calls.profiles import ProfileTable
from stream.errors import FatalError, PoisonRecordError
from stream.kafka.whole_topic import Part
from stream.metrics import Metrics
from stream.records import CustomerProfile, encode
from stream.settings import Settings
from tests.walking import Events


def value_of(features: Any, customer: str = "c1", tenant: str = "acme") -> bytes:
    return json.dumps({"customer_id": customer, "tenant": tenant, "features": features}).encode()


# -- one record --------------------------------------------------------------------------------------


def test_features_are_numbers_strings_and_null() -> None:
    profile = read_profile(b"acme/c1", value_of({"age": 30, "plan": "basic", "score": None}))
    assert profile is not None
    assert profile.features == {"age": 30.0, "plan": "basic", "score": None}


@pytest.mark.parametrize(
    ("key", "value", "kind", "named"),
    [
        (
            b"acme/c1",
            value_of({"age": 3, "vip": True}),
            "wrong-shape",
            "'vip' is a truth value; send 0 or 1",
        ),
        (b"acme/c1", value_of({"tags": ["a"]}), "wrong-shape", "'tags' is a list"),
        (b"acme/c1", value_of({"home": {"city": "x"}}), "wrong-shape", "'home' is an object"),
        (b"acme/c1", value_of([1]), "wrong-shape", "features"),
        (b"acme/c1", b'{"tenant": "acme"}', "wrong-shape", "customer_id"),
        (
            b"acme/c1",
            b'{"customer_id": "c1", "features": {"n": 1e999}}',
            "wrong-shape",
            "out of range",
        ),
        (b"acme/c1", b"{", "bad-json", "JSON"),
        (b"acme/c2", value_of({}), "wrong-key", "tenant/customer_id"),
        (None, value_of({}), "wrong-key", "tenant/customer_id"),
        (b"c1", None, "wrong-key", "tombstone"),
    ],
)
def test_what_is_refused_says_why_and_quotes_no_value(
    key: bytes | None, value: bytes | None, kind: str, named: str
) -> None:
    with pytest.raises(PoisonRecordError) as caught:
        read_profile(key, value)
    assert caught.value.kind == kind
    assert named in caught.value.message


def test_a_tombstone_is_no_profile() -> None:
    assert read_profile(b"acme/c1", None) is None


# -- the store ---------------------------------------------------------------------------------------


def profile(tenant: str = "acme", customer: str = "c1", **features: Any) -> CustomerProfile:
    return CustomerProfile(tenant=tenant, customer_id=customer, features=features)


@pytest.fixture
def store() -> Iterator[ProfileStore]:
    store = ProfileStore()
    yield store
    store.close()


values = st.none() | st.text() | st.floats(allow_nan=False)


@given(st.dictionaries(st.text(), values), st.text(min_size=1), st.text(min_size=1))
def test_what_is_put_is_got(features: dict[str, Any], tenant: str, customer: str) -> None:
    store = ProfileStore()
    store.fill({profile_key(tenant, customer): profile(tenant, customer)})
    store.end_filling()
    store.change(
        {
            profile_key(tenant, customer): CustomerProfile(
                tenant=tenant, customer_id=customer, features=features
            )
        }
    )
    assert store.get_many([(tenant, customer)]) == [features]
    store.close()


def test_one_tenants_customer_is_not_anothers_though_their_keys_are_equal(
    store: ProfileStore,
) -> None:
    store.fill({"a/b/c": profile("a/b", "c", age=1.0)})
    store.end_filling()
    assert store.get_many([("a/b", "c"), ("a", "b/c")]) == [{"age": 1.0}, None]


def test_it_counts_what_it_holds_through_changes(store: ProfileStore) -> None:
    store.fill({f"acme/c{n}": profile(customer=f"c{n}") for n in range(5)})
    store.fill({"acme/c0": None, "acme/c9": None})
    store.end_filling()
    assert store.count == 4
    store.change(
        {"acme/c1": profile(age=2.0), "acme/c2": None, "acme/c7": profile(), "acme/c8": None}
    )
    assert store.count == 4
    assert [one is not None for one in store.get_many([("acme", f"c{n}") for n in range(8)])] == [
        False, True, False, True, True, False, False, True,
    ]  # fmt: skip


def test_nobody_can_open_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    store = ProfileStore()
    store.fill({"acme/c1": profile()})
    store.end_filling()
    assert list(tmp_path.iterdir()) == []
    store.change({f"acme/c{n}": profile(customer=f"c{n}", age=1.0) for n in range(5000)})
    assert store.get_many([("acme", "c4999")]) == [{"age": 1.0}]
    store.close()


# -- the table ---------------------------------------------------------------------------------------


class Topic:
    """Feeds a table what a reader of the topic would."""

    def __init__(self) -> None:
        self.metrics, self.events = Metrics(), Events()
        self.table = ProfileTable(Settings(), self.metrics, self.events)
        self.offset = 0

    def brings(self, *records: tuple[str, dict[str, Any] | bytes | None], reading: int = 1) -> None:
        self.table._write(Part([self._record(*record) for record in records], reading))

    def ends(self, reading: int = 1) -> None:
        self.table._write(Part((), reading, {0: self.offset}))

    def _record(self, customer: str, given: Any) -> ConsumerRecord[bytes, bytes]:
        key = f"acme/{customer}".encode()
        value = encode(profile(customer=customer, **given)) if isinstance(given, dict) else given
        self.offset += 1
        return ConsumerRecord("t", 0, self.offset, 0, 0, key, value, None, 0, 0, ())

    def known(self) -> dict[str, Any]:
        names = [f"c{n}" for n in range(1, 5)]
        found = self.table.get_many([("acme", name) for name in names])
        return {name: one["v"] for name, one in zip(names, found, strict=True) if one is not None}


@pytest.fixture
async def topic() -> Any:
    topic = Topic()
    yield topic
    await asyncio.wait_for(topic.table.close(), 10)


BAD = b'{"customer_id": "c1", "tenant": "acme", "features": {"v": true}}'


async def test_nothing_is_known_before_everything_is(topic: Topic) -> None:
    topic.brings(("c1", {"v": "a"}))
    assert topic.known() == {}
    topic.brings(("c1", {"v": "b"}), ("c2", {"v": "c"}))
    topic.ends()
    assert topic.known() == {"c1": "b", "c2": "c"}


async def test_a_bad_record_changes_nothing_and_is_counted(topic: Topic) -> None:
    topic.brings(("c1", {"v": "a"}), ("c1", BAD))
    topic.ends()
    topic.brings(("c1", BAD), ("c1", BAD))
    assert topic.known() == {"c1": "a"}
    assert topic.metrics.registry.get_sample_value("switchboard_profiles_refused_total") == 3
    [_, (event, facts)] = topic.events.seen
    assert (event, facts["count"]) == ("profiles_refused", 2)
    assert "0/3: " in facts["first"]


async def test_a_reading_anew_is_seen_whole_or_not_at_all(topic: Topic) -> None:
    topic.brings(("c1", {"v": "a"}), ("c2", {"v": "a"}))
    topic.ends()
    topic.brings(("c1", {"v": "old"}), reading=2)  # broken off
    topic.brings(("c1", {"v": "b"}), reading=3)
    assert topic.known() == {"c1": "a", "c2": "a"}
    topic.ends(reading=3)
    assert topic.known() == {"c1": "b"}
    topic.brings(("c3", {"v": "c"}), reading=3)
    assert topic.known() == {"c1": "b", "c3": "c"}


async def test_the_last_good_one_stays_though_a_reading_anew_has_only_the_bad_one(
    topic: Topic,
) -> None:
    topic.brings(("c1", {"v": "a"}), ("c2", {"v": "a"}), ("c3", {"v": "a"}), ("c4", {"v": "a"}))
    topic.ends()
    topic.brings(("c1", BAD), reading=2)  # the good one was compacted away
    topic.brings(("c2", {"v": "b"}), ("c2", BAD), reading=2)  # a newer good one is still there
    topic.brings(("c3", None), ("c3", BAD), reading=2)  # it was removed meanwhile
    topic.brings(("c4", BAD), ("c4", None), reading=2)
    topic.ends(reading=2)
    assert topic.known() == {"c1": "a", "c2": "b"}


async def test_a_full_disk_is_said_with_the_folder_and_the_way_out(topic: Topic) -> None:
    topic.brings(("c1", {"v": "a"}))
    topic.ends()
    store = topic.table._store
    assert store is not None
    store._writer.execute("PRAGMA max_page_count = 1")  # as many as there are
    record = topic._record("c2", {"v": "a" * 100_000})
    with pytest.raises(FatalError, match=r"full.*TMPDIR"):
        await topic.table._take(Part([record], 1))
    assert topic.known() == {"c1": "a"}


async def test_an_empty_topic_takes_nothing_away(topic: Topic) -> None:
    topic.brings(("c1", {"v": "a"}))
    topic.ends()
    topic.ends(reading=2)
    assert topic.known() == {"c1": "a"}
    topic.brings(("c2", {"v": "b"}), reading=2)
    assert topic.known() == {"c1": "a", "c2": "b"}
