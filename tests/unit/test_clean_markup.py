import pytest

from stream.clean.fence import Deadline
from stream.clean.hypertext.markup import (
    HtmlText,
    html_to_text,
)
from tests.unit.clean_strategies import PATIENT, cleaned, html_of

WORDS = "My card is lost."


def read(html: str) -> HtmlText:
    return html_to_text(html, 100_000, Deadline(PATIENT))


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("one<br>two<br/>three", "one\ntwo\nthree"),
        ("<div>one</div><div>two</div>", "one\ntwo"),
        ("<ul><li>one</li><li><p>two</p></li></ul>", "- one\n- two"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a\tb\nc"),
        ("<ol start=3><li>a<li>b<ul><li>x</ul><li>c</ol>end", "3. a\n4. b\n  - x\n5. c\n\nend"),
        (
            "<table><tr><td><p class=MsoNormal>a</p><td><p>b</p></tr><tr><td><p>c</p><td>d</table>e",
            "a\tb\nc\td\n\ne",
        ),
        (
            "<table><tr><td><div>one</div><div>two</div></td><td>three</td></tr></table>",
            "one\ntwo\nthree",
        ),
        (
            "<table><tr><td>" + "long " * 30 + "</td><td>x</td></tr></table>",
            "long " * 29 + "long\nx",
        ),
        ("<dl><dt>term</dt><dd>what it is</dd></dl>", "term\n\nwhat it is"),
        ("one<br><br>two<div><br></div><div>three</div>", "one\n\ntwo\n\nthree"),
        (
            "<p class=MsoNormal>one</p><p class=MsoNormal>&nbsp;</p><p class=MsoNormal>two</p>",
            "one\n\ntwo",
        ),
        (
            "<a href=x>Track</a> <a href=y><img src=z alt='my order'></a><img alt=logo>",
            "Track my order",
        ),
        ("great <img alt='\U0001f44d' src=x>", "great \U0001f44d"),
        ("a&nbspb &euro;5 &#8364; &#x20ac &bogus; &amp;lt; AT&T", "a b €5 € € &bogus; &lt; AT&T"),
        ("<div style='white-space: pre-wrap'>one\n  two</div>", "one\n  two"),
        ("foo<wbr>bar so\u00adft", "foobar soft"),
        ("1 < 2 and <3, from <jane@example.com> and <https://example.com/x>", None),
        ("<img alt='<logo>' src=x>text<p title='a > b'>more", "text\n\nmore"),
        ("a&nbsp;b &lt;c&gt; &amp; d", "a b <c> & d"),
        ("<b>bo</b>ld <i>and</i> <span>plain</span>", "bold and plain"),
        ("  many   \n  spaces ", "many spaces"),
        ("<pre>one\n  two</pre>", "one\n  two"),
        ("<title>no</title><p>yes", "yes"),
    ],
)
def test_structure_becomes_lines(html: str, text: str | None) -> None:
    assert html_of(html) == (html if text is None else text)


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
        "<div style='opacity:0.0'>x</div>",
        "<span style='visibility: hidden'>x</span>",
        "<div style='height:0;overflow:hidden'>x</div>",
        "<div style='color:#FFF;background-color:#ffffff'>x</div>",
        "<p style='display:none'>x",
        "<table><tr style='display:none'><td>x<td>x</table>",
        "<div style='font:0/0 a'>x</div>",
        "<div style='font-size:0'><b style='font-size:2em'>x</b></div>",
        "<svg><title>x</title><text>x</text></svg>",
        "<!DOCTYPE html><?xml version='1.0'?>",
        "<xml><o:AllowPNG>1</o:AllowPNG></xml>",
        "<div>&nbsp;&zwnj;&#847;&shy;&nbsp;&zwnj;</div>",
    ],
)
def test_what_nobody_sees_is_gone(unseen: str) -> None:
    result = cleaned(subject="s", html=f"{unseen}<p>{WORDS}</p>{unseen}")
    assert result.body == WORDS
    assert result.removed["markup"] > 2 * len(unseen)


