"""Tells somebody that a training ended: an event in, a POST or a run of a command out.

Knows no model. A notification that fails is a warning: the training ended as it did. Neither texts of mails nor the
secret parts of an address are sent on or shown.
"""

import base64
import contextlib
import http.client
import os
import shlex
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import Literal
from urllib.parse import SplitResult, unquote, urlsplit

import msgspec

HTTP_TIMEOUT_S = 10
HTTP_ATTEMPTS = 3
FIRST_PAUSE_S = 1.0  # before the second attempt; three times as long before each further one
COMMAND_TIMEOUT_S = 60
MAX_ERROR = 500
ENV_PREFIX = "SWITCHBOARD_TRAINING_"
_SCHEMES = ("http://", "https://")
_WAY_OUT = "the training itself is not affected; check the target of --notify"


class TrainingEvent(msgspec.Struct, frozen=True, kw_only=True):
    """How a training ended; this is the JSON that is sent.

    Args:
        name: of the model.
        version: of the bundle; None: none was written.
        status: `trained` or `failed`.
        recipe: how it was trained.
        figures: head name -> main figures on rows kept back.
        seconds: from the start to the end.
        error: why it failed, as on the terminal; it names rows by id, never their text.
        event, schema_version: what kind of JSON this is.
    """

    event: Literal["training_ended"] = "training_ended"
    schema_version: int = 1
    name: str
    version: str | None = None
    status: Literal["trained", "failed"]
    recipe: str = "quick"
    figures: Mapping[str, Mapping[str, float]] = {}
    seconds: float
    error: str | None = None


class _NotDeliveredError(Exception):
    """One attempt failed; says why without the address."""

    def __init__(self, reason: str, *, is_final: bool) -> None:
        super().__init__(reason)
        self.is_final = is_final


def notify(
    target: str,
    event: TrainingEvent,
    warn: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Send an event. Never raises for what the target does.

    Args:
        target: an `http://` or `https://` address gets the JSON as POST, with three attempts of at most 10 s; anything
            else is a command with its arguments. It is run once without a shell, for at most 60 s, with the JSON on
            stdin and the key facts as `SWITCHBOARD_TRAINING_NAME`, `_VERSION`, `_STATUS`, `_SECONDS` and `_ERROR`.
        event: what to tell; a long `error` is cut.
        warn: told once if it was not delivered.
        sleep: waits between attempts, in seconds.

    Returns:
        Whether it was delivered: an answer 2xx, or exit code 0.
    """
    event = msgspec.structs.replace(event, error=event.error and event.error[:MAX_ERROR])
    body = msgspec.json.encode(event)
    is_webhook = target.lower().startswith(_SCHEMES)
    shown = "webhook" if is_webhook else "command"
    try:
        if is_webhook:
            url = urlsplit(target)
            shown = f"{url.scheme}://{url.hostname}"
            _post_patiently(url, body, sleep)
        else:
            arguments = shlex.split(target)
            shown = repr(arguments[0]) if arguments else shown
            _run(arguments, body, _variables(event))
    except _NotDeliveredError as error:
        warn(f"notification to {shown} failed: {error}; {_WAY_OUT}")
    except ValueError:  # quotes the target, and with it what is secret there
        warn(f"notification failed: the {shown} cannot be parsed; {_WAY_OUT}")
    else:
        return True
    return False


def _post_patiently(url: SplitResult, body: bytes, sleep: Callable[[float], None]) -> None:
    for attempt in range(1, HTTP_ATTEMPTS + 1):
        try:
            return _post(url, body)
        except _NotDeliveredError as error:
            if error.is_final:
                raise
            if attempt == HTTP_ATTEMPTS:
                raise _NotDeliveredError(f"{error}, {attempt} attempts", is_final=True) from error
        sleep(FIRST_PAUSE_S * 3 ** (attempt - 1))
    return None


def _post(url: SplitResult, body: bytes) -> None:
    """One attempt.

    Raises:
        _NotDeliveredError: final where another attempt would get the same answer.
    """
    headers = {"Content-Type": "application/json", "User-Agent": "switchboard"}
    netloc = url.netloc
    if "@" in netloc:
        credentials, _, netloc = netloc.rpartition("@")
        packed = base64.b64encode(unquote(credentials).encode()).decode()
        headers["Authorization"] = f"Basic {packed}"
    address = url._replace(netloc=netloc, fragment="").geturl()
    request = urllib.request.Request(address, body, headers, method="POST")  # noqa: S310  # http(s) only
    try:
        with _opener().open(request, timeout=HTTP_TIMEOUT_S):
            return
    except urllib.error.HTTPError as error:
        error.close()
        is_passing = error.code == 429 or error.code >= 500  # RFC 6585, RFC 9110
        raise _NotDeliveredError(f"HTTP {error.code}", is_final=not is_passing) from error
    except urllib.error.URLError as error:
        raise _NotDeliveredError(str(error.reason), is_final=False) from error
    except TimeoutError as error:
        raise _NotDeliveredError(f"no answer in {HTTP_TIMEOUT_S} s", is_final=False) from error
    except http.client.InvalidURL as error:
        raise _NotDeliveredError("the address is not valid", is_final=True) from error
    except (OSError, http.client.HTTPException) as error:
        raise _NotDeliveredError(type(error).__name__, is_final=False) from error


def _opener() -> urllib.request.OpenerDirector:
    """No redirects: a redirected POST comes back as a GET without its body and would look delivered."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPErrorProcessor,
        urllib.request.HTTPDefaultErrorHandler,
    ):
        opener.add_handler(handler())
    return opener


def _run(arguments: list[str], body: bytes, variables: Mapping[str, str]) -> None:
    if not arguments:
        raise _NotDeliveredError("the target is empty", is_final=True)
    try:
        process = subprocess.Popen(  # noqa: S603  # the user's own command, no shell
            arguments,
            stdin=subprocess.PIPE,
            stdout=2,  # stdout is ours: what the command says goes beside the warnings
            env={**os.environ, **variables},
            start_new_session=True,  # so that a time-out ends its children too
        )
    except OSError as error:
        raise _NotDeliveredError(error.strerror or type(error).__name__, is_final=True) from error
    try:
        process.communicate(body, timeout=COMMAND_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        reason = f"not done after {COMMAND_TIMEOUT_S} s, stopped"
        raise _NotDeliveredError(reason, is_final=True) from error
    finally:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if process.returncode:
        raise _NotDeliveredError(f"exit code {process.returncode}", is_final=True)


def _variables(event: TrainingEvent) -> dict[str, str]:
    facts = {
        "NAME": event.name,
        "VERSION": event.version or "",
        "STATUS": event.status,
        "SECONDS": f"{event.seconds:.0f}",
        "ERROR": (event.error or "").replace("\0", ""),
    }
    return {f"{ENV_PREFIX}{name}": value for name, value in facts.items()}
