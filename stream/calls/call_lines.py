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
from datetime import UTC, datetime
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
    spoken_at: str | None = None
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
        ends: whether a whole call is over, also where its line does not say so.
    """

    def __init__(self, name: str, tenant: str, *, ends: bool = False) -> None:
        self._tenant = tenant
        self._ends = ends
        self._alone = Transcription(CallOf(name, tenant))

    def of_line(self, line: bytes) -> list[CallFragment]:
        """The fragments of a line, as they stand there, and the end of a whole call where `ends` says so.

        Raises:
            PoisonRecordError: it is none of these; the message quotes no text.
        """
        try:
            names = _fields(line).keys()
            if "call_id" not in names and names & _MESSAGES:
                return self._alone.fragments(line)
            call = _call(line)
            if call.messages is None and call.fragments is None:
                return [_fragment(call, _piece(line), self._tenant)]
            if call.messages is not None:
                said = _transcribed(call, call.messages, self._tenant)
            else:
                said = [_fragment(call, piece, self._tenant) for piece in call.fragments or ()]
        except (msgspec.ValidationError, TranscriptionError) as error:
            raise _wrong_shape(str(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise PoisonRecordError(
                "decode", "bad-json", f"not a JSON object: {error}; write one in each line"
            ) from None
        return _with_end(said) if self._ends else said

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
        spoken_at=_moment(piece.spoken_at) if piece.spoken_at else None,
        event=piece.event,
        partial=piece.partial,
    )


def _moment(value: str) -> datetime:
    """A time as training reads it: without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise _wrong_shape("spoken_at is no time; write it like 2026-03-31T08:15:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _with_end(fragments: list[CallFragment]) -> list[CallFragment]:
    if not fragments or any(one.event in ("completed", "failed") for one in fragments):
        return fragments
    first, last = fragments[0], max(one.seq for one in fragments)
    end = CallFragment(
        call_id=first.call_id,
        seq=last + 1,
        tenant=first.tenant,
        customer_id=first.customer_id,
        event="completed",
    )
    return [*fragments, end]


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
        f'{reason}; a line is as {{"call_id": "c-1", "seq": 0, "speaker": "customer" (or "agent"), "text": "…"}}, a '
        "whole call with `fragments`, one with the `messages` of a transcription service, or such a message",
    )
