"""A training that ends is told to a real HTTP server or a real command; a target that fails is one warning."""

import base64
import json
import os
import shlex
import socket
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from stream import notify as room
from stream.notify import HTTP_ATTEMPTS, TrainingEvent, notify

EVENT = TrainingEvent(
    name="support",
    version="3",
    status="trained",
    recipe="balanced",
    figures={"topic": {"accuracy": 0.91, "macro_f1": 0.88}},
    seconds=81.4,
)
FAILED = TrainingEvent(name="support", status="failed", seconds=2.0, error="rows.csv:3: not UTF-8")


class Webhook:
    """A server on the loopback that answers what it is told to and keeps what it got."""

    def __init__(self) -> None:
        self.answers = [204]
        self.got: list[tuple[str, str, dict[str, str], bytes]] = []
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                webhook.got.append((self.command, self.path, dict(self.headers), body))
                code = webhook.answers.pop(0) if len(webhook.answers) > 1 else webhook.answers[0]
                self.send_response(code)
                if code == 302:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()

            do_GET = do_POST  # noqa: N815  # the base's name

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's name
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    found = Webhook()
    thread = Thread(target=found.server.serve_forever, args=(0.01,))
    thread.start()
    yield found
    found.server.shutdown()
    found.server.server_close()
    thread.join()


