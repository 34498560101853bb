"""HTML in, lines of text out, to the splitter: quoted blocks as `>` lines, the marks of mail programs as marked lines.

One walk over the tags of a page: `tags` takes it apart, `elements` says what attributes mean, `blocks` what each
element does, by `frames` and `page`. Hidden text is gone; breaks, paragraphs, lists and rows keep their lines. What is
quoted or signed is only marked here: whether it goes is decided in the rooms for plain text. A forwarded mail within
a quoted block is own text and loses its `>`.

Choices: the `alt` of a picture counts where it is all that a link shows, and where it is an emoji. `mso-hide` alone
hides nothing, since only one program obeys it. Styles by class are not resolved. The words of an unknown tag that is
an address (`<jane@example.com>`) are text.
"""

from collections.abc import Callable
from dataclasses import dataclass

from stream.clean.fence import CHECK_EVERY, Deadline
from stream.clean.hypertext.page import MARK_ATTRIBUTION, MARK_HISTORY, MARK_SIGNATURE
from stream.clean.hypertext.tables import Tables
from stream.clean.hypertext.tags import Page, is_text, read_page, texts_only
from stream.clean.lines import listed

__all__ = ["MARK_ATTRIBUTION", "MARK_HISTORY", "MARK_SIGNATURE", "HtmlText", "html_to_text"]

_MOST_HIDDEN = 20


_Act = Callable[[Tables, str, str], None]

_KINDS: tuple[tuple[str, _Act, _Act], ...] = (
    (
        "div|center|section|article|header|footer|main|nav|aside|address|fieldset|figure|figcaption|form|details"
        "|summary|hgroup|legend|dialog",
        Tables.block,
        Tables.end_block,
    ),
    ("dt|dd|caption", Tables.paragraph, Tables.end_paragraph),
    ("h1|h2|h3|h4|h5|h6|dl", Tables.heading, Tables.end_heading),
    ("p", Tables.paragraph, Tables.end_paragraph),
    ("blockquote", Tables.quotation, Tables.end_heading),
    ("pre|xmp|listing", Tables.preformatted, Tables.end_heading),
    ("ul|ol|menu|dir", Tables.list_of_items, Tables.end_list),
    ("li", Tables.item, Tables.end_item),
    ("table", Tables.table, Tables.end_of_table),
    ("tr|tbody|thead|tfoot", Tables.row, Tables.end_row),
    ("td|th", Tables.table_cell, Tables.end_cell),
    ("b|strong", Tables.inline, Tables.end_bold),
    ("a", Tables.link, Tables.end_link),
    ("img", Tables.picture, Tables.ignore),
    ("br", Tables.line_break, Tables.line_break),
    ("hr", Tables.rule, Tables.ignore),
    (
        "html|head|body|meta|link|base|wbr|col|colgroup|input|param|source|track|area|embed|map|noscript",
        Tables.ignore,
        Tables.ignore,
    ),
    (
        "span|font|i|em|u|s|small|big|sub|sup|code|tt|q|mark|abbr|label|cite|del|ins|strike|kbd|samp|var|nobr|button"
        "|option|o:p",
        Tables.inline,
        Tables.end_inline,
    ),
)
# What the tags of an element do, by name in small letters.
_ACTS: dict[str, _Act] = {
    slash + name: act
    for names, begin, end in _KINDS
    for name in listed(names)
    for slash, act in (("", begin), ("/", end))
}


@dataclass(frozen=True)
class HtmlText:
    """The text of an HTML body.

    Args:
        text: lines; some begin with a mark.
        is_malformed: tags that do not match or never end, comments that are not closed, null characters.
        left_out: visible characters beyond the limits.
        is_complete: the time sufficed.
        hidden: texts that styles hide, at most 20 of at most 200 characters.
    """

    text: str
    is_malformed: bool
    left_out: int
    is_complete: bool
    hidden: tuple[str, ...] = ()


def html_to_text(html: str, max_chars: int, deadline: Deadline) -> HtmlText:
    """Turn HTML of any size and quality into lines of text; never raises.

    Args:
        html: the body.
        max_chars: visible characters that are kept.
        deadline: looked at every few hundred tags; past it, tags are only taken off.
    """
    page = read_page(html)
    reader = Tables(page.pieces[2::4])
    left_out, is_complete = _read(reader, page, max_chars, deadline)
    text = "\n".join(reader.lines)
    hidden = tuple(reader.unseen[:_MOST_HIDDEN])
    return HtmlText(text, page.is_malformed, left_out + page.left_out, is_complete, hidden)


def _read(reader: Tables, page: Page, max_chars: int, deadline: Deadline) -> tuple[int, bool]:
    """Walk a page; the characters left out, and whether the time sufficed."""
    reader.text(page.pieces[0][:max_chars])
    left = max_chars - len(page.pieces[0])
    done = 0
    is_complete = not deadline.is_over()
    for written, attributes, end, text in page.tags():
        if left <= 0 or not is_complete:
            break
        done += 1
        is_complete = done % CHECK_EVERY != 0 or not deadline.is_over()
        name = written.lower()
        act = _ACTS.get(name) or _unknown(name)
        if (not end or act is Tables.inline) and is_text(written, attributes, end):
            reader.text(f"<{written}{attributes}{end}")
            act = Tables.ignore
        act(reader, name, attributes)
        if not text:
            continue
        if text == "\n" and not reader.is_preformatted:
            reader.has_space = True
            continue
        reader.text(text if len(text) <= left else text[:left])
        left -= len(text)
    left_out = _read_rest(
        reader, page, done, left
    )  # before the frames end: what is quoted stays so
    reader.leave(0)
    reader.end_line()
    return left_out, is_complete


def _unknown(name: str) -> _Act:
    return Tables.end_inline if name[0] == "/" else Tables.inline


def _read_rest(reader: Tables, page: Page, done: int, left: int) -> int:
    """Take the texts behind the last tag that was read, as far as there is room; the characters left out."""
    later = "\n".join(page.pieces[4 * done + 4 :: 4])
    room = max(0, left)
    if not later and not page.rest:
        return room - left
    text, left_out = texts_only(page.rest, max(0, room - len(later)))
    reader.add_lines(f"{later[:room]}\n{text}")
    return left_out + max(0, len(later) - left)
