"""Takes HTML of any size and quality and gives `markup` its texts and tags in order, in time linear in its length.

There is no tree: what a mail says needs only the order of texts and tags and a few counters, and trees are where HTML
parsers take quadratic time (on nesting, on attributes, on options). Comments, styles, scripts and the like are taken
out first, by one regex over the whole page, so that no amount of them pushes words beyond a limit.

Source of the rules: the HTML standard, section 13.2.5 (tokenization), with one aim of its own: where a page is broken,
words stay rather than go. `tests/contract/test_html_words.py` holds the words to those of a browser engine's parser,
which is not used here: it takes seconds for 1 MB of nested tags, so all its input would have to go through a walk like
this one first.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from html import unescape

from stream.clean.lines import listed

MAX_TAGS = 5_000
"""Tags that are read one by one, at about a microsecond each; behind them all tags are only taken off."""
_MANY_TAGS = 100_000
_MAX_READ_CHARS = 8_000_000  # without comments, styles and scripts

VOID = frozenset(listed("area|base|br|col|embed|hr|img|input|link|meta|param|source|track|wbr"))
MAY_STAY_OPEN = frozenset(
    listed("html|head|body|p|li|dt|dd|tr|td|th|thead|tbody|tfoot|colgroup|option|caption")
)
_NOT_COUNTED = VOID | MAY_STAY_OPEN | {f"/{name}" for name in VOID | MAY_STAY_OPEN}
_UNSEEN = listed(
    "style|script|title|textarea|iframe|noembed|noframes|template|svg|math|select|datalist|xml|audio|video|canvas"
)
_NOT_WORDS = frozenset(("style", "script", "title", "xml"))

# Each alternative stops at the next `<` or at its own end, so an attempt that fails has cost no more than that. Quoted
# values may hold `>`; up to three of them in a tag may hold `<`, 300 characters far, unless they look like a quote that
# was never closed (`<p class="a>text<b id="`). Where none of this fits, the tag ends at the first `>`.
_CLEAN = r"""(?:[^<>=]++|=\s*+(?:"[^"<]*+"|'[^'<]*+'|(?!["'])))*+"""
_DIRTY = r"""=\s*+(?:"[^"]{0,300}+(?<!=)"|'[^']{0,300}+(?<!=)')"""
_USUAL = r"""[^<>"']*+(?:"[^<>"]*+"[^<>"']*+|'[^<>']*+'[^<>"']*+)*+"""
_TAG = re.compile(
    rf"<(/?[a-zA-Z][^\s/<>]*+)({_USUAL}(?=>)|{_CLEAN}(?:{_DIRTY}{_CLEAN}){{0,3}}+(?=>)|[^<>]*+)(>?)"
)
# By first letters, so that most tags are told apart from these by one or two of them.
_UNSEEN_NAME = (
    "s(?:tyle|cript|vg|elect)|t(?:itle|extarea|emplate)|iframe|no(?:embed|frames)|ma(?:th)|datalist|xml|audio"
    "|video|canvas"
)
_UNSEEN_PART = re.compile(
    r"<!--(?:-?>|[^-]*+(?:-(?!-!?>)[^-]*+)*+--!?>)"
    rf"|<({_UNSEEN_NAME})\b[^<>]*+(?:(?<=/)>|>?[^<]*+(?:<(?!/\1\b)[^<]*+)*+</\1\b[^<>]*+>?)"
    r"|<[!?][^<>]*+>?",
    re.IGNORECASE,
)
_NAMELESS = re.compile(r"</\s[^<>]*+>|</>")
_CLOSINGS = "-->" + "".join(f"</{name}>" for name in _UNSEEN)
_ENTITY = re.compile(r"&(?:#[0-9]{1,7};?|#[xX][0-9a-fA-F]{1,6};?|[A-Za-z][A-Za-z0-9]{1,31};?)")
_ADDRESS = re.compile(r"[^\s<>@]+@[^\s<>@]+|(?:https?|ftp|mailto|tel):")
_LINE_TAG = re.compile(
    r"</?(?:[pP]|[dD][iIlLtTdD]|[bB][rRlL]|[tT][rRaA]|[lL][iI]|[hH][1-6rR]|[uUoO][lL]|[cC][eE]|[sS][eE][cC])[^<>]*+>?"
)
_ANY_TAG = re.compile(r"</?[a-zA-Z][^<>]*+>?")
# Replaced one by one before the regexes: ten times faster, and pages of that many tags repeat few.
_BARE_LINES = listed("<br>|<br/>|<p>|</p>|<div>|</div>|<tr>|</tr>|<li>|</li>")
_BARE_CELLS = listed("</td>|</th>|<td>|<th>")
_BARE_WORDS = listed("<b>|</b>|<i>|</i>|<span>|</span>|</a>|</font>")
_BLANK_LINES = re.compile(r"\n\s++")
_MANY_OPEN = re.compile("(?:</?+){50,}+")  # a picture made of signs at most


@dataclass(frozen=True)
class Page:
    """HTML in pieces.

    Args:
        pieces: text, then four for each tag: its name (`div`, `/div`, as written), its attributes, `>` or nothing
            where it never ended, the text behind it.
        rest: HTML behind the last tag that is read one by one.
        left_out: characters beyond the limit.
    """

    pieces: list[str]
    rest: str
    is_malformed: bool
    left_out: int

    def tags(self) -> Iterator[tuple[str, str, str, str]]:
        """Name, attributes, end and the text behind, of each tag in order."""
        pieces = self.pieces
        return zip(pieces[1::4], pieces[2::4], pieces[3::4], pieces[4::4], strict=True)


def read_page(html: str) -> Page:
    """Take a page apart; never raises."""
    is_malformed = False
    if "\x00" in html:  # every second character of UTF-16 that was read as something else
        html, is_malformed = html.replace("\x00", ""), True
    for mark in "\x01\x02\x03":
        if mark in html:
            html = html.replace(mark, "")
    if "<<<<<<" in html or "</</</" in html:
        html = _MANY_OPEN.sub("", html)
    html, has_unclosed = _without_unseen(html)
    if "</ " in html or "</>" in html:
        html = _NAMELESS.sub("", html)
    left_out = max(0, len(html) - _MAX_READ_CHARS)
    pieces = _TAG.split(html[:_MAX_READ_CHARS], MAX_TAGS)
    rest = ""
    if len(pieces) > 4 * MAX_TAGS:
        rest, pieces[-1] = pieces[-1], ""
    is_malformed = is_malformed or has_unclosed or (not rest and _is_unbalanced(pieces, html))
    return Page(pieces, rest, is_malformed, left_out)


def decode(text: str) -> str:
    """Text with its character references resolved, also those without `;` (HTML standard, section 13.5)."""
    return _ENTITY.sub(_decode_one, text)


def is_text(name: str, attributes: str, end: str) -> bool:
    """Whether what looks like a tag is text: `<jane@example.com>`, `<https://…>`, or `a <b` without an end."""
    if end:
        return _ADDRESS.match(name + attributes) is not None
    return bool(attributes.strip()) and "=" not in attributes


def texts_only(html: str, max_chars: int) -> tuple[str, int]:
    """Lines of text of HTML whose tags are too many to be read one by one, and how many characters are left out."""
    for tags, blank in ((_BARE_LINES, "\n"), (_BARE_CELLS, "\t"), (_BARE_WORDS, "")):
        for tag in tags:
            html = html.replace(tag, blank)
    # Where little of it is words, one pass has to do.
    lines = html if html.count("<") > _MANY_TAGS else _LINE_TAG.sub("\n", html)
    text = _ANY_TAG.sub("\n" if lines is html else "", lines)
    text = _BLANK_LINES.sub("\n", text).strip()
    return decode(text[:max_chars]), max(0, len(text) - max_chars)


def _decode_one(found: re.Match[str]) -> str:
    return _resolved(found.group())


@lru_cache(2_048)
def _resolved(reference: str) -> str:
    return unescape(reference)


def _without_unseen(html: str) -> tuple[str, bool]:
    """The page without what is no text in any program, and whether some of it was never closed.

    Closing tags are put behind the page, so that every element and comment has an end: without that, each of a million
    openings would be followed to the end of the page. One that takes them was not closed. An open comment hides the
    rest, as in every program; an open element only itself: who forgets `</style>` did not mean to hide the mail.
    """
    is_malformed = False
    if "<style" in html and "</" in html and "</style" not in html.lower():  # cheaper than a round
        html, is_malformed = _without_openings(html, "style"), True
    seen = _UNSEEN_PART.sub("", html + _CLOSINGS)
    for _ in _UNSEEN:  # each round mends all elements of one name
        if seen.endswith(_CLOSINGS):
            break
        is_malformed = True
        if seen.endswith(_CLOSINGS[3:]):  # a comment took the first
            return seen[: len(seen) - len(_CLOSINGS) + 3], is_malformed
        name = next(name for name in _UNSEEN if seen.endswith(_CLOSINGS.partition(f"</{name}>")[2]))
        html = _without_openings(html, name)
        seen = _UNSEEN_PART.sub("", html + _CLOSINGS)
    return seen.removesuffix(_CLOSINGS), is_malformed


def _without_openings(html: str, name: str) -> str:
    """The page without the opening tags of a name that no closing tag follows; of styles, without their first words."""
    start = max(0, html.lower().rfind(f"</{name}"))
    words = "(?:(?<=>)[^<]*+)?" if name in _NOT_WORDS else ""
    opening = re.compile(rf"<{name}\b[^<>]*+>?{words}", re.IGNORECASE)
    return html[:start] + opening.sub("", html[start:])


def _is_unbalanced(pieces: list[str], html: str) -> bool:
    """Whether a tag that must be closed is not, or one is closed that was not opened, or a tag never ends."""
    if "" in pieces[3::4]:
        return True
    names = pieces[1::4]
    if "/>" in html:
        both = zip(names, pieces[2::4], strict=True)
        names = [name for name, attributes in both if attributes[-1:] != "/"]
    counts = Counter(names)
    if _differ(counts):  # perhaps only in capitals
        return _differ(Counter(name.lower() for name in names))
    return False


def _differ(counts: Counter[str]) -> bool:
    for name, count in counts.items():
        if name not in _NOT_COUNTED and count != counts[name[1:] if name[0] == "/" else f"/{name}"]:
            return True
    return False
