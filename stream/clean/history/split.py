"""Splits a mail's lines into what its author wrote and the history below, above or between. Plain lines in and out.

The policy, in the order of the code: a forwarded mail is the customer's words and stays. A separator or a header block
below own words ends the mail; at the top it is the mail. An attribution takes the `>` lines below it, wherever they
stand, and leaves the answers between them; without `>` lines it ends the mail. A `>` block that nothing introduces is
history at the end of a mail and a citation elsewhere.
"""

from stream.clean.fence import CHECK_EVERY, Deadline
from stream.clean.history.attribution import (
    attribution_lines,
    begins_with_attribution,
    introduces_history,
    is_prose,
    is_quoters_name,
    is_surely_attribution,
)
from stream.clean.history.header_blocks import header_block
from stream.clean.history.quoting import dequoted_head, end_of_quoted
from stream.clean.history.separators import asks_to_reply_above, has_request_above, separator
from stream.clean.hypertext.markup import MARK_ATTRIBUTION, MARK_HISTORY
from stream.clean.lines import Letter, has_words, is_quoted

_QUOTATION_MARKS = frozenset("„“\"«»‚‘'")
_RULE_CHARS = "-_=*~#—– \t>"
_MOST_UNQUOTED = 3  # times the mail's own length, over all levels of forwards within forwards


def split_history(letter: Letter, *, is_forward: bool, deadline: Deadline) -> bool:
    """Take the history out of a mail.

    Args:
        letter: the mail as tidy lines; lines made from HTML may carry marks.
        is_forward: the subject says so: the first header block or quoted block is the customer's words.
        deadline: looked at every few hundred lines.

    Returns:
        Whether something was found that makes the mail a reply.

    Raises:
        OverTimeError: the budget is spent.
    """
    walk = _Walk(letter.lines, is_forward, deadline)
    walk.run()
    letter.keep(walk.kept, "quote", walk.rules)
    return walk.has_history


