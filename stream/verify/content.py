"""Bytes of one output in, what is wrong with them out. Pure."""

import hashlib

import msgspec

from stream.records import Source

DIGEST_BYTES = 16


class _Answer(msgspec.Struct):
    """What of a classification, cleaned e-mail or churn score says whose it is."""

    source: Source
    id: str | None = None
    call_id: str | None = None


_DECODER = msgspec.json.Decoder(_Answer)


def answer_fault(key: bytes | None, value: bytes | None, cause: str) -> str | None:
    """Why a result contradicts its own key or `output-id`; None when it does not.

    Args:
        key: the record's key, which is the `id`, or the `call_id` of a churn score.
        value: JSON.
        cause: the header `output-id`.
    """
    try:
        answer = _DECODER.decode(value or b"")
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return "is no record of its topic"
    if str(answer.source) != cause:
        return f"its source says {answer.source}"
    name = answer.id if answer.call_id is None else answer.call_id
    if name is None or key != name.encode():
        return "its key is not its id"
    return None


class Fingerprint(msgspec.Struct, frozen=True):
    """A dead letter's key and value, or its key alone when its bytes were `withheld`."""

    digest: bytes
    withheld: bool

    @classmethod
    def of(cls, key: bytes | None, value: bytes | None, *, withheld: bool) -> "Fingerprint":
        """Equal for equal bytes; a missing key or value is not an empty one."""
        parts = (key,) if withheld else (key, value)
        digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
        for part in parts:
            digest.update(b"-" if part is None else b"+%d:" % len(part))
            digest.update(part or b"")
        return cls(digest.digest(), withheld)
