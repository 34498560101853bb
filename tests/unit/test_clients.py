import logging
import ssl
from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import (
    KafkaConnectionError,
    TopicAuthorizationFailedError,
    UnknownMemberIdError,
    UnsupportedVersionError,
)

from stream.errors import BrokerUnavailableError, FatalError, LostTransactionError, SettingsError
from stream.kafka.clients import RateLimit, connection, lost_or_fatal, start_when_ready
from stream.settings import Settings

# Made for this test with openssl, for nobody: a key, its certificate, and the key under the password "geheim".
KEY = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgG55HQzIxlz/5FQ3d
5c8FPna0XImd4ZPRQa88hMRFB6OhRANCAAS71sp1a/h2z0LTWOzXiviY/afwVP9o
AzIy6XGWzUZYdSDXOlsotKasJpcQP1o/JfLWCt+HwBImT1v35TSoA3dB
-----END PRIVATE KEY-----
"""
CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBdDCCARugAwIBAgIUfXOWsEuFzjhdmXCvWLxz2Ml1m/4wCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjEwMzEzNDFaGA8yMTI2MTAyODAzMTM0
MVowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABLvW
ynVr+HbPQtNY7NeK+Jj9p/BU/2gDMjLpcZbNRlh1INc6Wyi0pqwmlxA/Wj8l8tYK
34fAEiZPW/flNKgDd0GjUzBRMB0GA1UdDgQWBBT+b0KrSg6cLOPaB+khELdCZXwy
qTAfBgNVHSMEGDAWgBT+b0KrSg6cLOPaB+khELdCZXwyqTAPBgNVHRMBAf8EBTAD
AQH/MAoGCCqGSM49BAMCA0cAMEQCIGjo3nUUPhIlhXKPAhOasJITT6JALRhSylWJ
ycWZOy8ZAiBikqZA9hRAhAp2tdDKWHS6UBNn6Hv2HXPxlHizZvtDmw==
-----END CERTIFICATE-----
"""
LOCKED_KEY = """\
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgZA5EVBTAr2AICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEFNvFtjwEOCKqO4+ht+tXRQEgZDE
ZY4wHNbahY59wmBHMlWhV/3THq/K38Ov3TpdM0puRE89nvhL1qeLejDtdxl3wGDd
AsF5G92Y00Y6eGYGD7+V8heuRUXAuhu9cn280FXWgbeY8oyHE2tRf5vXxzdVxcM3
Lg8M+7NiCAW+WU7UbYMErespEg+epi061Rcz1z3Lwib611w4n7rSLsb6I+k2GzY=
-----END ENCRYPTED PRIVATE KEY-----
"""


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    texts = {"ca": CERTIFICATE, "cert": CERTIFICATE, "key": KEY, "locked": LOCKED_KEY, "bad": "x"}
    paths = {name: tmp_path / f"{name}.pem" for name in texts}
    for name, path in paths.items():
        path.write_text(texts[name])
    return paths


def settings_of(**values: Any) -> Settings:
    return Settings(kafka_bootstrap_servers="one:9092,two:9093", **values)


SASL: dict[str, Any] = {"kafka_sasl_username": "anna", "kafka_sasl_password": "geheim"}


def test_plain_text_needs_only_addresses() -> None:
    assert connection(settings_of()) == {
        "bootstrap_servers": ["one:9092", "two:9093"],
        "security_protocol": "PLAINTEXT",
        "ssl_context": None,
    }


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_sasl_passes_mechanism_user_and_the_password_itself(mechanism: Any) -> None:
    settings = settings_of(
        kafka_security_protocol="SASL_PLAINTEXT", kafka_sasl_mechanism=mechanism, **SASL
    )
    arguments = connection(settings)
    assert arguments["ssl_context"] is None
    assert [
        arguments[f"sasl_{name}"] for name in ("mechanism", "plain_username", "plain_password")
    ] == [
        mechanism,
        "anna",
        "geheim",
    ]


def test_credentials_are_not_handed_to_a_protocol_that_does_not_use_them() -> None:
    assert not [name for name in connection(settings_of(**SASL)) if name.startswith("sasl")]


@pytest.mark.parametrize("protocol", ["SSL", "SASL_SSL"])
def test_tls_checks_the_brokers_name_and_certificate(protocol: Any, files: dict[str, Path]) -> None:
    more = SASL if protocol == "SASL_SSL" else {}
    settings = settings_of(kafka_security_protocol=protocol, kafka_ssl_ca_file=files["ca"], **more)
    arguments = connection(settings)
    context = arguments["ssl_context"]
    assert isinstance(context, ssl.SSLContext)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert len(context.get_ca_certs()) == 1
    assert ("sasl_mechanism" in arguments) == (protocol == "SASL_SSL")


