"""A line of a file of calls in, its fragments out: to `simulate`, which sends them, and to `score-calls`.

Four kinds of JSON lines, and the cells of a CSV row:

    a fragment            {"call_id", "seq", "speaker", "text", …}, as on `call-transcripts`
    a whole call          {"call_id", "customer_id", "fragments": [{"seq", "speaker", "text", …}]}
    a call as it was      {"call_id", "customer_id", "messages": […], "speakers": {}}; messages and who their channels
    transcribed           or labels are as `stream.calls.transcription` says
    a message alone       of the one call that a file of messages is

Knows no topic, no state and no model.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from stream.calls.transcription import (
    SPEAKERS,
    CallOf,
    Speaker,
    Transcription,
    TranscriptionError,
)
from stream.errors import PoisonRecordError
from stream.records import CallFragment, Id

_MESSAGES = {"Transcript", "TranscriptEvent", "UtteranceEvent", "CategoryEvent", "segments"}
_AGENT = "agent"


class _Piece(msgspec.Struct, frozen=True):
    """A fragment; sources also call the customer `caller` or `user`."""

    seq: Annotated[int, Meta(ge=0, le=2**53 - 1)]
    speaker: Literal["customer", "caller", "user", "agent"] | None = None
    text: str | None = None
    offset_ms: int | None = None
    event: Literal["started", "segment", "completed", "failed"] = "segment"
    partial: bool = False


class _Call(msgspec.Struct, frozen=True):
    """Whose a line is, and what it holds."""

    call_id: Id
    tenant: Annotated[str, Meta(max_length=128)] | None = None
    customer_id: Annotated[str, Meta(max_length=256)] | None = None
    fragments: list[_Piece] | None = None
    messages: list[msgspec.Raw] | None = None
    speakers: dict[str, Speaker] = {}


_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_call = msgspec.json.Decoder(_Call).decode
_piece = msgspec.json.Decoder(_Piece).decode


class CallLines:
    """The lines of one file, in their order.

    Args:
        name: what a file of messages calls its one call.
        tenant: whose calls these are where a line does not say.
    """

    def __init__(self, name: str, tenant: str) -> None:
        self._tenant = tenant
        self._alone = Transcription(CallOf(name, tenant))

    def of_line(self, line: bytes) -> list[CallFragment]:
        """The fragments of a line, as they stand there; nothing ends a call that the line does not end.

        Raises:
            PoisonRecordError: it is none of these; the message quotes no text.
        """
        try:
            names = _fields(line).keys()
            if "call_id" not in names and names & _MESSAGES:
                return self._alone.fragments(line)
            call = _call(line)
            if call.messages is not None:
                return _transcribed(call, call.messages, self._tenant)
            pieces = [_piece(line)] if call.fragments is None else call.fragments
        except msgspec.ValidationError as error:
            raise _wrong_shape(str(error)) from None
        except TranscriptionError as error:
            raise _wrong_shape(str(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise PoisonRecordError("decode", "bad-json", f"not a JSON object: {error}") from None
        return [_fragment(call, piece, self._tenant) for piece in pieces]

    def of_cells(self, cells: Mapping[str, str]) -> list[CallFragment]:
        """The fragment of a CSV row; blank cells say nothing.

        Raises:
            PoisonRecordError: a cell is none that may stand there.
        """
        said = {name: cell for name, cell in cells.items() if cell or name == "text"}
        try:
            call = msgspec.convert(said, _Call)
            # not strict: a cell is text, also where it says a number or true
            return [_fragment(call, msgspec.convert(said, _Piece, strict=False), self._tenant)]
        except msgspec.ValidationError as error:
            raise _wrong_shape(str(error)) from None


def _fragment(call: _Call, piece: _Piece, tenant: str) -> CallFragment:
    return CallFragment(
        call_id=call.call_id,
        seq=piece.seq,
        tenant=call.tenant or tenant,
        customer_id=call.customer_id or None,
        speaker=_AGENT if piece.speaker == _AGENT else piece.speaker and "customer",
        text=piece.text,
        offset_ms=piece.offset_ms,
        event=piece.event,
        partial=piece.partial,
    )


def _transcribed(call: _Call, messages: list[msgspec.Raw], tenant: str) -> list[CallFragment]:
    known: dict[str, Speaker] = {**SPEAKERS, **call.speakers}
    heard = Transcription(
        CallOf(call.call_id, call.tenant or tenant, call.customer_id or None, known)
    )
    return [piece for message in messages for piece in heard.fragments(bytes(message))]


def _wrong_shape(reason: str) -> PoisonRecordError:
    return PoisonRecordError(
        "validate",
        "wrong-shape",
        f'{reason}; a line is as {{"call_id": "c-1", "seq": 0, "speaker": "customer", "text": "…"}}, a whole call with '
        "`fragments`, one with the `messages` of a transcription service, or such a message",
    )
