"""History as mail programs write it, in many languages: it goes, and what only looks like it stays."""

import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.clean_clients import (
    ATTRIBUTIONS,
    FORWARDS,
    HEADER_WORDS,
    REQUESTS_ABOVE,
    SEPARATORS,
)
from tests.unit.clean_strategies import body_of, cleaned

OWN = "My card is lost.\nPlease send a new one."
TEXT = "Hello,\nhere are the facts about 3 cards.\n\nBob"
QUOTED = "\n".join(f"> {line}".rstrip() for line in TEXT.split("\n"))


def quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def wrapped(text: str, width: int) -> str:
    return "\n".join(textwrap.wrap(text, width, break_on_hyphens=False))


def forms_of(attribution: str) -> dict[str, str]:
    """The same answered mail as programs lay it out."""
    return {
        "quoted": f"\n\n{attribution}\n{QUOTED}",
        "quoted after a gap": f"\n\n{attribution}\n\n{QUOTED}",
        "not quoted": f"\n\n{attribution}\n\n{TEXT}",
        "without a gap above": f"\n{attribution}\n{QUOTED}",
        "wrapped at 60": f"\n\n{wrapped(attribution, 60)}\n\n{QUOTED}",
        "wrapped at 76": f"\n\n{wrapped(attribution, 76)}\n{QUOTED}",
        "wrapped before the address": f"\n\n{attribution.replace(' <jane', chr(10) + '<jane')}\n{QUOTED}",
        "wrapped after the address": f"\n\n{attribution.replace('com> ', 'com>' + chr(10))}\n\n{TEXT}",
        "with an older mail below": f"\n\n{attribution}\n{quoted(TEXT + chr(10) + ATTRIBUTIONS[0])}\n>> older",
    }


def blocks_of(words: tuple[str, str, str, str]) -> dict[str, str]:
    sender, sent, to, subject = words
    date = "Monday, November 3, 2025 10:00 AM"

    def block(name: str = "Jane Doe <jane@example.com>", more: str = "") -> str:
        lines = (f"{sender}: {name}", f"{sent}: {date}", f"{to}: help@example.com{more}")
        return "\n".join((*lines, f"{subject}: Re: cards"))

    bold = "\n".join("*{}:*{}".format(*line.split(":", 1)) for line in block().split("\n"))
    return {
        "plain": f"\n\n{block()}\n\n{TEXT}",
        "below a rule": f"\n\n________________________________\n{block()}\n\n{TEXT}",
        "bold": f"\n\n{bold}\n\n{TEXT}",
        "without an address": f"\n\n{block('Doe, Jane')}\n\n{TEXT}",
        "with more headers": f"\n\n{block(more='; a@b.example' + chr(10) + 'Cc: x@y.example')}\n\n{TEXT}",
        "with a link": f"\n\n{block('Jane Doe [mailto:jane@example.com]')}\n\n{TEXT}",
        "quoted": f"\n\n{quoted(block())}\n>\n{QUOTED}",
        "without a subject": f"\n\n{block().rsplit(chr(10), 1)[0]}\n\n{TEXT}",
    }


def must_go(history: str) -> None:
    result = cleaned(subject="Help", body=OWN + history)
    assert (result.body, result.kind) == (OWN, "reply")


@pytest.mark.parametrize("form", forms_of(""))
@pytest.mark.parametrize("attribution", ATTRIBUTIONS)
def test_an_attribution_and_what_it_introduces_go(attribution: str, form: str) -> None:
    must_go(forms_of(attribution)[form])


@pytest.mark.parametrize("form", blocks_of(HEADER_WORDS[0]))
@pytest.mark.parametrize("words", HEADER_WORDS, ids=lambda words: words[0])
def test_a_header_block_and_the_mail_below_it_go(
    words: tuple[str, str, str, str], form: str
) -> None:
    must_go(blocks_of(words)[form])


@pytest.mark.parametrize("separator", SEPARATORS)
def test_a_separator_ends_the_mail(separator: str) -> None:
    must_go(f"\n\n{separator}\n{TEXT}")
    must_go(f"\n\n{separator}{blocks_of(HEADER_WORDS[0])['plain'][1:]}")
    must_go(f"\n\n{quoted(separator)}\n{QUOTED}")


