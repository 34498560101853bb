import gzip
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest
import typer.main

from stream.cli import app, main
from stream.cli.options import default_of
from stream.settings import ENV_PREFIX, Settings

SECRET = "correct-horse-battery"
MAIL = b'{"id": "1", "subject": "card", "body": "My card is lost"}\n'


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith(ENV_PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "240")
    monkeypatch.setenv("TERMINAL_WIDTH", "240")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.chdir(tmp_path)


class Ended(NamedTuple):
    code: Any
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Call `switchboard` as a shell does, in this process."""

    def call(*arguments: str, stdin: bytes = b"") -> Ended:
        monkeypatch.setattr(sys, "argv", ["switchboard", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as ended:
            main()
        sys.stdout.flush()
        found = capfdbinary.readouterr()
        return Ended(ended.value.code, found.out.decode(), found.err.decode())

    return call


def commands(command: Any = None, *path: str) -> list[tuple[tuple[str, ...], Any]]:
    """Path and command of everything that can be called; typer brings its own click, hence no type."""
    command = command or typer.main.get_command(app)
    if not hasattr(command, "commands"):
        return [(path, command)]
    return [
        found for name, child in command.commands.items() for found in commands(child, *path, name)
    ]


COMMANDS = commands()


def by_name(found: tuple[tuple[str, ...], Any]) -> str:
    return " ".join(found[0])


def test_the_promised_commands_are_there() -> None:
    assert {
        "broker",
        "worker",
        "topics create",
        "topics check",
        "config show",
        "simulate",
        "demo",
        "clean",
        "classify",
        "train",
        "dead-letters list",
        "dead-letters replay",
    } <= {by_name(command) for command in COMMANDS}


@pytest.mark.parametrize("found", COMMANDS, ids=by_name)
def test_help_shows_each_setting_with_its_variable_and_default(
    found: tuple[tuple[str, ...], Any], run: Run
) -> None:
    path, command = found
    ended = run(*path, "--help")
    assert ended.code == 0
    words = " ".join(ended.out.replace("│", " ").split())
    for parameter in command.params:
        name = str(parameter.name)
        sentence = " ".join(parameter.help.replace("\\[", "[").split())
        assert sentence in words, f"{name}: a word in brackets is taken for markup"
        if name in Settings.model_fields:
            assert f"--{name.replace('_', '-')}" in words
            assert f"(env: {ENV_PREFIX}{name.upper()}; default: {default_of(name)})" in words, name


@pytest.mark.parametrize("found", COMMANDS, ids=by_name)
def test_every_command_and_option_has_its_sentence(
    found: tuple[tuple[str, ...], Any],
) -> None:
    path, command = found
    assert command.help, path
    for parameter in command.params:
        assert parameter.help, f"{path}: {parameter.name}"


def test_the_worker_takes_every_setting() -> None:
    [worker] = [command for path, command in COMMANDS if path == ("worker",)]
    assert set(Settings.model_fields) <= {parameter.name for parameter in worker.params}


def test_no_command_is_a_request_for_help(run: Run) -> None:
    ended = run()
    assert "worker" in ended.out + ended.err
    assert ended.code in (0, 2)


def test_wrong_usage_ends_with_2(run: Run) -> None:
    assert run("no-such-command").code == 2
    assert run("worker", "--no-such-option", "1").code == 2
    assert run("simulate", "--rate", "fast").code == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--bulk-turn", "1"], ["bulk_turn", "greater than or equal to 2", "given: '1'"]),
        (["--start-from", "yesterday"], ["start_from", "yesterday", "RFC 3339"]),
        (["--log-format", "xml"], ["log_format", "'json'", "given: 'xml'"]),
        (["--kafka-security-protocol", "SASL_SSL"], ["kafka_sasl_username"]),
    ],
)
def test_a_wrong_setting_is_one_line_on_stderr_and_exit_code_2(
    arguments: list[str], words: list[str], run: Run
) -> None:
    ended = run("worker", "--model", "support", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("switchboard: ")
    assert len(ended.err.splitlines()) == 1
    for word in words:
        assert word in ended.err


def test_a_wrong_variable_and_a_wrong_file_are_told_alike(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SWITCHBOARD_TOPIC_PARTITIONS", "many")
    ended = run("config", "show")
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert "topic_partitions" in ended.err
    monkeypatch.delenv("SWITCHBOARD_TOPIC_PARTITIONS")
    for text, word in (
        ("topic_partition = 4\n", "topic_partition"),
        ("a = = 1", "switchboard.toml"),
    ):
        (tmp_path / "switchboard.toml").write_text(text)
        ended = run("config", "show")
        assert (ended.code, ended.out, len(ended.err.splitlines())) == (2, "", 1)
        assert word in ended.err


def test_a_password_in_a_wrong_place_is_not_printed(run: Run) -> None:
    ended = run(
        "config", "show", "--kafka-security-protocol", "SASL_SSL", "--kafka-sasl-password", SECRET
    )
    assert ended.code == 2
    assert SECRET not in ended.err + ended.out


def test_classifying_lines_without_a_model_says_how_to_get_one(run: Run) -> None:
    ended = run("classify")
    assert ended.code == 2
    assert "--model NAME" in ended.err
    assert "switchboard train" in ended.err


def test_a_model_that_is_not_there_ends_with_1_and_one_line(run: Run, tmp_path: Path) -> None:
    ended = run("worker", "--model", "support", "--models-dir", str(tmp_path))
    assert ended.code == 1
    assert len(ended.err.splitlines()) == 1
    assert "support" in ended.err


def test_without_kafka_a_command_ends_with_1_and_the_way_out(run: Run) -> None:
    address = "127.0.0.1:1"
    ended = run(
        "topics", "check", "--kafka-bootstrap-servers", address, "--kafka-connect-timeout-s", "0.05"
    )
    assert ended.code == 1
    assert f"switchboard: no Kafka at kafka_bootstrap_servers={address}" in ended.err
    assert "Traceback" not in ended.err


# -- config show -------------------------------------------------------------------------------


def shown(ended: Ended) -> dict[str, tuple[str, str]]:
    """Setting -> (value, where it came from); one line each, columns apart by blanks."""
    assert ended.code == 0, ended.err
    rows: dict[str, tuple[str, str]] = {}
    for line in ended.out.splitlines():
        name, *value, origin = line.split()
        rows[name] = (" ".join(value), origin)
    return rows


@pytest.fixture
def show(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    """As `run` for a command that ends by returning."""

    def call(*arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["switchboard", "config", "show", *arguments])
        try:
            main()
            code: Any = 0
        except SystemExit as ended:
            code = ended.code or 0
        found = capfdbinary.readouterr()
        return Ended(code, found.out.decode(), found.err.decode())

    return call


def test_config_show_tells_every_setting(show: Run) -> None:
    assert list(shown(show())) == list(Settings.model_fields)


def test_config_show_names_the_flag_the_variable_the_file_or_the_default(
    show: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "switchboard.toml").write_text(
        "group_id = 'f'\nbulk_turn = 3\ntopic_prefix = 'f'\n"
    )
    monkeypatch.setenv("SWITCHBOARD_GROUP_ID", "e")
    monkeypatch.setenv("SWITCHBOARD_TOPIC_PREFIX", "e")
    rows = shown(show("--topic-prefix", "p"))
    assert rows["topic_prefix"] == ("p", "flag")
    assert rows["group_id"] == ("e", "environment")
    assert rows["bulk_turn"] == ("3", "switchboard.toml")
    assert rows["topic_partitions"] == ("4", "default")


def test_config_show_says_unset_of_what_has_no_value(show: Run) -> None:
    rows = shown(show())
    assert rows["worker_slot"] == ("unset", "default")
    assert rows["kafka_sasl_password"] == ("unset", "default")


def test_config_show_names_the_flag_also_where_it_changes_nothing(show: Run) -> None:
    assert shown(show("--bulk-turn", "20"))["bulk_turn"] == ("20", "flag")


def test_config_show_knows_variables_in_any_case(
    show: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("switchboard_bulk_turn", "7")
    assert shown(show())["bulk_turn"] == ("7", "environment")


def test_config_show_masks_every_secret(
    show: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "switchboard.toml").write_text(f"kafka_ssl_key_password = '{SECRET}'\n")
    ended = show("--kafka-sasl-password", SECRET)
    rows = shown(ended)
    assert SECRET not in ended.out + ended.err
    assert rows["kafka_sasl_password"] == ("**********", "flag")
    assert rows["kafka_ssl_key_password"] == ("**********", "switchboard.toml")


def test_config_show_prints_a_value_as_it_is(show: Run) -> None:
    address = "[fe80::1]:9092"
    assert (
        shown(show("--kafka-bootstrap-servers", address))["kafka_bootstrap_servers"][0] == address
    )


def test_config_show_cuts_no_value_however_narrow_the_terminal(
    show: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    servers = ",".join(f"broker-{number}.kafka.example.org:9092" for number in range(6))
    rows = shown(show("--kafka-bootstrap-servers", servers))
    assert rows["kafka_bootstrap_servers"] == (servers, "flag")


# -- clean and classify --------------------------------------------------------------------------


def test_clean_reads_and_writes_lines_and_names_each_bad_one(run: Run) -> None:
    ended = run("clean", stdin=MAIL + b"\n" + b"{broken\n" + MAIL)
    assert ended.code == 1
    assert [orjson.loads(line)["body"] for line in ended.out.splitlines()] == [
        "My card is lost"
    ] * 2
    [complaint] = [orjson.loads(line) for line in ended.err.splitlines()]
    assert complaint.pop("error-message")
    assert complaint == {"line": 3, "error-stage": "decode", "error-type": "bad-json"}


def test_clean_of_good_lines_ends_with_0(run: Run) -> None:
    ended = run("clean", stdin=MAIL)
    assert (ended.code, ended.err) == (0, "")


def test_clean_of_nothing_is_nothing(run: Run) -> None:
    assert run("clean").out == ""


EML = b"Message-ID: <a@b>\nSubject: card\n\nMy card is lost.\n\n-- \nJane Doe\n"
MBOX = b"From a@b Mon Nov  3 10:00:00 2025\n" + EML + b"\nFrom a@b Mon Nov  3 10:00:01 2025\n" + EML


def bodies(ended: Ended) -> list[str]:
    return [orjson.loads(line)["body"] for line in ended.out.splitlines()]


def test_clean_reads_messages_mailboxes_and_lines_from_files(run: Run, tmp_path: Path) -> None:
    for name, data in {"a.eml": EML, "b.mbox": MBOX, "c.jsonl": MAIL}.items():
        (tmp_path / name).write_bytes(data)
    ended = run("clean", *(str(tmp_path / name) for name in ("a.eml", "b.mbox", "c.jsonl")))
    assert (ended.code, ended.err) == (0, "")
    assert bodies(ended) == ["My card is lost."] * 3 + ["My card is lost"]
    ids = [orjson.loads(line)["id"] for line in ended.out.splitlines()]
    assert len(set(ids)) == 4


@pytest.mark.parametrize(
    ("stdin", "count"),
    [
        (EML, 1),
        (b"\n\n" + EML, 1),
        (MBOX, 2),
        (gzip.compress(MBOX), 2),
        (gzip.compress(MAIL), 1),
        (b"\xef\xbb\xbf" + MAIL, 1),
        (MAIL.replace(b"\n", b"\r\n") * 2, 2),
        (MAIL.rstrip(), 1),
    ],
)
def test_clean_reads_from_stdin_what_it_reads_from_files(
    run: Run, tmp_path: Path, stdin: bytes, count: int
) -> None:
    (tmp_path / "mails").write_bytes(stdin)
    for ended in (run("clean", stdin=stdin), run("clean", str(tmp_path / "mails"))):
        assert (ended.code, ended.err) == (0, "")
        assert [body.rstrip(".") for body in bodies(ended)] == ["My card is lost"] * count


def test_clean_undoes_what_a_mailbox_does_to_lines_that_begin_with_from(
    run: Run, tmp_path: Path
) -> None:
    words = b"Hello one\n\n>From Monday on I am away.\n>>From is quoted"
    message = b"From a@b Mon Nov  3 10:00:00 2025\nSubject: card\n\n" + words
    (tmp_path / "a.mbox").write_bytes(message)
    [body] = bodies(run("clean", "--keep", "quote", str(tmp_path / "a.mbox")))
    assert body == "Hello one\n\nFrom Monday on I am away.\n>From is quoted"


@pytest.mark.parametrize(
    "data",
    [gzip.compress(MBOX * 50)[:-30], gzip.compress(MAIL * 500)[:60] + b"xx", b"\x00\x01:\x02"],
)
def test_clean_names_a_damaged_file_and_goes_on(run: Run, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "bad").write_bytes(data)
    (tmp_path / "good.eml").write_bytes(EML)
    ended = run("clean", str(tmp_path / "bad"), str(tmp_path / "good.eml"))
    assert ended.code == 1
    assert bodies(ended)[-1] == "My card is lost."
    assert orjson.loads(ended.err.splitlines()[-1])["error-type"] == "bad-file"
    by_stdin = run("clean", stdin=data)
    assert by_stdin.code == 1
    assert orjson.loads(by_stdin.err.splitlines()[-1])["error-type"] == "bad-file"


def test_clean_names_the_file_of_what_it_cannot_read_and_goes_on(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_bytes(b'{"id": "1"}\n' + MAIL)
    (tmp_path / "image.png").write_bytes(b"\x89PNG\r\n")
    ended = run(
        "clean", str(tmp_path / "bad.jsonl"), str(tmp_path / "image.png"), str(tmp_path / "none")
    )
    assert (ended.code, bodies(ended)) == (1, ["My card is lost"])
    complaints = [orjson.loads(line) for line in ended.err.splitlines()]
    assert [(Path(each["file"]).name, each["error-type"]) for each in complaints] == [
        ("bad.jsonl", "wrong-shape"),
        ("image.png", "bad-file"),
        ("none", "bad-file"),
    ]


def test_clean_writes_the_labels_of_a_row_beside_its_mail(run: Run, tmp_path: Path) -> None:
    row = MAIL.replace(b"}", b', "labels": {"intent": "card", "tags": ["a"]}}')
    (tmp_path / "rows.jsonl").write_bytes(row)
    for ended in (run("clean", stdin=row), run("clean", str(tmp_path / "rows.jsonl"))):
        [line] = map(orjson.loads, ended.out.splitlines())
        assert (line["body"], line["labels"]) == (
            "My card is lost",
            {"intent": "card", "tags": ["a"]},
        )
    assert "labels" not in orjson.loads(run("clean", stdin=MAIL).out)
    wrong = run("clean", stdin=MAIL.replace(b"}", b', "labels": 7}') + MAIL)
    assert (wrong.code, len(wrong.out.splitlines())) == (1, 1)


def test_clean_keeps_what_it_is_told_to_keep(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(EML)
    kept = run("clean", "--keep", "signature", str(tmp_path / "a.eml"))
    assert bodies(kept) == ["My card is lost.\n\n--\nJane Doe"]
    refused = run("clean", "--keep", "quotes", str(tmp_path / "a.eml"))
    assert refused.code == 2
    assert "keep=quotes" in refused.err
    assert "boilerplate, footer, quote, signature" in refused.err


def test_clean_explains_what_was_taken_out_and_why(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(EML)
    lines = run("clean", "--explain", str(tmp_path / "a.eml")).out.splitlines()
    assert any("1 │ My card is lost." in line and "signature" not in line for line in lines)
    [margin] = [line for line in lines if "3 │ --" in line]
    assert margin.startswith("signature")
    assert "delimiter" in margin
    assert any(line.startswith("parts") and "text/plain: read" in line for line in lines)


def test_what_a_mail_holds_cannot_write_to_the_terminal(run: Run) -> None:
    page = "<div style='display:none'>x&#27;\x1b[31m</div><p>My card is lost</p>"
    mail = orjson.dumps({"id": "[/b][red]", "subject": "\x1b[31m", "html": page})
    shown = run("clean", "--explain", stdin=mail).out
    assert "[/b][red]" in shown
    assert "hidden text" in shown
    assert "\x1b" not in shown


def test_clean_says_that_there_is_nothing_to_read(run: Run) -> None:
    ended = run("clean", stdin=b'{"id": "1", "subject": " ", "body": " "}\n')
    assert (ended.code, ended.out) == (1, "")
    assert orjson.loads(ended.err)["error-type"] == "empty-mail"


def test_classify_without_a_model_is_wrong_usage(run: Run) -> None:
    ended = run("classify", stdin=MAIL)
    assert (ended.code, ended.out) == (2, "")
    assert "--model NAME" in ended.err
