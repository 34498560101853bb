"""A record of `call-transcripts` in, a fragment that can be folded out; or its error. Knows no state and no model."""

from msgspec.structs import replace

from stream.calls.steps import CallItem
from stream.classify import Item
from stream.errors import PoisonRecordError
from stream.read_options import ReadOptions
from stream.records import CallFragment, decode


def read_call(item: Item, options: ReadOptions) -> None:
    """Decode and check. A record that cannot be read gets its error, nothing is raised.

    Args:
        item: filled in place: `passed_over`, `error` or `call`; with an error it must not be run, and only whose it is
            is found out.
        options: whose calls this worker takes.
    """
    inbound = item.inbound
    try:
        fragment = decode_fragment(inbound.key, inbound.value)
    except PoisonRecordError as error:
        item.passed_over = options.only is not None  # nobody knows whose it is: others answer it
        item.error = None if item.passed_over else item.error or error
        return
    item.passed_over = not options.takes(fragment.tenant, item.appended_ms)
    if item.error is None and not item.passed_over:
        item.call = CallItem(inbound.source, fragment, item.appended_ms)


def decode_fragment(key: bytes | None, value: bytes | None) -> CallFragment:
    """Decode a fragment, with white space in its text made plain.

    Raises:
        PoisonRecordError: as `decode`; stage `validate` where the key is not the `call_id` (a call's state lies in the
            partition that its key chooses), or as `checked`.
    """
    fragment = decode(value, CallFragment)
    if key != fragment.call_id.encode():
        found = "no key" if key is None else f"the key {key[:64].decode(errors='replace')!r}"
        raise PoisonRecordError(
            "validate",
            "wrong-key",
            f"the record has {found}, not its call_id; produce with the call_id as key, so that a call stays in one "
            "partition",
        )
    return checked(fragment)


def checked(fragment: CallFragment) -> CallFragment:
    """A fragment that can be folded: white space in its text made plain.

    Raises:
        PoisonRecordError: stage `validate`: a segment has no text.
    """
    if fragment.text is None:
        if fragment.event == "segment":
            message = (
                "a segment has no text; give what was said, or event: started, completed or failed"
            )
            raise PoisonRecordError("validate", "no-text", message)
        return fragment
    return replace(fragment, text=" ".join(fragment.text.split()))
