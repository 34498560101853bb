import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from stream.errors import SettingsError
from stream.settings import (
    ENV_PREFIX,
    MAX_DEAD_LETTER_BYTES,
    MAX_INPUT_BYTES,
    MAX_REQUEST_BYTES,
    Settings,
    load_settings,
)

SECRET = "correct-horse-battery"


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith(ENV_PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_flag_beats_environment_beats_file_beats_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert load_settings().topic_partitions == 4
    (tmp_path / "switchboard.toml").write_text("topic_partitions = 5\nbulk_turn = 7\n")
    assert load_settings().topic_partitions == 5
    monkeypatch.setenv("SWITCHBOARD_TOPIC_PARTITIONS", "6")
    assert load_settings().topic_partitions == 6
    assert load_settings(topic_partitions=7).topic_partitions == 7
    assert load_settings().bulk_turn == 7


def test_a_flag_that_was_not_given_hides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_GROUP_ID", "night")
    assert load_settings(group_id=None).group_id == "night"


def test_the_file_may_have_another_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "other.toml"
    path.write_text('group_id = "other"\n')
    monkeypatch.setenv("SWITCHBOARD_CONFIG", str(path))
    assert load_settings().group_id == "other"


def test_defaults_are_those_of_the_contract() -> None:
    settings = load_settings()
    assert settings.kafka_bootstrap_servers == "localhost:9092"
    assert (settings.group_id, settings.start_from) == ("switchboard", "earliest")
    assert (settings.execution_providers, settings.worker_slot) == ("auto", None)
    assert (settings.cleaned_retention_days, settings.dead_letter_retention_days) == (90, 30)
    assert settings.skip_kinds == {"reply", "auto_reply", "bounce", "bulk", "notification"}
    assert settings.start_time() is None


def test_every_field_has_a_sentence() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.rstrip(")").endswith("."), name


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        load_settings().group_id = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("topic_partitions", 0),
        ("topic_partitions", 10_001),
        ("bulk_turn", 1),
        ("worker_slot", -1),
        ("kafka_connect_timeout_s", 0),
        ("transaction_timeout_ms", 999),
        ("max_batch_tokens", 15),
        ("metrics_port", 65_536),
        ("window_target_ms", 0),
        ("group_id", ""),
        ("topic_prefix", "white space"),
        ("log_level", "loud"),
        ("skip_kinds", "reply,spam"),
        ("on_expired_records", "ignore"),
        ("watchdog_s", "soon"),
    ],
)
def test_what_is_out_of_bounds_is_refused_by_name_and_value(name: str, value: object) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(**{name: value})
    assert name in str(caught.value)
    assert str(value).split(",")[-1] in str(caught.value)
    assert caught.value.exit_code == 2


def test_all_wrong_settings_are_named_at_once() -> None:
    with pytest.raises(
        SettingsError, match=r"topic_partitions.*; .*bulk_turn|bulk_turn.*; .*topic_p"
    ):
        load_settings(topic_partitions=0, bulk_turn=0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("reply", {"reply"}),
        (" reply , bulk,", {"reply", "bulk"}),
        ("", set()),
    ],
)
def test_kinds_are_a_comma_list(
    text: str, expected: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWITCHBOARD_SKIP_KINDS", text)
    assert load_settings().skip_kinds == expected


def test_kinds_may_be_a_list_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "switchboard.toml").write_text('skip_kinds = ["bulk"]\n')
    assert load_settings().skip_kinds == {"bulk"}


@pytest.mark.parametrize("text", ["earliest", "latest", "2026-01-31T08:00:00Z"])
def test_a_start_is_a_word_or_a_time_with_zone(text: str) -> None:
    moment = load_settings(start_from=text).start_time()
    assert moment == (datetime(2026, 1, 31, 8, tzinfo=UTC) if "2026" in text else None)


@pytest.mark.parametrize("text", ["yesterday", "2026-01-31T08:00:00", "2026-01-31", ""])
def test_another_start_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="start_from="):
        load_settings(start_from=text)


def test_sasl_needs_user_and_password() -> None:
    with pytest.raises(SettingsError, match="needs kafka_sasl_username and kafka_sasl_password"):
        load_settings(kafka_security_protocol="SASL_SSL", kafka_sasl_username="me")
    assert load_settings(
        kafka_security_protocol="SASL_SSL", kafka_sasl_username="me", kafka_sasl_password=SECRET
    )


@pytest.mark.parametrize("given", ["kafka_ssl_cert_file", "kafka_ssl_key_file"])
def test_certificate_and_key_belong_together(given: str) -> None:
    with pytest.raises(SettingsError, match="belong together"):
        load_settings(**{given: "/some/file.pem"})


def test_secrets_are_masked_wherever_settings_are_shown() -> None:
    settings = load_settings(
        kafka_security_protocol="SASL_SSL", kafka_sasl_username="me", kafka_sasl_password=SECRET
    )
    for shown in (str(settings), repr(settings), settings.model_dump_json()):
        assert SECRET not in shown
    assert settings.kafka_sasl_password is not None
    assert settings.kafka_sasl_password.get_secret_value() == SECRET


@pytest.mark.parametrize(
    "flags",
    [
        {"kafka_sasl_password": [SECRET]},
        {"kafka_sasl_password": SECRET, "topic_partitions": 0},
        {"kafka_sasl_password": SECRET, "kafka_security_protocol": "SASL_SSL"},
        {"kafka_ssl_key_password": SECRET, "kafka_ssl_key_file": "k.pem"},
    ],
)
def test_errors_do_not_show_secrets(flags: dict[str, object]) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(**flags)
    assert SECRET not in str(caught.value)


def test_an_unknown_setting_in_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "switchboard.toml").write_text("topic_partition = 5\n")
    with pytest.raises(SettingsError, match="topic_partition: "):
        load_settings()


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "switchboard.toml").write_text("topic_partitions = \n")
    with pytest.raises(SettingsError, match=r"switchboard\.toml"):
        load_settings()


def test_a_file_that_was_named_and_is_missing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_CONFIG", "absent.toml")
    with pytest.raises(SettingsError, match=r"absent\.toml"):
        load_settings()


def test_topics_carry_the_prefix_and_the_models_folder_is_resolved() -> None:
    settings = load_settings(topic_prefix="eu.")
    assert settings.topic("inbound-emails") == "eu.inbound-emails"
    assert "~" not in str(settings.models_path)


def test_a_dead_letter_has_room_for_the_largest_input() -> None:
    assert MAX_INPUT_BYTES + 64 * 1024 < MAX_DEAD_LETTER_BYTES < MAX_REQUEST_BYTES
