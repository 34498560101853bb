"""One record of `customer-profiles` in, the profile or what is wrong with it out. Knows neither Kafka nor the table."""

import msgspec

from stream.errors import PoisonRecordError
from stream.records import CustomerProfile, decode

Features = dict[str, float | str | None]


class _Loose(msgspec.Struct):
    features: dict[str, msgspec.Raw] = {}


_loose = msgspec.json.Decoder(_Loose)
_KINDS = {
    b"t": "a truth value; send 0 or 1, or a word",
    b"f": "a truth value; send 0 or 1, or a word",
    b"[": "a list; send a number, a string or null for each of its parts",
    b"{": "an object; send a number, a string or null for each of its parts",
}


def profile_key(tenant: str, customer_id: str) -> str:
    """The key of the topic."""
    return f"{tenant}/{customer_id}"


def read_profile(key: bytes | None, value: bytes | None) -> CustomerProfile | None:
    """A record's profile; None for a tombstone, which removes the one under its key.

    Features are numbers, strings and null. A truth value is refused: whether it is a number or a category is the
    sender's to say, and a model that learned the one would silently take the other for missing.

    Raises:
        PoisonRecordError: stage `decode` or `validate`, as of every record; kind `wrong-key` where the key is not
            `tenant/customer_id` of the value. No message quotes a value.
    """
    if value is None:
        if key is None or b"/" not in key:
            raise _wrong_key("a tombstone whose key is not tenant/customer_id removes nothing")
        return None
    try:
        profile = decode(value, CustomerProfile)
    except PoisonRecordError as error:
        if error.kind != "wrong-shape" or (reason := _wrong_feature(value)) is None:
            raise
        raise PoisonRecordError("validate", "wrong-shape", reason) from None
    if key != profile_key(profile.tenant, profile.customer_id).encode():
        raise _wrong_key("the key is not tenant/customer_id of the value; produce it under that")
    return profile


def _wrong_key(message: str) -> PoisonRecordError:
    return PoisonRecordError("validate", "wrong-key", message)


def _wrong_feature(value: bytes) -> str | None:
    """Names the first feature of a wrong type; None: something else is wrong."""
    try:
        features = _loose.decode(value).features
    except msgspec.DecodeError:
        return None
    for name, raw in features.items():
        if kind := _KINDS.get(bytes(raw)[:1]):
            return f"CustomerProfile: the feature {name!r} is {kind}"
    return None
