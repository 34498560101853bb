"""The elements of a page that change how text is taken, while they are open. Knows roles, lines and depths, no tags.

An element that changes something opens a frame, which remembers what was before. A frame ends with its element's end
tag, or when what encloses it ends: the block, the cell of the table. Counters of depth say so; there is no tree.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from stream.clean.history.separators import asks_to_reply_above, separator
from stream.clean.hypertext.elements import NO_EFFECT, NONE, Effect, Role, effect_of, hints_of
from stream.clean.hypertext.page import MARK_ATTRIBUTION, MARK_SIGNATURE, Lines

_MOST_ATTRIBUTION_LINES = 3
_MOST_FRAMES = 64
_MOST_LOOKED_AT = 8
_MOST_CACHED = 512


@dataclass(slots=True)
class Frame:
    """An element that changed something, and what was before.

    Args:
        depth, tables: blocks and tables that are open within it; it ends where fewer are.
        start: lines when it began. unseen: hidden texts when it began.
        before: quoted, mark, reasons and is_preformatted.
        inner: elements of its name that are open within it.
        has_quote: a quoted block was found in it.
    """

    name: str
    role: Role
    depth: int
    tables: int
    start: int
    unseen: int
    before: tuple[int, str, int, bool]
    inner: int = 0
    has_quote: bool = False


class Frames(Lines):
    """Lines, and the frames that are open.

    `depth` counts open blocks, `floor` those up to the table that is being read: an end tag within a cell cannot
    close what is around the table. `tables` holds the floor and the number of lists around each open table.
    """

    def __init__(self, attributes: Iterable[str]) -> None:
        super().__init__()
        self.hints = hints_of(attributes)
        self.frames: list[Frame] = []
        self.depth = self.floor = 0
        self.tables: list[tuple[int, int]] = []
        self.lists: list[list[int]] = []
        self.header_at = -1  # where the header block of a quoted mail may begin
        self._effects: dict[tuple[str, str], Effect] = {}
        self._without: set[str] = set()  # attributes that do nothing

    def effect(self, name: str, attributes: str) -> Effect:
        """What attributes do; most hold nothing that matters, and newsletters repeat the same ones."""
        if not self.reasons & ~NONE:
            if attributes in self._without:
                return NO_EFFECT
            lowered = attributes.lower()
            for hint in self.hints:
                if hint in lowered:
                    break
            else:
                if len(self._without) < _MOST_CACHED:
                    self._without.add(attributes)
                return NO_EFFECT
        key = name, attributes
        effect = self._effects.get(key)
        if effect is None:
            effect = effect_of(name, attributes)
            if len(self._effects) < _MOST_CACHED:
                self._effects[key] = effect
        return effect

    def enter(self, name: str, attributes: str) -> bool:
        """Open a frame where an element changes something; whether it did."""
        effect = self.effect(name, attributes)
        if effect is NO_EFFECT:
            return False
        if effect.role == "history":
            self.add_history()
        elif effect.role == "headers":
            self.header_at, self.labels = self.end_line(), 0
        reasons = self.reasons & ~effect.shown | effect.hidden
        is_typed = effect.is_preformatted
        is_same = reasons == self.reasons and is_typed in (None, self.is_preformatted)
        if is_same and effect.role in ("none", "history", "headers"):
            return False
        return self.push(name, effect)

    def push(self, name: str, effect: Effect) -> bool:
        """Open a frame; whether there was room for one more."""
        if len(self.frames) >= _MOST_FRAMES:
            return False
        role = effect.role
        start = self.end_line() if role in ("quote", "attribution", "container") else 0
        before = self.quoted, self.mark, self.reasons, self.is_preformatted
        frame = Frame(name, role, self.depth, len(self.tables), start, len(self.unseen), before)
        self.frames.append(frame)
        self.reasons = self.reasons & ~effect.shown | effect.hidden
        if effect.is_preformatted is not None:
            self.is_preformatted = effect.is_preformatted
        if role == "quote":
            self.quoted += 1
        elif role == "attribution":
            self.mark = MARK_ATTRIBUTION
        elif role == "signature" and not self.quoted:
            self.mark = MARK_SIGNATURE
        return True

    def leave(self, at: int) -> None:
        """End the frames from a place on."""
        while len(self.frames) > at:
            frame = self.frames.pop()
            was_hidden = self.reasons
            self.quoted, self.mark, self.reasons, self.is_preformatted = frame.before
            if was_hidden and not self.reasons:
                text = self.note_unseen(frame.unseen)
                if text and asks_to_reply_above(text):
                    self.add_history()  # `##- Please type your reply above this line -##`, unseen
            if frame.role == "quote":
                self._end_quote(frame)
            elif frame.role == "attribution":
                self._end_attribution(frame)

    def nearest(self, name: str) -> int | None:
        """The place of the innermost frame of a name, if it is among the last ones."""
        frames = self.frames
        for at in range(len(frames) - 1, max(-1, len(frames) - 1 - _MOST_LOOKED_AT), -1):
            if frames[at].name == name:
                return at
        return None

    def end_deeper(self) -> None:
        """End the frames of blocks that are no longer open."""
        while self.frames and self.frames[-1].depth > self.depth:
            self.leave(len(self.frames) - 1)

    def mark_attribution(self, start: int) -> None:
        """Mark the few lines from a number on as the attribution of the quoted block that begins here."""
        end = self.end_line()
        lines = [number for number in range(start, end) if self.lines[number]]
        if 0 < len(lines) <= _MOST_ATTRIBUTION_LINES:
            for number in lines:
                if self.lines[number][0] >= " ":
                    self.lines[number] = MARK_ATTRIBUTION + self.lines[number]

    def _end_attribution(self, frame: Frame) -> None:
        """The header of a forwarded mail, which Gmail marks in the same way, is none."""
        end = self.end_line()
        lines = self.lines[frame.start : end]
        if len(lines) - lines.count("") > _MOST_ATTRIBUTION_LINES:
            self.lines[frame.start :] = [line.removeprefix(MARK_ATTRIBUTION) for line in lines]

    def _end_quote(self, frame: Frame) -> None:
        """A forwarded mail that its program puts into a quoted block is the author's own."""
        end = self.end_line()
        if self.quoted or not self._is_forward(frame.start, end):
            return
        for number in range(frame.start, end):
            line = self.lines[number]
            mark = line[:1] if line[:1] < " " else ""
            line = line[len(mark) :]
            self.lines[number] = mark + (line[1:].removeprefix(" ") if line[:1] == ">" else line)

    def _is_forward(self, start: int, end: int) -> bool:
        """Whether lines begin with the words of a forwarded mail, and no attribution stands above them."""
        above = next((line for line in reversed(self.lines[max(0, start - 2) : start]) if line), "")
        if above[:1] == MARK_ATTRIBUTION or above.endswith((":", "：")):
            return False
        head = (line.lstrip("\x01\x02\x03> ") for line in self.lines[start : min(end, start + 4)])
        first = next((line for line in head if line), "")
        return separator(first) == "forward"