def test_without_an_authority_that_of_the_system_is_used() -> None:
    context = connection(settings_of(kafka_security_protocol="SSL"))["ssl_context"]
    assert context.verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize(("key", "password"), [("key", None), ("locked", "geheim")])
def test_a_client_certificate_is_loaded_with_its_key(
    key: str, password: str | None, files: dict[str, Path]
) -> None:
    settings = settings_of(
        kafka_security_protocol="SSL",
        kafka_ssl_cert_file=files["cert"],
        kafka_ssl_key_file=files[key],
        kafka_ssl_key_password=password,
    )
    assert connection(settings)["ssl_context"]


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"kafka_ssl_ca_file": "missing"}, "kafka_ssl_ca_file"),
        ({"kafka_ssl_ca_file": "bad"}, "kafka_ssl_ca_file"),
        ({"kafka_ssl_cert_file": "bad", "kafka_ssl_key_file": "key"}, "kafka_ssl_cert_file"),
        (
            {
                "kafka_ssl_cert_file": "cert",
                "kafka_ssl_key_file": "locked",
                "kafka_ssl_key_password": "not-it",
            },
            "kafka_ssl_cert_file",
        ),
    ],
)
def test_an_unreadable_certificate_is_a_wrong_setting_with_its_name(
    wrong: dict[str, str], name: str, files: dict[str, Path], tmp_path: Path
) -> None:
    values: dict[str, Any] = {
        setting: value if "password" in setting else files.get(value, tmp_path / value)
        for setting, value in wrong.items()
    }
    with pytest.raises(SettingsError, match=rf"{name}=\S+\.?\w*") as caught:
        connection(settings_of(kafka_security_protocol="SSL", **values))
    assert "not-it" not in str(caught.value)


def test_a_locked_key_without_its_password_is_an_error_and_no_question_on_the_terminal(
    files: dict[str, Path], capfd: pytest.CaptureFixture[str]
) -> None:
    settings = settings_of(
        kafka_security_protocol="SSL",
        kafka_ssl_cert_file=files["cert"],
        kafka_ssl_key_file=files["locked"],
    )
    with pytest.raises(SettingsError):
        connection(settings)
    assert "pass phrase" not in "".join(capfd.readouterr())


class FakeClient:
    """Starts when its errors are used up."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.started = self.stopped = False

    async def start(self) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.started = True

    async def stop(self) -> None:
        self.stopped = True


def quick(timeout_s: float) -> Settings:
    return settings_of(kafka_connect_timeout_s=timeout_s)


async def test_a_kafka_that_is_not_up_yet_is_waited_for_and_the_log_says_so() -> None:
    seen: list[str] = []
    client = FakeClient(KafkaConnectionError("no"), KafkaConnectionError("no"))
    await start_when_ready(client, quick(0.3), lambda event, **_: seen.append(event))
    assert client.started
    assert seen == ["kafka_not_reached"] * 2


async def test_after_the_limit_the_start_ends_with_a_way_out() -> None:
    client = FakeClient(*[KafkaConnectionError("no")] * 10)
    with pytest.raises(
        BrokerUnavailableError, match=r"one:9092,two:9093 within .*=0\.05 \(.*no\); start it"
    ):
        await start_when_ready(client, quick(0.05), lambda *_, **__: None)
    assert client.stopped


async def test_a_kafka_that_refuses_is_not_asked_again() -> None:
    client = FakeClient(UnsupportedVersionError("old"))
    with pytest.raises(FatalError, match="UnsupportedVersionError"):
        await start_when_ready(client, quick(60), lambda *_, **__: None)
    assert client.stopped


def test_missing_rights_are_fatal_and_other_errors_begin_anew() -> None:
    assert isinstance(lost_or_fatal(TopicAuthorizationFailedError("a"), "polling"), FatalError)
    lost = lost_or_fatal(UnknownMemberIdError(), "polling")
    assert isinstance(lost, LostTransactionError)
    assert str(lost).startswith("polling failed: UnknownMemberIdError")


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def passes(limit: RateLimit, template: str, *arguments: object) -> bool:
    return limit.filter(logging.LogRecord("aiokafka", 30, __file__, 1, template, arguments, None))


def test_a_flood_of_one_message_becomes_one_line_a_second() -> None:
    clock = Clock()
    limit = RateLimit(clock)
    written = 0
    for turn in range(10_000):
        clock.now_s = turn / 1000
        written += passes(limit, "Unable to connect to node %s", turn)
    assert written == 10


def test_other_messages_are_not_held_back_by_a_flood() -> None:
    limit = RateLimit(Clock())
    assert passes(limit, "one %s", 1)
    assert not passes(limit, "one %s", 2)
    assert passes(limit, "two %s", 1)
