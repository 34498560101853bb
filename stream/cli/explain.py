"""A cleaned mail as a person reads it: what stays, and in the margin what was taken out, why, and by which rule."""

from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from stream.clean import CleanNotes
from stream.clean.lines import Cut
from stream.clean.message.parts import PartNote
from stream.records import CleanedEmail

_FATES = {
    "read": "read",
    "attachment": "attachment, not read",
    "alternative": "another form of what was read",
    "extra": "not needed",
    "signature": "signature",
    "encrypted": "encrypted, nobody here can read it",
    "not text": "not text",
    "empty": "empty",
    "beyond the limits": "beyond the limits, not read",
}
_MOST_LINES = 12
_MARGIN = 11


def show(console: Console, cleaned: CleanedEmail, notes: CleanNotes) -> None:
    """Print one mail; every line of its text is kept or has a reason in the margin."""
    console.rule(Text(cleaned.id), align="left", style="dim")
    for name, value in _facts(cleaned, notes):
        console.print(Text(f"{name:<{_MARGIN}}", style="dim").append(value, style="default"))
    console.print()
    for line in _margin(notes):
        console.print(line)
    console.print()


def _facts(cleaned: CleanedEmail, notes: CleanNotes) -> Iterable[tuple[str, str]]:
    yield "subject", cleaned.subject
    language = cleaned.language or "language unknown"
    yield "kind", "  ".join(filter(None, (cleaned.kind, language, cleaned.protection)))
    for number, part in enumerate(notes.parts):
        yield "" if number else "parts", _part(part)
    removed = [f"{reason} {chars:,}" for reason, chars in cleaned.removed.items() if chars]
    yield "removed", ", ".join(removed) + " characters" if removed else "nothing"
    if cleaned.malformed_html:
        yield "html", "malformed; its words were kept"
    if cleaned.left_out:
        yield "limits", f"{cleaned.left_out:,} characters are beyond the limits and were not read"
    if notes.is_over_time:
        yield "limits", "the time budget was spent; the text is as it stood"
    if notes.problem is not None:
        yield "problem", notes.problem


def _part(part: PartNote) -> str:
    name = f" {part.name!r}" if part.name else ""
    return f"{part.where:<6} {part.content_type}{name}: {_FATES[part.fate]}"


def _margin(notes: CleanNotes) -> Iterable[Text]:
    for cut in notes.cuts:
        if not cut.numbers:
            yield _line(cut.reason, 0, " ".join(cut.lines), cut.rule)
    gone = {number: cut for cut in notes.cuts for number in cut.numbers}
    for number, line in enumerate(notes.text.split("\n"), start=1):
        cut = gone.get(number)
        if cut is None:
            yield _line("", number, line, "")
            continue
        place = cut.numbers.index(number)
        if place < _MOST_LINES:
            yield _line(cut.reason, number, line, "" if place else cut.rule)
        elif place == _MOST_LINES:
            yield _more(cut, place)


def _line(reason: str, number: int, line: str, rule: str) -> Text:
    style = "red" if reason else "default"
    text = Text(f"{reason:<{_MARGIN}}", style="red").append(f"{number or '':>4} ", style="dim")
    text.append(f"│ {line}", style=style)
    return text.append(f"   ◂ {rule}", style="yellow") if rule else text


def _more(cut: Cut, place: int) -> Text:
    return _line(cut.reason, 0, f"… {len(cut.numbers) - place:,} more lines", "")