class _Walk:
    def __init__(self, lines: list[str], is_forward: bool, deadline: Deadline) -> None:
        self.kept: list[int] = []  # places of lines
        self.rules: list[
            tuple[int, str]
        ] = []  # from which place on something was left out, and why
        self.has_history = False
        self._lines = lines
        self._at = 0
        self._own = 0  # kept lines that hold words and are no citation
        self._is_introduced = False
        self._forwards_left = 1 if is_forward else 0
        self._unquote_left = _MOST_UNQUOTED * sum(map(len, lines))
        self._citation_start = -1  # where the citations begin after which no own line came
        self._has_request = has_request_above("\n".join(lines))
        self._deadline = deadline

    def run(self) -> None:
        steps = 0
        while self._at < len(self._lines):
            steps += 1
            if steps % CHECK_EVERY == 0:
                self._deadline.check()
            line = self._lines[self._at]
            if not line or (is_prose(line) and not self._has_request):
                self._keep(line)
            elif line[0] in (MARK_HISTORY, MARK_ATTRIBUTION):
                self._take_mark(line)
            elif is_quoted(line) and not self._is_own(line):
                self._take_quoted()
            elif not self._take_separator(line) and not self._take_headers(line):
                self._take_attribution_or_own(line)
        self._drop_trailing_citation()

    def _keep(self, line: str) -> None:
        self.kept.append(self._at)
        self._at += 1
        if has_words(line):
            self._own += 1
            self._citation_start = -1

    def _keep_as_it_is(self, count: int) -> None:
        for _ in range(count):
            self._keep(self._lines[self._at])

    def _above(self) -> str:
        """The last line that was kept."""
        return self._lines[self.kept[-1]] if self.kept else ""

    def _end_here(self, rule: str) -> None:
        """Everything from here on is history."""
        self.has_history = True
        self.rules.append((self._at, rule))
        self._at = len(self._lines)
        while self.kept and not self._above().strip(_RULE_CHARS):
            self.kept.pop()

    def _skip_to(self, end: int, rule: str) -> None:
        """Leave history out, and the empty lines below it where there are some above."""
        self.has_history = True
        self.rules.append((self._at, rule))
        self._at = end
        if not self._above():
            while self._at < len(self._lines) and not self._lines[self._at]:
                self._at += 1

    def _take_mark(self, line: str) -> None:
        if line[0] == MARK_HISTORY:
            if self._own and not self._forwards_left:
                self._end_here("a mail program's mark")
            else:
                self.rules.append((self._at, "a mail program's mark"))
                self._at += 1
            return
        end = self._at
        while end < len(self._lines) and self._lines[end].startswith(MARK_ATTRIBUTION):
            self._lines[end] = self._lines[end][1:]
            end += 1
        if any(
            separator(marked.lstrip("> ")) == "forward" for marked in self._lines[self._at : end]
        ):
            return
        self._is_introduced = True
        self._skip_to(end, "attribution")

    def _take_quoted(self) -> None:
        end = end_of_quoted(self._lines, self._at)
        head = dequoted_head(self._lines[self._at : end])
        is_forwarded = any(separator(line) == "forward" for line in head)
        if (self._forwards_left or (is_forwarded and not self._own)) and self._unquote_left > 0:
            self._unquote(end)
            return
        if self._is_introduced or introduces_history(head):
            self._skip_to(end, "quoted lines")
            return
        if self._citation_start < 0 and not self._is_announced():
            self._citation_start = len(self.kept)
        self.kept += range(self._at, end)
        self._at = end

    def _is_own(self, line: str) -> bool:
        """Whether `>` quotes nothing: an address goes on (`… <name@example.com` / `> wrote:`), or a mailbox escapes."""
        above = self._above()
        if line.endswith(":") and len(line) < 40 and above.rfind("<") > above.rfind(">"):
            return True
        below = self._lines[self._at + 1 : self._at + 2]
        return line.startswith(">From ") and not any(map(is_quoted, (above, *below)))

    def _is_announced(self) -> bool:
        """Whether the last own line says that something follows which the author shows: `The page says:`."""
        for place in reversed(self.kept):
            line = self._lines[place]
            if line:
                return line[-1] in ":：" and "@" not in line and not any(map(str.isdigit, line))
        return False

    def _unquote(self, end: int) -> None:
        """Take one level of quoting off a forwarded block and read it as own text."""
        for number in range(self._at, end):
            line = self._lines[number].lstrip()
            self._unquote_left -= len(line)
            self._lines[number] = line[1:].removeprefix(" ") if line.startswith(">") else line
        if (
            introduces_history(dequoted_head(self._lines[self._at : end]))
            and self._forwards_left == 0
        ):
            self._forwards_left = 1

    def _take_separator(self, line: str) -> bool:
        if line[0] not in "-_=*~#—– " and line[-1] not in ":*-#：" and not self._has_request:
            return False
        found = separator(line)
        if found is None and not (self._has_request and asks_to_reply_above(line)):
            return False
        if found == "forward":
            self._take_forward()
        elif self._own:
            self._end_here("separator")
        else:
            self._skip_to(self._at + 1, "separator")
        return True

    def _take_forward(self) -> None:
        """Keep the separator and the headers below it; what follows is read as a mail of its own."""
        self._keep(self._lines[self._at])
        while self._at < len(self._lines) and not self._lines[self._at]:
            self._keep("")
        if self._at < len(self._lines):
            if is_quoted(self._lines[self._at]) and self._unquote_left > 0:
                self._unquote(end_of_quoted(self._lines, self._at))
            self._keep_as_it_is(header_block(self._lines, self._at))
        self._forwards_left = 0

    def _take_headers(self, line: str) -> bool:
        count = header_block(self._lines, self._at) if ":" in line[:40] or "：" in line[:40] else 0
        if not count:
            return False
        if self._forwards_left or not self._own:
            self._forwards_left = 0
            self._keep_as_it_is(count)
        else:
            self._end_here("header block")
        return True

    def _take_attribution_or_own(self, line: str) -> None:
        if self._own and begins_with_attribution(line):
            self._end_here("attribution")
            return
        count = attribution_lines(self._lines, self._at)
        if not count and is_quoters_name(line) and is_quoted(self._below()):
            count = 1
        if not count or count - 1 > len(self.kept):
            self._keep(line)
            return
        below = self._below()
        is_marked = is_quoted(below) or below.startswith("|")
        text = " ".join(self._lines[self._at - count + 1 : self._at + 1])
        is_sure = is_surely_attribution(text) and below[:1] not in _QUOTATION_MARKS
        if below and not is_marked and not is_sure:
            self._keep(line)
            return
        for _ in range(count - 1):
            self._own -= has_words(self._lines[self.kept.pop()])
        if (below and not is_marked and self._own) or below.startswith("|"):
            self._end_here("attribution")
        else:
            self._is_introduced = self._is_introduced or is_marked
            self._skip_to(self._at + 1, "attribution")

    def _below(self) -> str:
        """The next line that is not empty."""
        following = self._at + 1
        while following < len(self._lines) and not self._lines[following]:
            following += 1
        return self._lines[following] if following < len(self._lines) else ""

    def _drop_trailing_citation(self) -> None:
        if 0 <= self._citation_start < len(self.kept) and self._own:
            self.rules.append((self.kept[self._citation_start], "quoted lines at the end"))
            self.rules.sort()
            del self.kept[self._citation_start :]
            self.has_history = True
