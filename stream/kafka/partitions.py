"""Keys in, partition numbers out: Kafka's default partitioner for a whole window at once. Pure; knows no client.

The client's own hashes one key in Python at 10 µs, twice a mail; here a window's keys go word by word through NumPy.
"""

import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

# Longer keys come with dead letters only; in Python their hash would hold the event loop for seconds.
MAX_HASHED_KEY_BYTES = 1024
_SEED, _FACTOR = np.uint32(0x9747B28C), np.uint32(0x5BD1E995)

Words = npt.NDArray[np.uint32]


def partitions_of(keys: Sequence[bytes], partitions: int) -> list[int]:
    """The partition of each key: where Java's client and aiokafka put it.

    Args:
        keys: at most 1,024 bytes each; a longer one is spread by its CRC-32 instead.
        partitions: of the topic.
    """
    short = [key if len(key) <= MAX_HASHED_KEY_BYTES else b"" for key in keys]
    places: list[int] = ((murmur2(short) & np.uint32(0x7FFFFFFF)) % np.uint32(partitions)).tolist()
    for number, key in enumerate(keys):
        if len(key) > MAX_HASHED_KEY_BYTES:
            places[number] = zlib.crc32(key) % partitions
    return places


def murmur2(keys: Sequence[bytes]) -> Words:
    """MurmurHash2 with Kafka's seed, uint32 [N].

    Source: org.apache.kafka.common.utils.Utils.murmur2 (A. Appleby's MurmurHash2, 32 bits).
    """
    lengths = np.fromiter(map(len, keys), np.uint32, len(keys))  # [N]
    full = lengths // 4
    width = 4 * (int(full.max(initial=0)) + 1)
    padded = b"".join(key.ljust(width, b"\0") for key in keys)
    words = np.frombuffer(padded, np.dtype("<u4")).reshape(len(keys), width // 4)  # [N, W]
    hashes = _SEED ^ lengths
    for place in range(width // 4 - 1):
        mixed = words[:, place] * _FACTOR
        mixed = (mixed ^ (mixed >> np.uint32(24))) * _FACTOR
        hashes = np.where(place < full, (hashes * _FACTOR) ^ mixed, hashes)
    rest = words[np.arange(len(keys)), full]  # the last 0 to 3 bytes, above them zeros
    hashes = np.where(lengths % 4 > 0, (hashes ^ rest) * _FACTOR, hashes)
    hashes = (hashes ^ (hashes >> np.uint32(13))) * _FACTOR
    return hashes ^ (hashes >> np.uint32(15))
