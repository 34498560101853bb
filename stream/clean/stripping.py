"""Takes a letter and takes out, room by room, what its author did not write for it, until nothing changes any more.

So cleaning twice is cleaning once: what a signature hid may be history, and what history hid a signature.
"""

from dataclasses import dataclass

from stream.clean.ends.banners import strip_banner
from stream.clean.ends.signatures import strip_letter
from stream.clean.fence import CleanOptions, Deadline, OverTimeError
from stream.clean.history.attribution import may_end_attribution
from stream.clean.history.split import split_history
from stream.clean.lines import Letter, is_quoted

_MAX_ROUNDS = 12


@dataclass(slots=True)
class Found:
    """What was met: `has_history` makes the mail a reply; `is_over_time`: the letter is as far as the time sufficed."""

    has_history: bool = False
    is_over_time: bool = False


def strip(
    letter: Letter, options: CleanOptions, deadline: Deadline, *, is_forward: bool, sender: str
) -> Found:
    """Take boilerplate, banners, history, signatures and footers out of a letter.

    Args:
        letter: of tidy lines, marked ones among them where it was HTML; changed in place.
        options: what is wanted, and the tenant's boilerplate.
        deadline: past it the letter stays as it is.
        is_forward: the subject says so.
        sender: the value of From, empty where it is not known.
    """
    found = Found()
    try:
        for number in range(_MAX_ROUNDS):
            start = list(letter.lines)
            deadline.check()
            _strip_above(letter, options, deadline)
            if "quote" in options.remove:
                is_reply = split_history(letter, is_forward=is_forward, deadline=deadline)
                found.has_history = found.has_history or is_reply
            if number and letter.lines == start:
                break  # the ends of the letter are as their room left them
            strip_letter(letter, options.remove, sender)
            letter.trim()
            if letter.lines == start or _is_settled(letter.lines, start):
                break
    except OverTimeError:
        found.is_over_time = True
    return found


def _strip_above(letter: Letter, options: CleanOptions, deadline: Deadline) -> None:
    """Boilerplate and banners first: text above a header block must be the author's own."""
    if "boilerplate" in options.remove:
        for start, end in reversed(options.boilerplate.spans(letter.lines, deadline.check)):
            letter.cut(start, end, "boilerplate", "the tenant's boilerplate")
    if "footer" in options.remove:
        strip_banner(letter)


def _is_settled(lines: list[str], start: list[str]) -> bool:
    """Whether only a tail was taken off, and nothing above it was kept because of what stood there.

    What is kept because of the lines below it: a line that may introduce a quote, and quoted lines.
    """
    if not lines or lines != start[: len(lines)]:
        return False
    return not (may_end_attribution(lines[-1]) or any(map(is_quoted, lines)))
