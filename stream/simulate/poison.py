"""Records that cannot be processed, as careless producers send them: for dead letters to be seen at work.

Gives values to `world`; each kind names the reason that `stream.records` and the cleaning state for it.
"""

import random
from collections.abc import Callable, Mapping

from stream.records import encode


def _json(**fields: object) -> bytes:
    return encode(fields)


_KINDS: Mapping[str, Callable[[str], bytes | None]] = {
    "null-value": lambda _: None,
    "bad-utf8": lambda mail_id: _json(id=mail_id, body="Grüße")[:-2] + b'\xff\xfe"}',
    "bad-json": lambda mail_id: _json(id=mail_id, subject="cut", body="short")[:-9],
    "not-an-object": lambda mail_id: encode([mail_id, "subject", "body"]),
    "missing-id": lambda _: _json(subject="no id", body="Where does this mail belong?"),
    "wrong-type": lambda mail_id: _json(id=mail_id, subject=["a", "list"], body=42),
    "empty-mail": lambda mail_id: _json(id=mail_id, subject="", body="  \n "),
    "several-forms": lambda mail_id: _json(id=mail_id, subject="both", body="a", html="<p>a</p>"),
    "bad-base64": lambda mail_id: _json(id=mail_id, raw="not base64 at all!"),
}
POISON_KINDS = tuple(_KINDS)


def poison(kind: str, mail_id: str) -> bytes | None:
    """The value of a poison record.

    Args:
        kind: one of `POISON_KINDS`.
        mail_id: the id it carries, where its kind has one.
    """
    return _KINDS[kind](mail_id)


def any_poison(mail_id: str, rng: random.Random) -> bytes | None:
    """A poison record of some kind."""
    return poison(rng.choice(POISON_KINDS), mail_id)
