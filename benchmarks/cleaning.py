"""Times the cleaner: medians on the shared fixtures, the worst of hostile mails, growth by doubling. Prints figures.

python -m benchmarks.cleaning            # fixtures from SWITCHBOARD_DATA_DIR, default ../shared/data
"""

import base64
import gzip
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from stream.clean import CleanOptions, clean_with_notes
from stream.errors import PoisonRecordError
from stream.records import InboundEmail

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DATA_DIR = Path(
    os.environ.get("SWITCHBOARD_DATA_DIR", Path(__file__).parents[2] / "shared" / "data")
)
NO_BUDGET = CleanOptions(time_budget_ms=60_000)
MEGA = 1_000_000

HOSTILE: dict[str, Callable[[], InboundEmail]] = {
    "20,000 newlines": lambda: _body("a" + "\n" * 20_000 + "b"),
    "On x 7,000": lambda: _body("On " * 7_000),
    "On ... <a@b> x 600": lambda: _body("On Mon, Nov 3, 2025 at 10:00 <a@b> " * 600),
    "On ... <a@b> lines x 60,000": lambda: _body("On Mon, Nov 3, 2025 at 10:00 <a@b>:\n" * 60_000),
    "Von: lines x 100,000": lambda: _body("Von: a\n" * 100_000),
    "nested > quotes, 3,000 deep": lambda: _body("\n".join(">" * n + " x" for n in range(3_000))),
    "10 MB of quotes": lambda: _body("> quoted line with some words in it\n" * 280_000),
    "one 10 MB line": lambda: _body("word " * 2 * MEGA),
    "10 MB of spaces": lambda: _body("a" + " " * 10 * MEGA + "b"),
    "10 MB of zero width": lambda: _body("a" + "\u200b" * 10 * MEGA + "b"),
    "separators x 200,000": lambda: _body("-----Original Message-----\n" * 200_000),
    "forwards x 200,000": lambda: _body("----- Forwarded message -----\n> > a\n" * 200_000),
    "signatures x 300,000": lambda: _body("a\n-- \nb\n" * 300_000),
    "closings x 300,000": lambda: _body("LG\nBob\n\n" * 300_000),
    "mojibake 1 MB": lambda: _body("\u00c3\u00a9 " * 330_000),
    "10 MB HTML text": lambda: _html("<p>" + "word " * 2 * MEGA),
    "20,000 nested divs": lambda: _html("<div>" * 20_000 + "x"),
    "2,000,000 nested divs": lambda: _html("<div>" * 2 * MEGA + "x"),
    "10 MB of <": lambda: _html("<" * 10 * MEGA),
    "10 MB of </": lambda: _html("<style>" + "</" * 5 * MEGA),
    "one tag, 300,000 attributes": lambda: _html(
        "<p " + " ".join(f"a{n}" for n in range(300_000)) + ">x"
    ),
    "50,000 options": lambda: _html("<select>" + "<option>" * 50_000),
    "nested blockquotes": lambda: _html("<blockquote>x" * 100_000),
    "list items": lambda: _html("<li>x" * 500_000),
    "10 MB style, then text": lambda: _html("<style>" + "a{b:c}" * 600_000 + "</style>hello"),
    "MIME nested 1,000 deep": lambda: _raw(
        b"".join(
            b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(1_000)
        )
    ),
    "10 MB attachment": lambda: _raw(
        b"Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nhello\n--b\n"
        b"Content-Type: application/pdf\nContent-Transfer-Encoding: base64\n\n"
        + b"QUJD"
        * 19
        + b"\n"
        b"" * 1 + (b"QUJD" * 19 + b"\n") * 130_000 + b"--b--\n"
    ),
    "5 M boundary lines": lambda: _raw(
        b"Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n" + b"--b\n" * 2_500_000
    ),
    "10 MB header": lambda: _raw(b"Subject: " + b"=?utf-8?q?" * MEGA + b"\n\nhello"),
    "200,000 headers": lambda: _raw(b"X: y\n" * 2 * MEGA + b"\nhello"),
    "quoted parameters": lambda: _raw(
        b"Subject: x\nContent-Type: text/plain; a=" + b'";' * 500_000 + b"\n\nhello"
    ),
}


def _body(text: str) -> InboundEmail:
    return InboundEmail(id="x", subject="help", body=text)


def _html(text: str) -> InboundEmail:
    return InboundEmail(id="x", subject="help", html=text)


def _raw(data: bytes) -> InboundEmail:
    return InboundEmail(id="x", raw=data)


def rows(name: str) -> Iterator[dict[str, str]]:
    """The rows of a shared file; none where the folder is absent."""
    path = DATA_DIR / name
    if path.exists():
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def time_ms(email: InboundEmail, options: CleanOptions = NO_BUDGET) -> tuple[float, str]:
    """Milliseconds of computing for one mail, and how it ended."""
    start = time.thread_time()
    try:
        cleaned, notes = clean_with_notes(email, NOW, None, options)
        end = f"{cleaned.kind}, {len(cleaned.body)} chars" + ", over time" * notes.is_over_time
    except PoisonRecordError as error:
        end = error.kind
    return (time.thread_time() - start) * 1_000, end


def _median_us(emails: list[InboundEmail]) -> str:
    best = [min(time_ms(email)[0] for _ in range(5)) * 1_000 for email in emails]
    if not best:
        return "no data"
    ordered = sorted(best)
    p95 = ordered[len(ordered) * 95 // 100 - 1]
    return f"{len(best)} mails, median {statistics.median(best):.0f} us, p95 {p95:.0f} us, max {ordered[-1]:.0f} us"


def main() -> None:
    """Print all figures."""
    print(f"{platform.platform()}, Python {platform.python_version()}, {' '.join(sys.argv)}")
    time_ms(_body("Hello, this loads the language model."))
    fixtures = list(rows("cleaning/reply_fixtures.shared.jsonl.gz"))
    of_type = {
        kind: [row["raw"] for row in fixtures if row["content_type"] == kind]
        for kind in ("text/plain", "text/html", "message/rfc822")
    }
    messages = [
        base64.b64decode(row["raw_base64"]) for row in rows("rfc822/messages.shared.jsonl.gz")
    ]
    print("plain fixtures  ", _median_us([_body(text) for text in of_type["text/plain"]]))
    print("HTML fixtures   ", _median_us([_html(text) for text in of_type["text/html"]]))
    print(
        "raw fixtures    ", _median_us([_raw(text.encode()) for text in of_type["message/rfc822"]])
    )
    print("raw messages    ", _median_us([_raw(data) for data in messages]))
    worst = 0.0
    for name, make in HOSTILE.items():
        took_ms, end = time_ms(make())
        worst = max(worst, took_ms)
        print(f"{name:32s} {took_ms:8.1f} ms  {end}")
    print(f"worst hostile mail {worst:.1f} ms of computing")


if __name__ == "__main__":
    main()
