"""Laws of cleaning HTML, on pages as mail programs write them and on pages that are broken."""

import re

from hypothesis import example, given, settings
from hypothesis import strategies as st

from stream.clean.fence import Deadline
from stream.clean.hypertext.markup import html_to_text
from tests.unit.clean_strategies import HTML_PIECES, PATIENT, body_of, html_of

UNTIMED = settings(deadline=None)
SENTENCES = (
    "My card is lost.",
    "Where is order 4711?",
    "Please call me & my wife.",
    "Der Betrag von 5 < 6 € fehlt.",
    "Merci d'avance pour votre aide",
    "I paid twice,",
    "see the list below.",
)
HEADERS = (
    ("From", "J <j@e.com>"),
    ("Sent", "Monday 3 Nov 2025 10:00"),
    ("To", "B"),
    ("Subject", "x"),
)
PLAIN_HISTORY = "On Mon, Nov 3, 2025 at 10:00 J <j@e.com> wrote:\n> old words\n> and more"
PLAIN_HEADERS = "\n".join(f"{name}: {value}" for name, value in HEADERS) + "\n\nold words"
ATTRIBUTION = "On Mon, Nov 3, 2025 at 10:00 J &lt;j@e.com&gt; wrote:"
BOLD_HEADERS = "<br>".join(
    f"<b>{name}:</b> {value.replace('<', '&lt;')}" for name, value in HEADERS
)
HISTORIES = {
    "Gmail": f"<div class='gmail_quote gmail_quote_container'><div dir=ltr class=gmail_attr>{ATTRIBUTION}<br></div>"
    "<blockquote class=gmail_quote>old words<br>and more</blockquote></div>",
    "old Gmail": f"<div class=gmail_extra><div class=gmail_quote>{ATTRIBUTION}<br><blockquote class=gmail_quote>old"
    "</blockquote></div></div>",
    "Outlook": "<div><div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0in 0in 0in'>"
    f"<p class=MsoNormal>{BOLD_HEADERS}</p></div></div><p class=MsoNormal>old words</p>",
    "Outlook on the web": "<div id=appendonsend></div><hr tabindex=-1><div id=divRplyFwdMsg dir=ltr><font>"
    f"{BOLD_HEADERS}</font></div><div>old words</div>",
    "Outlook on a telephone": "<div id=mail-editor-reference-message-container><div "
    f"class=ms-outlook-mobile-reference-message>{BOLD_HEADERS}</div><div>old words</div></div>",
    "Apple Mail": f"<div><br><blockquote type=cite><div>{ATTRIBUTION}</div><br><div>old</div></blockquote></div>",
    "Thunderbird": f"<div class=moz-cite-prefix>{ATTRIBUTION}<br></div><blockquote type=cite cite='mid:1'>old"
    "<pre class=moz-quote-pre>more\nold words</pre></blockquote>",
    "Yahoo": "<div id=ydp1a2b3c4dyahoo_quoted_12 class=ydp1a2b3c4dyahoo_quoted><div><div>"
    f"{ATTRIBUTION}</div><div>old words</div></div></div>",
    "Proton": f"<div class=protonmail_quote>{ATTRIBUTION}<br><blockquote class=protonmail_quote>old</blockquote></div>",
    "GMX": f"<div name=quote style='border-left:2px solid'><div>{BOLD_HEADERS}</div><div name=quoted-content>old"
    "</div></div>",
    "Zimbra": f"<hr id=zwchr data-marker=__DIVIDER__><div data-marker=__HEADERS__>{BOLD_HEADERS}</div><div>old</div>",
    "ticket system": "<div style='display:none'>##- Please type your reply above this line -##</div><p>old words</p>",
}
SIGNATURES = {
    "Gmail": "<div class=gmail_signature>-- <br>Jane Doe<br>Example Ltd</div>",
    "Thunderbird": "<pre class=moz-signature>-- \nJane Doe\nExample Ltd</pre>",
    "Apple Mail": "<div id=AppleMailSignature>-- <div>Jane Doe</div><div>Example Ltd</div></div>",
}
PLAIN_SIGNATURE = "-- \nJane Doe\nExample Ltd"

Block = tuple[str, list[str]]

blocks = st.tuples(
    st.sampled_from(("paragraph", "lines", "list", "numbers")),
    st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=3),
)
letters = st.lists(blocks, min_size=1, max_size=5)
styles = st.sampled_from(("<p>", "<div>", "<p class=MsoNormal>", "<td>"))
pages = st.recursive(
    st.sampled_from(("words here", "<br>", "a&nbsp;b", "<img src=x alt=y>", "more of it ")),
    lambda inner: st.builds(
        lambda name, parts: f"<{name}>{''.join(parts)}</{name}>",
        st.sampled_from(
            ("div", "p", "b", "span", "a", "ul", "li", "center", "h1", "table", "tr", "td", "pre")
        ),
        st.lists(inner, max_size=3),
    ),
    max_leaves=12,
)


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def as_plain(letter: list[Block]) -> str:
    """A letter as a person types it."""
    written: list[str] = []
    for kind, sentences in letter:
        if kind == "paragraph":
            written.append(" ".join(sentences))
        elif kind == "lines":
            written.append("\n".join(sentences))
        else:
            marks = (f"{n}." if kind == "numbers" else "-" for n in range(1, 9))
            written.append(
                "\n".join(f"{mark} {text}" for mark, text in zip(marks, sentences, strict=False))
            )
    return "\n\n".join(written)


