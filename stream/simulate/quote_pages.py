"""The history below an answer as mail programs write it in HTML, with their own elements, classes and styles.

Takes earlier messages (the newest first) and `Stationery`, gives markup to `clients`.
"""

import html
from collections.abc import Callable, Sequence

from stream.simulate import quotes
from stream.simulate.quotes import inner
from stream.simulate.stationery import Message, Stationery

PageQuoter = Callable[[Stationery, Sequence[Message]], str]


def _breaks(lines: Sequence[str]) -> str:
    return "<br>\n".join(map(html.escape, lines))


def _bold_headers(lines: Sequence[str]) -> str:
    """`From: …` lines with the word in bold."""
    cells: list[str] = []
    for line in lines:
        word, _, value = line.partition(":")
        cells.append(f"<b>{html.escape(word).replace(' ', '&nbsp;')}:</b>{html.escape(value)}")
    return "<br>".join(cells)


def gmail_page(paper: Stationery, history: Sequence[Message]) -> str:
    """A `gmail_quote` with `gmail_attr` and a block quote."""
    line = html.escape(paper.attribution("gmail", history[0]))
    older = gmail_page(paper, history[1:]) if len(history) > 1 else ""
    style = "margin:0px 0px 0px 0.8ex;border-left:1px solid rgb(204,204,204);padding-left:1ex"
    return (
        f'<br><div class="gmail_quote gmail_quote_container"><div dir="ltr" class="gmail_attr">{line}<br></div>'
        f'<blockquote class="gmail_quote" style="{style}"><div dir="ltr">{_breaks(history[0].lines)}</div>{older}'
        "</blockquote></div>"
    )


def apple_page(paper: Stationery, history: Sequence[Message]) -> str:
    """A block quote that holds the introducing line."""
    line = html.escape(paper.attribution("apple", history[0]))
    older = apple_page(paper, history[1:]) if len(history) > 1 else ""
    return (
        f'<div><br><blockquote type="cite"><div>{line}</div><br class="Apple-interchange-newline">'
        f"<div><div>{_breaks(history[0].lines)}</div>{older}</div></blockquote></div><br>"
    )


def iphone_page(paper: Stationery, history: Sequence[Message]) -> str:
    """One block quote for the introducing line, one for the text."""
    line = html.escape(paper.attribution("apple", history[0]))
    within = _breaks(inner(paper, history, quotes.apple))
    return (
        f'<div dir="ltr"><br><blockquote type="cite">{line}<br><br></blockquote></div>'
        f'<blockquote type="cite"><div dir="ltr">\ufeff{within}</div></blockquote>'
    )


def thunderbird_page(paper: Stationery, history: Sequence[Message]) -> str:
    """`moz-cite-prefix` above a block quote."""
    line = html.escape(paper.attribution("thunderbird", history[0]))
    older = thunderbird_page(paper, history[1:]) if len(history) > 1 else ""
    paragraphs = "".join(f"<p>{html.escape(part)}</p>" for part in history[0].lines if part)
    return (
        f'<div class="moz-cite-prefix">{line}<br></div>'
        f'<blockquote type="cite" cite="mid:{len(line)}.{len(paragraphs)}@mail.example">'
        f"{paragraphs}{older}</blockquote>"
    )


def yahoo_page(paper: Stationery, history: Sequence[Message]) -> str:
    """A `yahoo_quoted`."""
    line = html.escape(paper.attribution("yahoo", history[0]))
    within = _breaks(inner(paper, history, quotes.yahoo))
    return (
        f'<div id="yahoo_quoted_{len(within):010}" class="yahoo_quoted"><div style="font-size:13px;color:#26282a;">'
        f"<div>{line}</div><div><br></div><div>{within}</div></div></div>"
    )


def outlook_page(paper: Stationery, history: Sequence[Message]) -> str:
    """Header lines below a border, then bare paragraphs."""
    headers = _bold_headers(paper.block("outlook", history[0]))
    lines = "".join(
        f'<p class="MsoNormal">{html.escape(part) or "<o:p>&nbsp;</o:p>"}<o:p></o:p></p>'
        for part in history[0].lines
    )
    older = outlook_page(paper, history[1:]) if len(history) > 1 else ""
    border = "border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm"
    return (
        f'<div><div style="{border}"><p class="MsoNormal"><span lang="EN-US" style="mso-fareast-language:DE">'
        f"{headers}<o:p></o:p></span></p></div></div>{lines}{older}"
    )


def outlook_web_page(paper: Stationery, history: Sequence[Message]) -> str:
    """`appendonsend`, a rule, `divRplyFwdMsg`, then bare blocks."""
    headers = _bold_headers(paper.block("outlook", history[0]))
    older = outlook_web_page(paper, history[1:]) if len(history) > 1 else ""
    return (
        '<div id="appendonsend"></div><hr style="display:inline-block;width:98%" tabindex="-1">'
        '<div id="divRplyFwdMsg" dir="ltr"><font face="Calibri, sans-serif" style="font-size:11pt" color="#000000">'
        f"{headers}</font><div>&nbsp;</div></div><div><div>{_breaks(history[0].lines)}</div>{older}</div>"
    )


def samsung_page(paper: Stationery, history: Sequence[Message]) -> str:
    """A separator and header lines as blocks, then bare text."""
    headers = "".join(
        f"<div>{html.escape(line)} </div>" for line in paper.block("samsung", history[0])
    )
    within = _breaks(inner(paper, history, quotes.outlook))
    return (
        '<div><br></div><div style="font-size:100%;color:#000000"><!-- originalMessage -->'
        f"{headers}<div><br></div></div>{within}"
    )


def gmx_page(paper: Stationery, history: Sequence[Message]) -> str:
    """A block with a border at its left, named `quote`."""
    headers = _bold_headers(paper.block("gmx", history[0]))
    within = _breaks(inner(paper, history, quotes.gmx))
    style = "margin: 10px 5px 5px 10px; padding: 10px 0 10px 10px; border-left:2px solid #C3D9E5;"
    return (
        f'<div name="quote" style="{style}"><div style="margin:0 0 10px 0;">{headers}</div>'
        f'<div name="quoted-content">{within}</div></div>'
    )
