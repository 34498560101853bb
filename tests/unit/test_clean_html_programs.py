import pytest

from stream.clean.fence import Deadline
from stream.clean.hypertext.markup import (
    MARK_ATTRIBUTION,
    MARK_HISTORY,
    MARK_SIGNATURE,
    html_to_text,
)
from tests.unit.clean_strategies import PATIENT, cleaned, html_of

WORDS = "My card is lost."


def lines_of(html: str) -> list[str]:
    """The lines that go to the splitter, marks and all."""
    return html_to_text(html, 100_000, Deadline(PATIENT)).text.split("\n")


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
        "<div class='protonmail_quote'><table><tr><td>old</div></div>old</td></tr></table>old</div>",
        "<div class='moz-cite-prefix'>Το έγραψε ο J</div><blockquote type='cite'>old</blockquote>",
        "<div class='gmail_quote gmail_quote_container'><div dir=ltr class='gmail_attr'>Το έγραψε<br></div>"
        "<blockquote class='gmail_quote'>old</blockquote></div>",
        "<div class='gmail_quote'>Dnia x y napisal z<br><blockquote class='gmail_quote'>old</blockquote></div>",
        "<div id='x_appendonsend'></div><hr><div id='x_divRplyFwdMsg'><b>From:</b> J</div>old",
        "<div id='mail-editor-reference-message-container'><div class='ms-outlook-mobile-reference-message'>x</div>"
        "</div>",
        "<div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm'><p class=MsoNormal>"
        "<b><span>Mittente:</span></b> J<br><b>Inv:</b> 3/11<br><b>Dest:</b> B<br><b>Ogg:</b> x</p></div><p>old</p>",
        "<hr id='zwchr' data-marker='__DIVIDER__'><div data-marker='__HEADERS__'><b>Kimden: </b>J</div>old",
        "<div name='quote' style='border-left:2px solid'><b>Gesendet:</b> x<div name='quoted-content'>old</div></div>",
        "<div name='messageReplySection'>Am x, J<br><blockquote type='cite' class='spark_quote'>old</blockquote></div>",
        "<div class='zmail_extra'><div>---- On Mon, 3 Nov 2025 J wrote ----</div><blockquote>old</blockquote></div>",
        "<font>-----J wrote: -----</font><div class='iNotesHistory'>To: B<br>From: J<br>Date: 3.11.</div>",
        "<p class='airmail_on'>On x, J y:</p><blockquote type='cite' class='clean_bq'>old</blockquote>",
        "<p id='reply-intro'>Am x schrieb:</p><blockquote type='cite'>old</blockquote>",
        "<span style='display:none'>##- Please type your reply above this line -##</span><p>old</p>",
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
    "forward",
    [
        "<blockquote type=cite><div>Begin forwarded message:</div><br><div><b>From: </b>J</div><p>{}</p></blockquote>",
        "<div class='moz-forward-container'>-------- Forwarded Message --------<table><tr><th>From: </th><td>J</td>"
        "</tr></table><p>{}</p></div>",
        "<div class='protonmail_quote'>------- Forwarded Message -------<br>From: J<br><p>{}</p></div>",
        "<div class='yahoo_quoted'><div>----- Forwarded message -----</div><div>From: J</div><p>{}</p></div>",
        "<div class='gmail_quote'><div class='gmail_attr'>---------- Weiterleitung ---------<br>A: J<br>B: x<br>C: y"
        "<br></div><p>{}</p></div>",
    ],
)
def test_a_forwarded_mail_stays_below_own_words(forward: str) -> None:
    assert html_of(f"<div>See below.</div>{forward.format(WORDS)}").endswith(WORDS)


@pytest.mark.parametrize(
    "citation",
    [
        "<blockquote class='gmail_quote' style='border-left:1px solid'>{}</blockquote>",
        "<blockquote style='margin:0 0 0 40px;border:none;padding:0px'>{}</blockquote>",
        "<div style='border-top:solid #E1E1E1 1.0pt'><b>Name:</b> J<br><b>Mail:</b> x<br><b>Text:</b> {}</div>",
    ],
)
def test_what_the_author_set_apart_by_hand_stays(citation: str) -> None:
    assert html_of(f"<p>The screen says:</p>{citation.format(WORDS)}").endswith(WORDS)


@pytest.mark.parametrize(
    "signature",
    [
        "<div class='gmail_signature' data-smartmail='gmail_signature'>Jo<br>Ltd</div>",
        "<span class='gmail_signature_prefix'>Jo</span><div class='x_gmail_signature'>Ltd</div>",
        "<pre class='moz-signature'>Jo\nLtd</pre>",
        "<div id='AppleMailSignature'><div>Jo</div><p>Ltd</p></div>",
        "<div id='ms-outlook-mobile-signature'>Jo<div>Ltd</div></div>",
        "<div class='elementToProof' id='Signature'>Jo<br>Ltd</div>",
        "<div class='protonmail_signature_block-user'>Jo<br>Ltd</div>",
        "<div name='messageSignatureSection'>Jo<br>Ltd</div>",
        "<div id='composer_signature'>Jo<br>Ltd</div>",
        "<p><a name='_MailAutoSig'><span>Jo</span></a></p><p><a name='_MailAutoSig'>Ltd</a></p>",
    ],
)
def test_lines_of_a_signature_container_are_marked(signature: str) -> None:
    lines = lines_of(f"<p>{WORDS}</p>{signature}<p>PS: no</p>")
    assert [line for line in lines if line] == [
        WORDS,
        f"{MARK_SIGNATURE}Jo",
        f"{MARK_SIGNATURE}Ltd",
        "PS: no",
    ]


def test_nothing_is_marked_within_quotes() -> None:
    html = (
        "<blockquote>x<div class=gmail_signature>Jo</div><div id=divRplyFwdMsg></div></blockquote>"
    )
    assert lines_of(html) == ["> x", "> Jo"]


def test_an_attribution_and_a_separator_are_marked() -> None:
    html = "a<div class=gmail_attr>On x</div><div id=appendonsend></div>b"
    assert lines_of(html) == ["a", f"{MARK_ATTRIBUTION}On x", MARK_HISTORY, "b"]