def as_html(letter: list[Block], style: str) -> str:
    """The same letter as programs write it."""
    written: list[str] = []
    for kind, sentences in letter:
        texts = list(map(escaped, sentences))
        if kind in ("list", "numbers"):
            name = "ol" if kind == "numbers" else "ul"
            written.append(f"<{name}>{''.join(f'<li>{text}</li>' for text in texts)}</{name}>")
            continue
        inner = ("<br>\n" if kind == "lines" else " ").join(texts)
        blank = "<div><br></div>" if style == "<div>" else ""
        written.append(
            f"{style}{inner}</{style[1:].split('>', maxsplit=1)[0].split(maxsplit=1)[0]}>{blank}"
        )
    text = "\n".join(written)
    if style == "<td>":
        text = f"<table>{''.join(f'<tr>{part}</tr>' if part.startswith('<td') else part for part in written)}</table>"
    return f"<html><head><style>p{{margin:0}}</style></head><body>{text}</body></html>"


def with_more(html: str, more: str) -> str:
    return html.replace("</body>", f"{more}</body>")


@UNTIMED
@given(letters, styles)
def test_the_same_letter_as_plain_text_and_as_html_cleans_to_the_same_words(
    letter: list[Block], style: str
) -> None:
    assert html_of(as_html(letter, style)).split() == body_of(as_plain(letter)).split()


@UNTIMED
@given(letters, styles, st.sampled_from(sorted(HISTORIES)))
def test_history_of_any_program_below_a_letter_does_not_change_its_words(
    letter: list[Block], style: str, program: str
) -> None:
    html = as_html(letter, style)
    below = with_more(html, HISTORIES[program])
    assert html_of(below).split() == html_of(html).split()
    for history in (PLAIN_HISTORY, PLAIN_HEADERS):
        assert html_of(below).split() == body_of(f"{as_plain(letter)}\n\n{history}").split()


@UNTIMED
@given(letters, styles, st.sampled_from(sorted(SIGNATURES)), st.sampled_from(sorted(HISTORIES)))
def test_a_signature_goes_from_html_as_from_plain_text(
    letter: list[Block], style: str, program: str, history: str
) -> None:
    html = with_more(as_html(letter, style), SIGNATURES[program])
    plain = f"{as_plain(letter)}\n\n{PLAIN_SIGNATURE}"
    assert html_of(html).split() == body_of(plain).split()
    assert html_of(with_more(html, HISTORIES[history])).split() == body_of(plain).split()


@UNTIMED
@given(letters, styles)
def test_a_layout_table_around_a_letter_does_not_change_its_words(
    letter: list[Block], style: str
) -> None:
    html = as_html(letter, style)
    inner = html.split("<body>")[1].split("</body>")[0]
    table = f"<table width=600><tbody><tr><td>&nbsp;</td><td style='padding:9px'>{inner}</td><td></td></tr></table>"
    assert html_of(f"<body>{table}</body>").split() == html_of(html).split()


def letters_of(html: str) -> str:
    """All visible characters, in order."""
    text = html_to_text(html, 100_000, Deadline(PATIENT)).text
    return "".join(char for char in text if char.isalnum())


@UNTIMED
@given(pages, st.data())
def test_no_closing_tag_is_needed_for_the_words_to_stay(html: str, data: st.DataObject) -> None:
    closings = [found.span() for found in re.finditer("</[a-z0-9]+>", html)]
    if closings:
        start, end = data.draw(st.sampled_from(closings))
        assert letters_of(html[:start] + html[end:]) == letters_of(html)


@UNTIMED
@given(
    pages,
    st.sampled_from(
        ("<!-- no", "<p class='x", '<a href="x>y', "<style>p{}", "<", "</", "<!", "&", "&#")
    ),
)
def test_words_before_an_end_in_the_middle_stay(html: str, ending: str) -> None:
    assert letters_of(html + ending).startswith(letters_of(html))


@UNTIMED
@given(
    st.text()
    | st.lists(st.sampled_from(HTML_PIECES) | st.text(max_size=5), max_size=40).map("".join)
)
@example("<table><ul></table><li>x")
@example("</table></td></ul></p></blockquote>")
def test_no_page_raises_and_marks_stand_only_at_the_head_of_lines(html: str) -> None:
    result = html_to_text(html, 1_000, Deadline(PATIENT))
    for line in result.text.split("\n"):
        assert not re.search("[\x01-\x03]", line[1:])
    assert len(result.hidden) <= 20
    assert all(len(text) <= 200 for text in result.hidden)
