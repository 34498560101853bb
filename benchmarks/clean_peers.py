"""The three reply parsers that cleaning is compared with, each in a child process that is killed when it stalls.

Takes a mail's text and its language, gives what each *way* of calling a parser leaves of it, to `clean_fixtures` and
`cleaning`. The parsers backtrack, and a call cannot be stopped from within; so each runs in a process of its own with
a limit per mail, which is started again after a stall.
"""

import contextlib
import importlib.metadata
import multiprocessing
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks.tagless import without_tags

ROOT = Path(__file__).parents[1]
LIMIT_S = 5.0
START_LIMIT_S = 60.0
PEERS = ("mail-parser-reply", "email-reply-parser", "quotequail")
PLAIN, HTML = "text/plain", "text/html"

Answers = dict[str, str]


@dataclass(frozen=True)
class Task:
    """One mail: its text, whether it is a page, its language where known; `is_quick`: one way of calling is enough."""

    text: str
    is_html: bool = False
    language: str | None = None
    is_quick: bool = False

    @property
    def plain(self) -> str:
        """The text for a parser that knows no HTML."""
        return without_tags(self.text) if self.is_html else self.text


@dataclass(frozen=True)
class Outcome:
    """What a parser left by way; `stalled` and `error` say why there is nothing."""

    answers: Answers = field(default_factory=dict[str, str])
    stalled: bool = False
    error: str = ""
    cpu_ms: float = 0.0


def mail_parser_reply(task: Task) -> Answers:
    """`replies[0].body`, `.full_body` and `latest_reply`, told the mail's language, and with all of its languages."""
    from mailparser_reply import EmailReplyParser  # noqa: PLC0415 - only this child needs it
    from mailparser_reply.constants import MAIL_LANGUAGES  # noqa: PLC0415

    found: Answers = {}
    told, every = ("told", [task.language or "en"]), ("all", [*MAIL_LANGUAGES])
    for name, languages in (told,) if task.is_quick else (told, every):
        mail = EmailReplyParser(languages=languages).read(task.plain)
        first = mail.replies[0] if mail.replies else None
        found[f"body, {name}"] = first.body if first else ""
        found[f"full_body, {name}"] = first.full_body if first else ""
        found[f"latest_reply, {name}"] = mail.latest_reply or ""
    return found


def email_reply_parser(task: Task) -> Answers:
    """`parse_reply`, and all fragments that are neither quoted nor hidden."""
    from email_reply_parser import EmailReplyParser  # noqa: PLC0415

    mail = EmailReplyParser.read(task.plain)
    unquoted = [part.content for part in mail.fragments if not part.quoted]
    return {"parse_reply": mail.reply, "unquoted": "\n".join(unquoted)}


def quotequail(task: Task) -> Answers:
    """`quote` with and without the introducing line, `unwrap`; their HTML forms for a page."""
    import quotequail as peer  # noqa: PLC0415

    quote: Callable[..., list[tuple[bool, str]]] = peer.quote_html if task.is_html else peer.quote
    unwrap: Callable[[str], dict[str, str] | None] = (
        peer.unwrap_html if task.is_html else peer.unwrap
    )
    suffix = "html" if task.is_html else "text"
    found: Answers = {}
    if task.is_quick:
        return {"quote": "".join(text for is_own, text in quote(task.text) if is_own)}
    for name, intro in (("quote", False), ("quote, intro too", True)):
        parts = quote(task.text, quote_intro_line=intro, limit=100_000)
        found[name] = "".join(text for is_own, text in parts if is_own)
    whole = unwrap(task.text)
    if whole is None:
        found["unwrap"] = task.text
    else:
        own = [whole.get(f"{suffix}_top", ""), whole.get(f"{suffix}_bottom", "")]
        found["unwrap"] = "\n".join(part for part in own if part) or whole.get(suffix, "")
    return {way: without_tags(text) for way, text in found.items()} if task.is_html else found


_CALLS: dict[str, Callable[[Task], Answers]] = {
    "mail-parser-reply": mail_parser_reply,
    "email-reply-parser": email_reply_parser,
    "quotequail": quotequail,
}


def version(peer: str) -> str:
    """Name and version as a report says it.

    Raises:
        PackageNotFoundError: the development environment is not installed.
    """
    return f"{peer} {importlib.metadata.version(peer)}"


class Peer:
    """One parser in its child process. Use as a context manager."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._start()

    def __enter__(self) -> "Peer":
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def read(self, task: Task, limit_s: float = LIMIT_S) -> Outcome:
        """What the parser leaves of a mail, or that it did not answer in time."""
        self._pipe.send(task)
        if not self._pipe.poll(limit_s):
            self._end()
            self._start()
            return Outcome(stalled=True)
        try:
            outcome: Outcome = self._pipe.recv()
        except EOFError:
            outcome = Outcome(error="the process ended")
            self._end()
            self._start()
        return outcome

    def _start(self) -> None:
        self._pipe, far = multiprocessing.Pipe()
        # a bare interpreter: multiprocessing's own start methods would load our program's main module there
        code = f"from benchmarks.clean_peers import serve; serve({self.name!r}, {far.fileno()})"
        self._process = subprocess.Popen(
            [sys.executable, "-c", code], cwd=ROOT, pass_fds=[far.fileno()]
        )
        far.close()
        if not self._pipe.poll(START_LIMIT_S):
            raise TimeoutError(f"{self.name} did not start in {START_LIMIT_S:.0f} s")
        self._pipe.recv()

    def _end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._pipe.close()


def serve(name: str, handle: int) -> None:
    """The child's loop: a task in, an outcome out; before the first one the parser is loaded and warm."""
    pipe: Connection[Any, Any] = Connection(handle)
    call = _CALLS[name]
    call(Task("Hello,\n\nyes.\n\nOn Mon, Nov 3, 2025 at 10:00 A <a@b.example> wrote:\n\n> ok?\n"))
    pipe.send("ready")
    with contextlib.suppress(EOFError):  # the parent ended
        while True:
            pipe.send(attempt(call, pipe.recv()))


def attempt(call: Callable[[Task], Answers], task: Task) -> Outcome:
    """What a parser makes of a mail, with the process's computing time; an exception is a result too."""
    start_s = time.process_time()
    try:
        answers, error = call(task), ""
    except Exception as raised:  # noqa: BLE001 - whatever a parser does on a mail is its result
        answers, error = {}, type(raised).__name__
    return Outcome(answers, error=error, cpu_ms=1000 * (time.process_time() - start_s))
