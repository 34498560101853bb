"""Takes OpenPGP's armour (RFC 9580, sections 6 and 7) off a letter and says whether it was signed or encrypted.

What is signed stays, without the lines of the signature; what is encrypted nobody here can read, so it goes.
"""

from typing import Literal

from stream.clean.lines import Letter

Protection = Literal["signed", "encrypted"]

ARMOR = "-----BEGIN PGP "
_END = "-----END PGP "
_DASHES = "-----"
_BLOCKS = ("MESSAGE", "SIGNATURE", "PUBLIC KEY BLOCK")
_SIGNED = "SIGNED MESSAGE"
_MAX_HEADER_LINES = 12


def open_armor(letter: Letter) -> Protection | None:
    """Take armoured blocks out, with the reason `markup`; None where there is none."""
    lines = letter.lines
    ends = _ends_of_blocks(lines)
    kept: list[int] = []
    rules: list[tuple[int, str]] = []
    found: Protection | None = None
    is_dashed = False
    at = 0
    while at < len(lines):
        kind = _named(lines[at], ARMOR)
        if kind == _SIGNED:
            found, is_dashed = found or "signed", True
            rules.append((at, "OpenPGP header"))
            at = _after_headers(lines, at)
        elif kind in _BLOCKS and _is_block(lines, at, ends.get(at)):
            is_dashed = False
            found = "encrypted" if kind == "MESSAGE" else found
            rules.append((at, f"OpenPGP {kind.lower()}"))
            at = ends.get(at) or _after_base64(lines, at)
        else:
            if is_dashed:
                lines[at] = lines[at].removeprefix("- ")
            kept.append(at)
            at += 1
    letter.keep(kept, "markup", rules)
    return found


def _named(line: str, mark: str) -> str:
    """The kind of block that a line begins or ends; empty where it does neither."""
    is_mark = line.startswith(mark) and line.endswith(_DASHES)
    return line[len(mark) : -len(_DASHES)] if is_mark else ""


def _ends_of_blocks(lines: list[str]) -> dict[int, int]:
    """For each line that begins a block, the place behind its end; one pass from the bottom."""
    ends: dict[int, int] = {}
    nearest: dict[str, int] = {}
    for at in range(len(lines) - 1, -1, -1):
        if not lines[at].startswith(_DASHES):
            continue
        if kind := _named(lines[at], _END):
            nearest[kind] = at + 1
        elif (kind := _named(lines[at], ARMOR)) in nearest:
            ends[at] = nearest[kind]
    return ends


def _is_block(lines: list[str], at: int, end: int | None) -> bool:
    """Whether what follows is a block's: headers, then lines without a space; somebody may write of such lines."""
    first = _after_headers(lines, at)
    last = end - 1 if end else min(len(lines), first + 1)
    return not any(" " in line for line in lines[first:last])


def _after_headers(lines: list[str], at: int) -> int:
    """Behind the armour's headers (`Hash: SHA256`) and the empty line below them."""
    for number in range(at + 1, min(len(lines), at + _MAX_HEADER_LINES)):
        if not lines[number]:
            return number + 1
        if ": " not in lines[number]:
            return number
    return at + 1


def _after_base64(lines: list[str], at: int) -> int:
    """Behind a block that is cut off before its end: its headers and lines without a space."""
    end = _after_headers(lines, at)
    while end < len(lines) and lines[end] and " " not in lines[end]:
        end += 1
    return end