@pytest.mark.parametrize("request_above", REQUESTS_ABOVE)
def test_a_ticket_systems_request_to_write_above_ends_the_mail(request_above: str) -> None:
    result = cleaned(subject="Help", body=f"{OWN}\n\n{request_above}\n{TEXT}")
    assert result.body == OWN


OTHER_HISTORIES = {
    "GMX": '\n\nGesendet: Montag, 03. November 2025 um 10:00 Uhr\nVon: "Jane Doe" <jane@example.com>\n'
    f"An: help@example.com\nBetreff: Re: cards\n\n{TEXT}",
    "Outlook Express": "\n\n----- Original Message ----- \nFrom: Jane Doe <jane@example.com>\n"
    f"To: <help@example.com>\nSent: Monday, November 03, 2025 10:00 AM\nSubject: Re: cards\n\n\n{QUOTED}",
    "Notes": "\n\n\nVon:\tJane Doe/Example@Example\nAn:\thelp@example.com\nDatum:\t03.11.2025 10:00\n"
    f"Betreff:\tRe: cards\n\n\n\n{TEXT}",
    "Notes with its line": "\n\nJane Doe ---03/11/2025 10:00:00 AM---Hello, here are\n\nFrom: Jane Doe/X\n"
    f"To: help@example.com\nDate: 03/11/2025 10:00 AM\nSubject: Re: cards\n\n{TEXT}",
    "Outlook on a Mac": "\n\nFrom: Jane Doe <jane@example.com>\nDate: Monday, November 3, 2025 at 10:00 AM\n"
    f"To: Support <help@example.com>\nSubject: Re: cards\n{TEXT}",
    "a list": f"\n\nJane Doe wrote:\n{QUOTED}",
    "a list, by date": f"\n\nJane Doe wrote on 15/01/2016:\n{QUOTED}",
    "Yahoo on Android": "\n\nSent from Yahoo Mail on Android \n \n  On Mon, 3 Nov 2025 at 10:00, Jane Doe"
    f"<jane@example.com> wrote:   Hello,\n{TEXT}",
    "Horde": f"\n\nZitat von Jane Doe <jane@example.com>:\n\n{QUOTED}",
    "NetEase": f"\n\n---- Replied Message ----\n{TEXT}",
}


@pytest.mark.parametrize("program", OTHER_HISTORIES)
def test_the_history_of_other_programs_goes(program: str) -> None:
    must_go(OTHER_HISTORIES[program])


@pytest.mark.parametrize("line", FORWARDS)
def test_a_forwarded_mail_stays(line: str) -> None:
    block = blocks_of(HEADER_WORDS[0])["plain"].strip("\n")
    result = cleaned(subject="cards", body=f"FYI, please see below.\n\n{line}\n{block}")
    assert "the facts about 3 cards" in result.body