class Ears:
    """Keeps the warnings and the pauses."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.pauses_s: list[float] = []

    def tell(self, target: str, event: TrainingEvent = EVENT) -> bool:
        return notify(target, event, self.warnings.append, self.pauses_s.append)


def test_a_webhook_gets_the_event_as_json(webhook: Webhook) -> None:
    ears = Ears()
    assert ears.tell(f"http://{webhook.address}/hooks/t0ken?channel=ml")
    ((method, path, headers, body),) = webhook.got
    assert (method, path) == ("POST", "/hooks/t0ken?channel=ml")
    assert headers["Content-Type"] == "application/json"
    assert json.loads(body) == {
        "event": "training_ended",
        "schema_version": 1,
        "name": "support",
        "version": "3",
        "status": "trained",
        "recipe": "balanced",
        "figures": {"topic": {"accuracy": 0.91, "macro_f1": 0.88}},
        "seconds": 81.4,
        "error": None,
    }
    assert not ears.warnings


def test_credentials_of_an_address_become_a_header(webhook: Webhook) -> None:
    assert Ears().tell(f"http://me:p%40ss@{webhook.address}/")
    assert webhook.got[0][2]["Authorization"] == f"Basic {base64.b64encode(b'me:p@ss').decode()}"
    assert webhook.got[0][2]["Host"] == webhook.address


def test_a_server_that_stumbles_is_tried_again_after_growing_pauses(webhook: Webhook) -> None:
    webhook.answers = [503, 429, 200]
    ears = Ears()
    assert ears.tell(f"http://{webhook.address}/", FAILED)
    assert len(webhook.got) == HTTP_ATTEMPTS
    assert ears.pauses_s == [1.0, 3.0]
    assert json.loads(webhook.got[2][3])["error"] == "rows.csv:3: not UTF-8"
    assert not ears.warnings


def test_a_server_that_stays_down_is_one_warning_without_the_secret_of_its_address(
    webhook: Webhook,
) -> None:
    webhook.answers = [500]
    ears = Ears()
    assert not ears.tell(f"http://me:pass@{webhook.address}/hooks/t0ken")
    assert len(webhook.got) == HTTP_ATTEMPTS
    (warning,) = ears.warnings
    assert "http://127.0.0.1 failed: HTTP 500, 3 attempts; the training itself" in warning
    assert "t0ken" not in warning
    assert "pass@" not in warning


@pytest.mark.parametrize("code", [302, 404])
def test_what_would_be_answered_the_same_again_is_not_repeated(webhook: Webhook, code: int) -> None:
    webhook.answers = [code]
    ears = Ears()
    assert not ears.tell(f"http://{webhook.address}/hooks/t0ken")
    assert len(webhook.got) == 1, "a redirect is not followed: the body would be lost"
    assert f"HTTP {code};" in ears.warnings[0]


def test_a_port_where_nobody_listens_is_one_warning() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    ears = Ears()
    assert not ears.tell(f"http://127.0.0.1:{port}/")
    assert "refused, 3 attempts" in ears.warnings[0]
    assert len(ears.pauses_s) == 2


def test_a_server_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "HTTP_TIMEOUT_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        ears = Ears()
        assert not ears.tell(f"http://127.0.0.1:{silent.getsockname()[1]}/")
    assert "no answer in 0.1 s" in ears.warnings[0]


@pytest.mark.parametrize(
    "target",
    ["http://host:hidden:nonsense/", "http://[hidden", "https://", "'hidden", "", "/no/such/file"],
)
def test_a_target_that_is_none_is_one_warning(target: str) -> None:
    ears = Ears()
    assert not ears.tell(target)
    (warning,) = ears.warnings
    assert "check the target of --notify" in warning
    assert "hidden" not in warning


def program(tmp_path: Path, *lines: str) -> str:
    """A command that runs these lines of Python."""
    script = tmp_path / "a script.py"
    script.write_text("\n".join(["import json, os, sys, time", *lines]))
    return f"{sys.executable} {shlex.quote(str(script))} 'two words' $HOME"


def test_a_command_gets_the_json_on_stdin_and_the_facts_in_its_environment(tmp_path: Path) -> None:
    out = tmp_path / "told.json"
    command = program(
        tmp_path,
        "facts = {k: v for k, v in os.environ.items() if k.startswith('SWITCHBOARD_TRAINING_')}",
        "told = [json.load(sys.stdin), facts, sys.argv[1:], 'PATH' in os.environ]",
        f"json.dump(told, open({str(out)!r}, 'w'))",
    )
    ears = Ears()
    assert ears.tell(command, FAILED)
    event, facts, arguments, has_path = json.loads(out.read_text())
    assert event["status"] == "failed"
    assert event["version"] is None
    assert facts == {
        "SWITCHBOARD_TRAINING_NAME": "support",
        "SWITCHBOARD_TRAINING_VERSION": "",
        "SWITCHBOARD_TRAINING_STATUS": "failed",
        "SWITCHBOARD_TRAINING_SECONDS": "2",
        "SWITCHBOARD_TRAINING_ERROR": "rows.csv:3: not UTF-8",
    }
    assert arguments == ["two words", "$HOME"], "no shell reads it"
    assert has_path
    assert not ears.warnings


def test_a_command_that_fails_or_does_not_read_is_a_warning_at_most(tmp_path: Path) -> None:
    ears = Ears()
    assert not ears.tell(program(tmp_path, "sys.exit(7)"))
    assert "exit code 7" in ears.warnings[0]
    assert "two words" not in ears.warnings[0], "arguments may hold secrets"
    assert ears.tell(program(tmp_path, "os.close(0)"))


def test_a_command_that_hangs_is_stopped_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "COMMAND_TIMEOUT_S", 2)
    out = tmp_path / "pid"
    child = "import time; time.sleep(60)"
    command = program(
        tmp_path,
        "import subprocess",
        f"child = subprocess.Popen([sys.executable, '-c', {child!r}])",
        f"open({str(out)!r}, 'w').write(str(child.pid))",
        "time.sleep(60)",
    )
    ears = Ears()
    assert not ears.tell(command)
    assert "not done after 2 s" in ears.warnings[0]
    assert is_gone(int(out.read_text()))


def is_gone(pid: int) -> bool:
    """A process that was killed, or is being taken away, within a few seconds."""
    for _ in range(200):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    os.kill(pid, 9)
    return False


def test_a_long_error_is_cut(webhook: Webhook) -> None:
    event = TrainingEvent(name="support", status="failed", seconds=1.0, error="x" * 9000)
    assert Ears().tell(f"http://{webhook.address}/", event)
    assert len(json.loads(webhook.got[0][3])["error"]) == room.MAX_ERROR
