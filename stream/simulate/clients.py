"""How mail programs write a top-posted answer, as plain text and as HTML. Drafts in, text out, to `wrapping`.

Written after what the programs send (line widths, signatures, pages; `quotes` and `quote_pages` for the history), so
that they differ from each other as real mail does.
"""

import html
from collections.abc import Sequence
from dataclasses import dataclass, replace

from stream.simulate import quote_pages, quotes
from stream.simulate.quotes import FLOWED_WIDTH, GMAIL_WIDTH, wrapped
from stream.simulate.stationery import Message, Stationery


@dataclass(frozen=True)
class Draft:
    """A mail before a program writes it.

    Args:
        own: the writer's lines, empty ones between paragraphs; the farewell and the name are among them.
        card: lines of the signature that the program adds; may be empty.
        phone_line: what a telephone adds; may be empty.
        notices: paragraphs that the company adds, directly below the signature or at the very end.
        notices_at_end: a gateway added them: they stand below the history.
        history: quoted messages, the newest first.
        paper: for the words of the programs.
    """

    own: Sequence[str]
    card: Sequence[str]
    phone_line: str
    notices: Sequence[str]
    notices_at_end: bool
    history: Sequence[Message]
    paper: Stationery


@dataclass(frozen=True)
class Client:
    """One mail program.

    Args:
        name: for reports.
        quote, quote_page: the history as it stands below the answer.
        phone: the section of lines that it adds on a telephone; empty where there is none.
        paragraph: opening and closing markup of one own line.
        empty: markup of an empty line.
        signature: class of the block that holds the card.
        delimiter: stands above the card; empty where the program puts none.
        width: plain lines are broken here; 0: never.
        signs_below: the card goes below the history (Thunderbird's default for answers above the quote).
        page: markup around all, `{}` is the place of it.
    """

    name: str
    quote: quotes.Quoter
    quote_page: quote_pages.PageQuoter
    phone: str = ""
    paragraph: tuple[str, str] = ("<div>", "</div>")
    empty: str = "<div><br></div>"
    signature: str = "signature"
    delimiter: str = ""
    width: int = 0
    signs_below: bool = False
    page: str = "<html><body>{}</body></html>"

    def plain(self, draft: Draft) -> str:
        """The answer as plain text."""
        card = [self.delimiter, *draft.card] if draft.card and self.delimiter else [*draft.card]
        parts = [wrapped(draft.own, self.width)]
        notices = [part for notice in draft.notices for part in ("", notice)][1:]
        below: list[list[str]] = []
        (below if self.signs_below else parts).append(card)
        parts.append([draft.phone_line] if draft.phone_line else [])
        (below if draft.notices_at_end else parts).append(wrapped(notices, self.width))
        parts += [self.quote(draft.paper, draft.history), *below]
        return "\n\n".join("\n".join(part) for part in parts if part)

    def hypertext(self, draft: Draft) -> str:
        """The answer as HTML."""
        own = "\n".join(self._line(line) for line in draft.own)
        delimiter = f"{self.delimiter}<br>" if self.delimiter else ""
        card = delimiter + "<br>\n".join(map(html.escape, draft.card)) if draft.card else ""
        notices = "".join(
            f'<p style="font-size:8pt;color:#808080">{html.escape(text)}</p>'
            for text in draft.notices
        )
        phone = f"{self.empty}{self._line(draft.phone_line)}" if draft.phone_line else ""
        above, below = [own, phone], [""]
        signature = f'<div class="{self.signature}">{card}</div>'
        (below if self.signs_below else above).append(f"{self.empty}{signature}" if card else "")
        (below if draft.notices_at_end else above).append(notices)
        pieces = [*above, self.quote_page(draft.paper, draft.history), *below]
        return self.page.replace("{}", "\n".join(piece for piece in pieces if piece))

    def _line(self, line: str) -> str:
        return f"{html.escape(line)}".join(self.paragraph) if line else self.empty


_OUTLOOK_PAGE = """<html xmlns:o="urn:schemas-microsoft-com:office:office">
<head><meta http-equiv="Content-Type" content="text/html; charset=utf-8">
<meta name="Generator" content="Microsoft Word 15 (filtered medium)">
<style><!--
@font-face {font-family:Calibri; panose-1:2 15 5 2 2 2 4 3 2 4;}
p.MsoNormal, li.MsoNormal, div.MsoNormal {margin:0cm; font-size:11.0pt; font-family:"Calibri",sans-serif;}
div.WordSection1 {page:WordSection1;}
--></style><!--[if gte mso 9]><xml><o:shapedefaults v:ext="edit" spidmax="1026" /></xml><![endif]--></head>
<body lang="EN-US" link="#0563C1" vlink="#954F72"><div class="WordSection1">{}</div></body></html>"""
_OUTLOOK = Client(
    name="outlook",
    quote=quotes.outlook,
    quote_page=quote_pages.outlook_page,
    paragraph=('<p class="MsoNormal">', "<o:p></o:p></p>"),
    empty='<p class="MsoNormal"><o:p>&nbsp;</o:p></p>',
    page=_OUTLOOK_PAGE,
)
_THUNDERBIRD = Client(
    name="thunderbird",
    quote=quotes.thunderbird,
    quote_page=quote_pages.thunderbird_page,
    paragraph=("<p>", "</p>"),
    empty="<p><br></p>",
    signature="moz-signature",
    delimiter="-- ",
    width=FLOWED_WIDTH,
)

CLIENTS: tuple[Client, ...] = (
    Client(
        name="gmail",
        quote=quotes.gmail,
        quote_page=quote_pages.gmail_page,
        signature="gmail_signature",
        delimiter="-- ",
        width=GMAIL_WIDTH,
        page='<div dir="ltr">{}</div>',
    ),
    _OUTLOOK,
    replace(_OUTLOOK, name="outlook, plain", quote=quotes.outlook_plain),
    Client("outlook, web", quotes.outlook_web, quote_pages.outlook_web_page, "phone.outlook"),
    Client("apple", quotes.apple, quote_pages.apple_page),
    Client(
        name="iphone",
        quote=quotes.apple,
        quote_page=quote_pages.iphone_page,
        phone="phone.iphone",
        paragraph=('<div dir="ltr">', "</div>"),
    ),
    _THUNDERBIRD,
    replace(_THUNDERBIRD, name="thunderbird, signed below", signs_below=True),
    Client("yahoo", quotes.yahoo, quote_pages.yahoo_page, "phone.yahoo"),
    Client("samsung", quotes.samsung, quote_pages.samsung_page, "phone.samsung"),
    Client("gmx", quotes.gmx, quote_pages.gmx_page, "phone.gmx"),
)
