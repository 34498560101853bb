"""What is about to be produced, whoever made it: the world, a file or a test. Knows no client."""

from dataclasses import dataclass

from stream.records import Labels


@dataclass(frozen=True, slots=True)
class OutgoingRecord:
    """One record for a topic (named without prefix).

    Attributes:
        caption: what a person may be shown of it (a mail's subject); None: nothing.
        record_id: the id inside the value, by which its result is found; None: it has none.
        truth: the labels its maker knows to be right; never sent.
        after_s: how long after the start of its call it is spoken; 0: it is no part of one.
        due_s: when to send it, from the start of the sending; None: as the rate says.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    caption: str | None = None
    record_id: str | None = None
    truth: Labels | None = None
    after_s: float = 0.0
    due_s: float | None = None
