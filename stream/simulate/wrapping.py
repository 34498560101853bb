"""Wraps any text into a mail as people send it: farewell, signature, legal footer, top-posted history of other matters.

Takes a text, its language and a seeded source of chance, gives plain text or HTML to `forms` and to benchmarks. Chooses
who writes, with which of `clients`, and what `stationery` is used; knows nothing of records and of cleaning.
"""

import random
from dataclasses import dataclass

from stream.simulate.clients import CLIENTS, Client, Draft
from stream.simulate.stationery import Stationery

_MOST_MESSAGES = 3


@dataclass(frozen=True)
class Wrapped:
    """A wrapped text: plain lines or an HTML page, and which program wrote it."""

    text: str
    is_html: bool
    client: str


def wrap(
    text: str,
    language: str,
    rng: random.Random,
    *,
    as_html: bool,
    writer: str | None = None,
    brand: str | None = None,
) -> Wrapped:
    """Wrap a text.

    Args:
        text: what its author says; its words stay in their order.
        language: of signature, footer and history; one without a table is written in English.
        rng: equal chance gives an equal mail.
        as_html: a page instead of plain text.
        writer: the author's name; drawn where it is None.
        brand: the company that the author writes to; drawn where it is None.
    """
    paper = Stationery(rng, language, writer, brand)
    clients = [one for one in CLIENTS if one.name != "gmx" or paper.has("gmx")]
    client = rng.choice(clients)
    draft = _draft(text, paper, client)
    written = client.hypertext(draft) if as_html else client.plain(draft)
    if rng.random() < 0.08:
        written = _below_banner(
            paper.line("banner", brand=paper.agent.firm), written, as_html=as_html
        )
    return Wrapped(written, as_html, client.name)


def _draft(text: str, paper: Stationery, client: Client) -> Draft:
    rng = paper.rng
    own = text.strip().split("\n")
    draw = rng.random()
    is_phone = bool(client.phone) and draw < 0.6
    has_card = not is_phone and draw < 0.8
    if not _ends_with_farewell(own):
        own += ["", paper.line("farewell")]
        own += ["", *paper.card()] if has_card and not client.delimiter else [paper.writer.name]
    elif has_card and not client.delimiter:
        own += ["", *paper.card()]
    has_notices = not is_phone and rng.random() < 0.6
    return Draft(
        own=own,
        card=paper.card() if has_card and client.delimiter else (),
        phone_line=paper.line(client.phone) if is_phone else "",
        notices=paper.notices() if has_notices else (),
        notices_at_end=rng.random() < 0.3,
        history=paper.history(rng.randint(1, _MOST_MESSAGES)),
        paper=paper,
    )


def _ends_with_farewell(lines: list[str]) -> bool:
    """Whether the author closed the letter himself: a short last paragraph that is no sentence."""
    return (
        len(lines) > 1 and len(lines[-1]) < 40 and not lines[-1].rstrip().endswith((".", "!", "?"))
    )


def _below_banner(banner: str, written: str, *, as_html: bool) -> str:
    """A gateway's warning above a mail."""
    if not as_html:
        return f"{banner}\n\n{written}"
    box = (
        '<div style="background-color:#FFEB9C; width:100%; border-style: solid; border-color:#9C6500; '
        f'border-width:1pt; padding:2pt; font-size:10pt;">{banner}</div><br>'
    )
    head, tag, rest = written.partition("<body")
    if not tag:
        return box + written
    attributes, _, body = rest.partition(">")
    return f"{head}{tag}{attributes}>{box}{body}"
