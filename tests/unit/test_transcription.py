"""What transcription services write, read as fragments of a call, and written again."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.calls.transcription import CallOf, Transcription, TranscriptionError, message_of
from stream.records import CallFragment

STARTED = datetime(2026, 3, 1, 12, tzinfo=UTC)


def transcription(**fields: Any) -> Transcription:
    return Transcription(CallOf("c-1", "acme", "T1", **fields))


def result(
    result_id: str, text: str, *, partial: bool = False, channel: str | None = None
) -> dict[str, Any]:
    return {
        "ResultId": result_id,
        "IsPartial": partial,
        "StartTime": 1.25,
        "EndTime": 2.5,
        "ChannelId": channel,
        "Alternatives": [
            {"Transcript": text, "Items": [{"Content": "my", "Type": "pronunciation"}]}
        ],
    }


def transcript(*results: dict[str, Any]) -> bytes:
    return json.dumps({"Transcript": {"Results": results}}).encode()


def test_a_segment_keeps_its_seq_from_its_first_partial_form_to_its_final_one() -> None:
    call = transcription(started_at=STARTED)
    got = [
        fragment
        for message in (
            transcript(result("a", "My line", partial=True, channel="ch_0")),
            transcript(
                result("b", "One moment", channel="ch_1"),
                result("a", "My line is dead.", channel="ch_0"),
            ),
            transcript(result("c", "Thanks", channel="ch_0")),
        )
        for fragment in call.fragments(message)
    ]
    assert [(f.seq, f.partial, f.speaker, f.text) for f in got] == [
        (0, True, "customer", "My line"),
        (1, False, "agent", "One moment"),
        (0, False, "customer", "My line is dead."),
        (2, False, "customer", "Thanks"),
    ]
    assert got[0].offset_ms == 1250
    assert got[0].spoken_at == STARTED.replace(second=1, microsecond=250_000)
    assert {(f.call_id, f.tenant, f.customer_id) for f in got} == {("c-1", "acme", "T1")}
    assert (call.end().seq, call.end().event) == (3, "completed")


def test_a_message_that_comes_twice_gives_the_same_fragments() -> None:
    call, message = transcription(), transcript(result("a", "Hello"))
    assert call.fragments(message) == call.fragments(message)


def test_call_analytics_says_who_spoke_and_counts_in_milliseconds() -> None:
    said = {
        "UtteranceId": "u",
        "IsPartial": False,
        "ParticipantRole": "AGENT",
        "BeginOffsetMillis": 980,
        "EndOffsetMillis": 2500,
        "Transcript": "How can I help?",
        "Sentiment": "NEUTRAL",
    }
    [fragment] = transcription().fragments(json.dumps({"UtteranceEvent": said}).encode())
    assert (fragment.speaker, fragment.offset_ms, fragment.text) == (
        "agent",
        980,
        "How can I help?",
    )


def test_what_is_no_speech_gives_no_fragment() -> None:
    call = transcription()
    assert call.fragments(b'{"TranscriptEvent": {"Transcript": {"Results": []}}}') == []
    assert call.fragments(b'{"CategoryEvent": {"MatchedCategories": ["cancel"]}}') == []
    assert call.fragments(transcript(result("a", "  "))) == []
    assert call.end().seq == 0


@pytest.mark.parametrize(
    ("message", "named"),
    [
        (b"{", "not a message"),
        (b'{"text": "hi"}', "none of the fields"),
        (b'{"segments": [{"text": "hi"}]}', "`id`"),
        (b'{"segments": [{"id": "a", "text": "hi", "start_time": -1}]}', r"start_time"),
        (
            b'{"segments": [{"id": "a", "text": "hi", "speaker": "spk_7"}]}',
            "speaker='spk_7' is nobody",
        ),
        (transcript({**result("a", "hi"), "IsPartial": "no"}), r"IsPartial"),
    ],
)
def test_a_wrong_message_names_the_call_and_the_field(message: bytes, named: str) -> None:
    with pytest.raises(TranscriptionError, match="call_id='c-1'") as caught:
        transcription().fragments(message)
    assert named in str(caught.value)


def test_labels_of_speakers_are_the_callers_to_name() -> None:
    message = b'{"segments": [{"id": "a", "text": "hi", "speaker": "spk_7"}]}'
    [fragment] = transcription(speakers={"spk_7": "agent"}).fragments(message)
    assert fragment.speaker == "agent"


def test_speakers_that_a_service_tells_apart_on_one_channel_are_not_all_the_customer() -> None:
    words = [{"Content": word, "Speaker": label} for word, label in zip("abc", "011", strict=True)]
    said = result("a", "I can credit you that")
    said["Alternatives"][0]["Items"] = words
    [fragment] = transcription(speakers={"0": "customer", "1": "agent"}).fragments(transcript(said))
    assert fragment.speaker == "agent"
    with pytest.raises(TranscriptionError, match="speaker='1' is nobody"):
        transcription().fragments(transcript(said))


fragments = st.builds(
    CallFragment,
    call_id=st.just("c-1"),
    seq=st.integers(0, 99),
    speaker=st.sampled_from(["customer", "agent", None]),
    text=st.text(min_size=1).filter(str.strip),
    offset_ms=st.none() | st.integers(0, 10_000_000),
    partial=st.booleans(),
)


@given(st.lists(fragments, max_size=8))
def test_what_is_written_is_read_as_it_was(said: list[CallFragment]) -> None:
    call = Transcription(CallOf("c-1"))
    numbers: dict[int, int] = {}
    for fragment in said:
        message = message_of(fragment)
        assert message is not None
        [read] = call.fragments(message)
        assert read.seq == numbers.setdefault(fragment.seq, len(numbers))
        for name in ("speaker", "text", "offset_ms", "partial"):
            assert getattr(read, name) == getattr(fragment, name)


def test_an_event_without_words_is_no_message() -> None:
    assert message_of(CallFragment(call_id="c-1", seq=3, event="completed")) is None
