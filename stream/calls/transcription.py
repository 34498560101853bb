"""What a streaming transcription service writes in, fragments of a call out, and back. Knows no file and no topic.

Three forms of one message are read, told apart by their fields:

    Amazon Transcribe streaming       {"Transcript": {"Results": [{"ResultId", "IsPartial", "StartTime", "EndTime",
                                      "ChannelId", "Alternatives": [{"Transcript", "Items": [{"Speaker"}]}]}]}}
    Amazon Transcribe call analytics  {"UtteranceEvent": {"UtteranceId", "IsPartial", "ParticipantRole",
                                      "BeginOffsetMillis", "EndOffsetMillis", "Transcript"}}
    any other service                 {"segments": [{"id", "partial", "speaker", "start_time", "end_time", "text"}]},
                                      seconds, as the first; the form that is written, too

A segment that comes again, in another partial form or in its final one, has its `seq` by its id. Source: Amazon
Transcribe API reference, streaming: TranscriptEvent, Result, Item, UtteranceEvent.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from stream.errors import SwitchboardError
from stream.records import CallFragment, encode

Speaker = Literal["customer", "agent"]
# Which channel is whose is the caller's setting in Transcribe: this order is our guess, and `speakers` says another.
SPEAKERS: Mapping[str, Speaker] = MappingProxyType(
    {
        "customer": "customer",
        "caller": "customer",
        "CUSTOMER": "customer",
        "ch_0": "customer",
        "agent": "agent",
        "AGENT": "agent",
        "ch_1": "agent",
    }
)

Seconds = Annotated[float, Meta(ge=0)]
Millis = Annotated[int, Meta(ge=0)]


class TranscriptionError(SwitchboardError):
    """A message is none of the forms that are read; the message names field and value."""


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """What one side said between two pauses, in seconds from the start of the call."""

    id: str
    text: str
    partial: bool = False
    speaker: str | None = None
    start_time: Seconds | None = None
    end_time: Seconds | None = None


class _Word(msgspec.Struct, frozen=True, rename="pascal"):
    speaker: str | None = None


class _Alternative(msgspec.Struct, frozen=True, rename="pascal"):
    transcript: str = ""
    items: list[_Word] = []

    @property
    def speaker(self) -> str | None:
        """Who said most of it, where the service tells speakers apart instead of channels."""
        labels = Counter(word.speaker for word in self.items if word.speaker is not None)
        return max(labels, key=lambda label: labels[label], default=None)


class _Result(msgspec.Struct, frozen=True, rename="pascal"):
    result_id: str
    is_partial: bool = False
    start_time: Seconds | None = None
    end_time: Seconds | None = None
    channel_id: str | None = None
    alternatives: list[_Alternative] = []


class _Transcript(msgspec.Struct, frozen=True, rename="pascal"):
    results: list[_Result] = []


class _Utterance(msgspec.Struct, frozen=True, rename="pascal"):
    utterance_id: str
    is_partial: bool = False
    participant_role: str | None = None
    begin_offset_millis: Millis | None = None
    end_offset_millis: Millis | None = None
    transcript: str = ""


class _Event(msgspec.Struct, frozen=True):
    transcript: _Transcript | None = msgspec.field(name="Transcript", default=None)


class _Message(msgspec.Struct, frozen=True):
    transcript: _Transcript | None = msgspec.field(name="Transcript", default=None)
    event: _Event | None = msgspec.field(name="TranscriptEvent", default=None)
    utterance: _Utterance | None = msgspec.field(name="UtteranceEvent", default=None)
    category: object = msgspec.field(name="CategoryEvent", default=None)
    segments: list[Segment] | None = None


class SegmentsMessage(msgspec.Struct, frozen=True):
    """A message of the general form."""

    segments: list[Segment]


_decode = msgspec.json.Decoder(_Message).decode


@dataclass(frozen=True)
class CallOf:
    """Whose call a stream of messages is.

    Attributes:
        speakers: who a channel, a role or a label is.
        started_at: when the audio began; None: fragments carry no `spoken_at`.
    """

    call_id: str
    tenant: str = "default"
    customer_id: str | None = None
    speakers: Mapping[str, Speaker] = field(default_factory=lambda: SPEAKERS)
    started_at: datetime | None = None


class Transcription:
    """The messages of one call, in the order in which the service sent them; a message that comes twice is no harm."""

    def __init__(self, call: CallOf) -> None:
        self._call = call
        self._seqs: dict[str, int] = {}

    def fragments(self, message: bytes) -> list[CallFragment]:
        """The fragments of one message; none where nothing was said, or of an event that is no speech.

        Raises:
            TranscriptionError: it is not a message of these services.
        """
        try:
            segments = _segments(_decode(message))
        except msgspec.DecodeError as error:
            raise TranscriptionError(
                f"call_id={self._call.call_id!r}: not a message of a transcription service: {error}"
            ) from None
        return [self._fragment(segment) for segment in segments if segment.text.strip()]

    def end(self, event: Literal["completed", "failed"] = "completed") -> CallFragment:
        """The fragment that ends the call: services end their stream without a word."""
        call = self._call
        return CallFragment(
            call_id=call.call_id,
            seq=len(self._seqs),
            tenant=call.tenant,
            customer_id=call.customer_id,
            event=event,
        )

    def _fragment(self, segment: Segment) -> CallFragment:
        call, start_s = self._call, segment.start_time
        begins = None if start_s is None else timedelta(seconds=start_s)
        spoken_at = call.started_at + begins if call.started_at and begins is not None else None
        return CallFragment(
            call_id=call.call_id,
            seq=self._seqs.setdefault(segment.id, len(self._seqs)),
            tenant=call.tenant,
            customer_id=call.customer_id,
            speaker=self._speaker(segment.speaker),
            text=segment.text,
            offset_ms=None if start_s is None else round(start_s * 1000),
            spoken_at=spoken_at,
            partial=segment.partial,
        )

    def _speaker(self, label: str | None) -> Speaker | None:
        if label is None:
            return None
        try:
            return self._call.speakers[label]
        except KeyError:
            known = ", ".join(sorted(self._call.speakers))
            raise TranscriptionError(
                f"call_id={self._call.call_id!r}: speaker={label!r} is nobody; say in `speakers` whether it is the "
                f"customer or the agent (known: {known})"
            ) from None


def _segments(message: _Message) -> list[Segment]:
    transcript = message.event.transcript if message.event else message.transcript
    if message.segments is not None:
        return message.segments
    if message.utterance is not None:
        return [_of_utterance(message.utterance)]
    if transcript is not None:
        return [_of_result(result) for result in transcript.results if result.alternatives]
    if message.category is not None:
        return []
    raise msgspec.ValidationError(
        "it has none of the fields `Transcript`, `TranscriptEvent`, `UtteranceEvent`, `segments`"
    )


def _of_result(result: _Result) -> Segment:
    best = result.alternatives[0]
    return Segment(
        id=result.result_id,
        text=best.transcript,
        partial=result.is_partial,
        speaker=result.channel_id or best.speaker,
        start_time=result.start_time,
        end_time=result.end_time,
    )


def _of_utterance(said: _Utterance) -> Segment:
    begin, end = said.begin_offset_millis, said.end_offset_millis
    return Segment(
        id=said.utterance_id,
        text=said.transcript,
        partial=said.is_partial,
        speaker=said.participant_role,
        start_time=None if begin is None else begin / 1000,
        end_time=None if end is None else end / 1000,
    )


def message_of(fragment: CallFragment) -> bytes | None:
    """A fragment as a message of the general form, for what reads transcripts; None for an event without words.

    A fragment does not say when it ended: `end_time` is null.
    """
    if fragment.text is None:
        return None
    segment = Segment(
        id=str(fragment.seq),
        text=fragment.text,
        partial=fragment.partial,
        speaker=fragment.speaker,
        start_time=None if fragment.offset_ms is None else fragment.offset_ms / 1000,
    )
    return encode(SegmentsMessage([segment]))
