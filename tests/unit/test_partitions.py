"""A key lies where every other Kafka client looks for it."""

import pytest
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.partitioner import murmur2 as murmur2_of_the_client
from hypothesis import given
from hypothesis import strategies as st

from stream.kafka.partitions import MAX_HASHED_KEY_BYTES, murmur2, partitions_of

KEYS = st.lists(st.binary(max_size=70), min_size=1, max_size=20)


@given(KEYS)
def test_the_hash_of_a_window_is_the_client_s_hash_of_each_key(keys: list[bytes]) -> None:
    assert murmur2(keys).tolist() == [murmur2_of_the_client(key) for key in keys]


@given(KEYS, st.integers(1, 50))
def test_a_key_lies_where_the_client_puts_it(keys: list[bytes], partitions: int) -> None:
    numbers = list(range(partitions))
    client = DefaultPartitioner()
    assert partitions_of(keys, partitions) == [client(key, numbers, numbers) for key in keys]


@pytest.mark.parametrize(
    ("key", "expected"),  # from Kafka's own test, org.apache.kafka.common.utils.UtilsTest
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_the_hash_is_java_s(key: bytes, expected: int) -> None:
    assert murmur2([key]).tolist() == [expected % 2**32]


def test_a_key_of_megabytes_is_placed_at_once_and_always_alike() -> None:
    long = b"k" * (8 * 1024 * 1024)
    first, second, short = partitions_of([long, long, b"abc"], 7)
    assert first == second
    assert short == partitions_of([b"abc"], 7)[0]
    assert len(long) > MAX_HASHED_KEY_BYTES


def test_no_keys_no_partitions() -> None:
    assert partitions_of([], 4) == []