@pytest.mark.parametrize(
    "body",
    [
        "I called on 3 November 2025 at 10:00 and was told:\nNo card is here.",
        "On 3 Nov 2025 at 10:00 I wrote to help@example.com:\nplease send the card",
        "Am 3.11.2025 um 10:00 habe ich an hilfe@example.de geschrieben:\nBitte schicken Sie die Karte.",
        "Ich schrieb am 3.11.2025 um 10:00 Uhr:\nmeine Karte fehlt",
        "Le 3 novembre 2025 à 10:00 j'ai écrit à aide@example.fr :\nenvoyez ma carte",
        "Il 3/11/2025 alle 10:00 ho scritto a aiuto@example.it:\nla mia carta non arriva",
        "El 3/11/2025 a las 10:00 escribí a ayuda@example.es:\nmi tarjeta no llega",
        "Op 3-11-2025 om 10:00 schreef ik naar hulp@example.nl:\nmijn kaart is weg",
        "Den 3/11 2025 kl 10:00 skrev jag till hjalp@example.se:\nmitt kort saknas",
        "W dniu 3.11.2025 o 10:00 napisałem do pomoc@example.pl:\nmoja karta",
        "Your colleague wrote on 3/11/2025:\nWe will refund you.",
        "Meeting at 10:00 on 03/11/2025 with bob@example.com:\n- agenda\n- notes",
        "On 3 November 2025 my bank wrote:\nyour card is blocked",
        "Error log:\n2025-11-03 10:00:00 GMT ERROR failed\n2025-11-03 10:00:01 GMT retry",
        "I get these lines:\n---03/11/2025 10:00 error\nwhat to do?",
        "It shows 10:00 on 3/11/2025:\nwhy?",
        "Jane wrote:\nhello there friends",
        "Hello,\nas you wrote:\n1. first\n2. second\nWhat is third?",
        "Please change this:\nFrom: Berlin\nTo: Paris\nDate: 3 May",
        "To: the manager\nFrom: an unhappy customer\nI want a refund.",
        "I cannot remove this line from my contract.\nPlease help.",
        "See the text above this line to understand.\nThanks a lot for all.",
        "The contract says:\n> clause 7\nIs that right?",
        "Ihre AGB sagen:\n\n> Der Vertrag verlängert sich um 12 Monate, wenn er nicht gekündigt wird.",
        "The website says:\n\n> error 500\n> try later",
        "My log:\n\n2024-05-03 10:15:33 ERROR refused <db@localhost>\n2024-05-03 10:15:34 INFO retry\n\nPlease help",
        "git log:\n\n2024-06-03 Jane Doe <jane@doe.com>\n\n    fix bug\n\nwhy is it not shown?",
        "Es geht um Folgendes. Am 3.6.2024 um 10:00 schrieb Herr Meier:\n\nDas Paket kommt.\n\nEs kam nicht.",
        "Herr Meier (meier@shop.de) schrieb am 3.6.2024 um 10:00:\n\n„Das Paket kommt morgen.“\n\nEs kam nicht.",
        "On behalf of my father (jim@doe.com), who wrote:\n\nPlease cancel.",
        "On 12 May 2024 your colleague bob@example.com wrote:\nthat my refund is done. It is not.",
        "Why is it spam?\n\nReturn-Path: <a@b.example>\nFrom: a@b.example\nX-Spam: yes\nSubject: x\n"
        "Date: Mon, 3 Jun 2024 10:00:00 +0200\n\nWhat can I do?",
        "Hello.\nMy friend Bob <bob@example.com> said: it works.\nDoes it?",
        "Hello.\nI wrote on 3 Nov 2025 at 10:00 to Jane <jane@example.com>: no answer.\nWhy?",
        "Monday is fine.\n>From Tuesday on I am away.\nThanks for all.",
    ],
)
def test_words_that_only_look_like_history_stay(body: str) -> None:
    assert body_of(body).split() == body.split()


# -- laws ------------------------------------------------------------------------------------------

SENTENCES = st.lists(
    st.sampled_from(
        (
            "My card is lost.",
            "Where is order 4711?",
            "Ich brauche Hilfe mit meiner Rechnung.",
            "It fails since Monday:",
            "- first\n- second",
            "Danke!",
            "Ma carte ne marche pas.",
            "See 10:30 and 3.50 EUR.",
            "Why?",
            "I paid on 3/11/2025.",
            "¿Dónde está mi pedido?",
            "Call me at noon, please.",
            "I agree (mostly).",
            "Error 0x80070005 <see below>",
            "Nr. 7 -- the blue one",
            "a@b.example is my address",
            "# heading",
        )
    ),
    min_size=1,
    max_size=6,
)
MAILS = SENTENCES.map("\n\n".join) | SENTENCES.map("\n".join)
HISTORIES = (
    st.tuples(st.sampled_from(ATTRIBUTIONS), st.sampled_from(list(forms_of(""))), MAILS).map(
        lambda drawn: (
            forms_of(drawn[0])[drawn[1]].replace(TEXT, drawn[2]).replace(QUOTED, quoted(drawn[2]))
        )
    )
    | st.tuples(
        st.sampled_from(HEADER_WORDS), st.sampled_from(list(blocks_of(HEADER_WORDS[0])))
    ).map(lambda drawn: blocks_of(drawn[0])[drawn[1]])
    | st.sampled_from(SEPARATORS).map(lambda separator: f"\n\n{separator}\n{TEXT}")
)


@settings(deadline=None)
@given(MAILS)
def test_a_mail_without_history_signature_or_markup_keeps_its_words(mail: str) -> None:
    assert body_of(mail).split() == mail.split()


@settings(deadline=None)
@given(MAILS, HISTORIES)
def test_history_below_a_mail_does_not_change_its_words(mail: str, history: str) -> None:
    assert body_of(mail + history) == body_of(mail)


@settings(deadline=None)
@given(MAILS, HISTORIES, HISTORIES)
def test_nor_does_history_below_history(mail: str, newer: str, older: str) -> None:
    assert body_of(mail + newer + older) == body_of(mail)