@pytest.mark.parametrize(
    "seen",
    [
        f"<div style='font-size:0.9em'>{WORDS}</div>",
        f"<div style='max-height:0.5in;overflow:hidden'>{WORDS}</div>",
        f"<div style='max-height:0'>{WORDS}</div>",
        f"<span style='height:0;overflow:hidden'>{WORDS}</span>",
        f"<table><tr><td style='height:0;overflow:hidden'>{WORDS}</td></tr></table>",
        f"<div style='opacity:0.8'>{WORDS}</div>",
        f"<style>p {{ display:none }}</style><p>{WORDS}</p>",
        f"<table><tr><td style='font-size:0px'><div style='font-size:13px'>{WORDS}</div></table>",
        f"<div style='font-size:0'><font size=2>{WORDS}</font></div>",
        f"<div aria-hidden=true>{WORDS}</div>",
        f"<div data-hidden=x class=hidden>{WORDS}</div>",
        f"<div style='color:#ffffff;background:#000000'>{WORDS}</div>",
        f"<div style='color:#fff'>{WORDS}</div>",
        f"<div style='color:#fff;background:#fff url(x.png)'>{WORDS}</div>",
        f"<div style='color:#fff;background:#fff'><b style='color:#333'>{WORDS}</b></div>",
        f"<a href='?display:none' title='visibility:hidden'>{WORDS}</a>",
        f"<a style='mso-hide:all'>{WORDS}</a>",
        f"<![if !mso]>{WORDS}<![endif]>",
        f"<!--[if !mso]><!-->{WORDS}<!--<![endif]-->",
        f"<table><tr><td><div hidden>no</td><td>{WORDS}</td></tr></table>",
        f"<p hidden>no<div>{WORDS}</div>",
        f"<div><span hidden>no</div>{WORDS}",
        f"<div style='visibility:hidden'>no<p style='visibility:visible'>{WORDS}</p></div>",
        f"<p style='margin:0;text-decoration:none;border:none'>{WORDS}</p>",
    ],
)
def test_what_a_person_sees_stays(seen: str) -> None:
    assert html_of(seen) == WORDS


def test_what_styles_hide_can_be_explained() -> None:
    result = read(
        "<div style='display:none'>See &amp; <b>save</b></div><p>Words</p><p hidden>x</p>"
    )
    assert (result.text, result.hidden) == ("Words", ("See & save", "x"))
    many = read("<p hidden>word</p>" * 50 + f"<p hidden>{'x' * 999}</p>")
    assert len(many.hidden) <= 20


@pytest.mark.parametrize(
    ("html", "is_malformed"),
    [
        ("<div><p>one<br>two</div>", False),
        ("<ul><li>one<li>two</ul>", False),
        ("<div><b>one</div>", True),
        ("one</div>", True),
        ("<html><body><table><tr><td>x</body></html>", True),
        ("<o:p></o:p><img src=x />", False),
        ("<DIV>one</div><Br/>", False),
        ("one<!-- two", True),
        ("one<p class='x", True),
        ("o\x00n\x00e\x00", True),
        ("<style>p{}<p>one", True),
        ("<html><body>one</body></html><html><body>two</body></html>", False),
    ],
)
def test_malformed_markup_is_said_and_still_read(html: str, is_malformed: bool) -> None:
    result = cleaned(subject="s", html=html)
    assert result.malformed_html is is_malformed
    assert "one" in result.body or "x" in html


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ("<div>" * 20_000 + "x", "x"),
        ("<b><p>" * 20_000 + "x", "x"),
        ("<p " + " ".join(f"a{n}" for n in range(100_000)) + ">x", "x"),
        ("<p " + "<a b=" * 50_000 + ">x", "x"),
        ("<a><div>" * 20_000 + "x", "x"),
        ("<style>" * 50_000 + "<p>x", "x"),
        ("x" + "<!--" * 50_000, "x"),
        ("<style>" + "p{color:red}" * 50_000 + "</style>x", "x"),
        ("<!-- c -->" * 50_000 + "x", "x"),
        ("<p style='color:red'></p>" * 20_000 + "x", "x"),
        ("<table><tr><td>" * 20_000 + "x", "x"),
    ],
)
def test_no_amount_of_markup_pushes_the_words_out(html: str, words: str) -> None:
    result = html_to_text(html, 1_000, Deadline(PATIENT))
    assert result.text.split() == words.split()
    assert result.left_out == 0


def test_what_is_quoted_stays_so_behind_the_tags_that_are_read_one_by_one() -> None:
    text = read("<p>own</p><blockquote>" + "<b>old</b> " * 9_000 + "<br>older</blockquote>").text
    assert text.startswith("own\n\n> old old")
    assert text.endswith("\n> older")


def test_characters_beyond_the_limit_are_counted_and_only_visible_ones() -> None:
    html = "<p class='a'>" + "word " * 1_000 + "</p><style>p{}</style>" + "more " * 100
    result = html_to_text(html, 2_000, Deadline(PATIENT))
    assert len(result.text.strip()) <= 2_000
    assert abs(result.left_out - 3_500) < 10


def test_ten_megabytes_of_styles_do_not_hide_the_words() -> None:
    html = "<style>" + "p{color:red}" * 200_000 + f"</style><p>{WORDS}</p>"
    assert html_of(html) == WORDS
