"""Recognises the lines that part a mail from another: separators of programs, forwards, requests of ticket systems."""

from typing import Literal

from stream.clean.history.words import (
    FORWARDED_MESSAGE,
    ORIGINAL_MESSAGE,
    REPLY_ABOVE,
    REPLY_ABOVE_STEMS,
)

_MAX_SEPARATOR_CHARS = 120
_RULES = ("--", "==", "__", "~~", "——", "##", "**", "-=", "=-", "-#")

Separator = Literal["original", "forward"]


def separator(line: str) -> Separator | None:
    """What a line announces: `-----Original Message-----`, `Begin forwarded message:`."""
    if len(line) > _MAX_SEPARATOR_CHARS:
        return None
    core = line.strip(" \t-_*=#<>:—–|").casefold()
    if not core:
        return None
    if core in FORWARDED_MESSAGE:
        return "forward" if _is_ruled(line) or line.rstrip("* ").endswith((":", "：")) else None
    if core in ORIGINAL_MESSAGE:
        return "original" if _is_ruled(line) else None
    return None


def asks_to_reply_above(line: str) -> bool:
    """Whether a line is a ticket system's request to write above it; worth asking where `has_request_above` says so."""
    core = line[:_MAX_SEPARATOR_CHARS].strip(" \t-_*=#<>:—–|").casefold()
    if len(line) > _MAX_SEPARATOR_CHARS or not any(phrase in core for phrase in REPLY_ABOVE):
        return False
    bare = core.strip("[]() ").removeprefix("please ").removeprefix("type ")
    return (bare.startswith(REPLY_ABOVE) and line[-1] != "?") or _is_ruled(line)


def has_request_above(text: str) -> bool:
    """Whether a mail may hold a ticket system's request to write above a line, so that each line is worth asking."""
    for stem in REPLY_ABOVE_STEMS:  # noqa: SIM110  # `any` takes twice as long
        if stem in text:
            return True
    return False


def _is_ruled(line: str) -> bool:
    stripped = line.strip(" \t*>")
    return stripped[:2] in _RULES and stripped[-2:] in (*_RULES, "-:")
