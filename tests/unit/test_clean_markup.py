import re

import pytest

from stream.clean.tags import make_safe
from tests.unit.clean_strategies import cleaned, html_of

WORDS = "My card is lost."


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("one<br>two<br/>three", "one\ntwo\nthree"),
        ("<div>one</div><div>two</div>", "one\ntwo"),
        ("<ul><li>one</li><li><p>two</p></li></ul>", "- one\n- two"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("a&nbsp;b &lt;c&gt; &amp; d", "a b <c> & d"),
        ("<b>bo</b>ld <i>and</i> <span>plain</span>", "bold and plain"),
        ("  many   \n  spaces ", "many spaces"),
        ("<pre>one\n  two</pre>", "one\n  two"),
        ("<title>no</title><p>yes", "yes"),
    ],
)
def test_structure_becomes_lines(html: str, text: str) -> None:
    assert html_of(html) == text


@pytest.mark.parametrize(
    "unseen",
    [
        "<style>p { color: red }</style>",
        "<script>alert('x')</script>",
        "<!-- comment -->",
        "<!--[if mso]><table><tr><td>outlook only</td></tr></table><![endif]-->",
        "<div style='display:none'>preheader <b>text</b></div>",
        '<span style="color:red; DISPLAY: none;">x</span>',
        "<div hidden>x</div>",
        "<div style='font-size:0px'>x</div>",
        "<div style='max-height:0; overflow:hidden'>x</div>",
        "<img src=x alt=pixel>",
        "<head><title>x</title></head>",
    ],
)
def test_what_nobody_sees_is_gone(unseen: str) -> None:
    result = cleaned(subject="s", html=f"{unseen}<p>{WORDS}</p>{unseen}")
    assert result.body == WORDS
    assert result.removed["markup"] > 2 * len(unseen)


@pytest.mark.parametrize(
    "history",
    [
        "<div class='gmail_quote'><div class='gmail_attr'>On Mon, Nov 3 J &lt;<a>j@e.com</a>&gt; wrote:<br></div>"
        "<blockquote class='gmail_quote'>old</blockquote></div>",
        "<div class='gmail_quote'><div class='gmail_attr'>任何语言<br></div><blockquote>old</blockquote></div>",
        "<div class='moz-cite-prefix'>Am 03.11.25 um 10:00 schrieb J:</div><blockquote type='cite'>old</blockquote>",
        "<hr><div id='divRplyFwdMsg'><b>From:</b> J<br></div><div>old</div>",
        "<div id='appendonsend'></div><hr><div>old</div>",
        "<div style='border-top:solid'><p><b>Von:</b> J &lt;j@e.com&gt;<br><b>Gesendet:</b> Montag<br>"
        "<b>An:</b> B<br><b>Betreff:</b> x</p></div><p>old</p>",
        "<div class='ydp1yahoo_quoted'><div>On Monday, J wrote:</div><div>old</div></div>",
        "<span id='OLK_SRC_BODY_SECTION'><div>From: J</div><div>old</div></span>",
        "<blockquote type='cite'><div>On 3 Nov 2025, at 10:00, J wrote:</div><div>old</div></blockquote>",
        "<div class='protonmail_quote'>old</div>",
    ],
)
def test_quoted_blocks_of_mail_programs_go(history: str) -> None:
    result = cleaned(subject="s", html=f"<div>{WORDS}</div>{history}")
    assert (result.body, result.kind) == (WORDS, "reply")
    assert result.removed["quote"] > 0


def test_answers_between_quoted_blocks_stay() -> None:
    html = (
        "<div class='gmail_attr'>On Mon, J wrote:</div><blockquote>one?</blockquote><p>yes</p>"
        "<blockquote>two?</blockquote><p>no</p>"
    )
    assert html_of(html).split() == ["yes", "no"]


def test_a_mail_forwarded_by_gmail_stays() -> None:
    html = (
        "<div class='gmail_quote'><div class='gmail_attr'>---------- Forwarded message ---------<br>"
        f"From: <b>J</b> &lt;j@e.com&gt;<br>Date: Monday<br></div><br><p>{WORDS}</p></div>"
    )
    result = cleaned(subject="x", html=html)
    assert result.body.endswith(WORDS)
    assert result.kind == "message"


@pytest.mark.parametrize(
    ("html", "is_malformed"),
    [
        ("<div><p>one<br>two</div>", False),
        ("<ul><li>one<li>two</ul>", False),
        ("<div><b>one</div>", True),
        ("one</div>", True),
        ("<html><body><table><tr><td>x</body></html>", True),
        ("<o:p></o:p><img src=x />", False),
    ],
)
def test_malformed_markup_is_said_and_still_read(html: str, is_malformed: bool) -> None:
    result = cleaned(subject="s", html=html)
    assert result.malformed_html is is_malformed


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 20_000 + "x",
        "<b><p>" * 20_000,
        "".join(f"<font style='display:{n}'>" for n in range(3_000)) + "<p>x" * 3_000,
        "<p " + " ".join(f"a{n}" for n in range(100_000)) + ">x",
        "<p " + "<a b=" * 50_000,
        "<select>" + "<option>" * 50_000,
        "<a><div>" * 20_000,
        "</b>" * 20_000,
        "<" * 500_000,
        "<style>" * 50_000,
        "<!--" * 50_000,
    ],
)
def test_hostile_html_is_bounded_before_it_is_parsed(html: str) -> None:
    safe = make_safe(html, 100_000)
    depth = deepest = 0
    for slash in re.findall(r"<(/?)(?:div|span|table|font|b)\b", safe.html):
        depth += -1 if slash else 1
        deepest = max(deepest, depth)
    assert deepest <= 200
    assert not re.search(r"<[a-z][^>]{1100}", safe.html)
    assert "<option" not in safe.html
    assert len(safe.html) <= 250_000 + 4 * 100_000


def test_ten_megabytes_of_styles_do_not_hide_the_words() -> None:
    html = "<style>" + "p{color:red}" * 200_000 + f"</style><p>{WORDS}</p>"
    assert html_of(html) == WORDS
