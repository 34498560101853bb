import pytest

from tests.unit.clean_strategies import body_of, cleaned

OWN = "Thank you, that solved it."
HISTORY = "Hello,\nhave you tried to restart it?\n\nSupport"


@pytest.mark.parametrize(
    "attribution",
    [
        "On Mon, Nov 3, 2025 at 10:00 AM Jane Doe <jane@example.com> wrote:",
        "On 3 Nov 2025, at 10:00, Jane Doe wrote:",
        "Am 03.11.2025 um 10:00 schrieb Jane Doe <jane@example.com>:",
        "Jane Doe <jane@example.com> schrieb am Mo., 3. Nov. 2025, 10:00:",
        "Le lun. 3 nov. 2025 à 10:00, Jane Doe <jane@example.com> a écrit :",
        "El lun, 3 nov 2025 a las 10:00, Jane Doe (<jane@example.com>) escribió:",
        "Il giorno lun 3 nov 2025 alle ore 10:00 Jane Doe <jane@example.com> ha scritto:",
        "Em seg., 3 de nov. de 2025 às 10:00, Jane Doe <jane@example.com> escreveu:",
        "Op ma 3 nov 2025 om 10:00 schreef Jane Doe <jane@example.com>:",
        "Den mån 3 nov. 2025 kl 10:00 skrev Jane Doe <jane@example.com>:",
        "Den man. 3. nov. 2025 kl. 10.00 skrev Jane Doe <jane@example.com>:",
        "pon., 3 lis 2025 o 10:00 Jane Doe <jane@example.com> napisał(a):",
        "2025-11-03 10:00 GMT+01:00 Jane Doe <jane@example.com>:",
        "---- On Mon, 03 Nov 2025 10:00:00 +0100 Jane Doe <jane@example.com> wrote ----",
        "On Mon, Nov 3, 2025 at 10:00 AM Jane Doe <\njane@example.com> wrote:",
        "Le 3 nov. 2025 10:00, Jane Doe\n<jane@example.com>\na écrit :",
    ],
)
@pytest.mark.parametrize("mark", ["> ", ""])
def test_an_attribution_takes_the_history_below_it(attribution: str, mark: str) -> None:
    history = "\n".join(f"{mark}{line}" for line in HISTORY.split("\n"))
    result = cleaned(subject="Problem", body=f"{OWN}\n\n{attribution}\n\n{history}")
    assert (result.body, result.kind) == (OWN, "reply")


@pytest.mark.parametrize(
    "headers",
    [
        "From: Jane <jane@example.com>\nSent: Monday, November 3, 2025 10:00\nTo: Bob\nSubject: Hi",
        "Von: Jane Doe\nGesendet: Montag, 3. November 2025 10:00\nAn: Bob\nBetreff: AW: Hallo",
        "De : Jane <jane@example.com>\nEnvoyé : lundi 3 novembre 2025\nÀ : Bob\nObjet : Bonjour",
        "De: Jane\nEnviado: lunes, 3 de noviembre\nPara: Bob\nAsunto: Hola",
        "Da: Jane\nInviato: lunedì 3 novembre\nA: Bob\nOggetto: Ciao",
        "De: Jane\nEnviada em: segunda-feira\nPara: Bob\nAssunto: Oi",
        "Van: Jane\nVerzonden: maandag 3 november\nAan: Bob\nOnderwerp: Hallo",
        "Från: Jane\nSkickat: den 3 november\nTill: Bob\nÄmne: Hej",
        "Fra: Jane\nSendt: 3. november 2025\nTil: Bob\nEmne: Hej",
        "Od: Jane\nWysłano: 3 listopada\nDo: Bob\nTemat: Cześć",
        "*From:* Jane <jane@example.com>\n*Date:* Monday 10:00\n*To:* Bob",
        "________________________________\nFrom: Jane\nSent: Monday\nTo: Bob\nSubject: Hi",
        "-----Ursprüngliche Nachricht-----\nVon: Jane",
        "-----Original Message-----",
        "*-------- Original Message --------*",
        "##- Please type your reply above this line -##",
    ],
)
def test_a_header_block_or_separator_ends_the_mail(headers: str) -> None:
    assert body_of(f"{OWN}\n\n{headers}\n\n{HISTORY}") == OWN


def test_answers_between_quoted_lines_stay() -> None:
    body = (
        "See below.\n\nOn Mon, Nov 3, 2025 at 10:00 J <j@e.com> wrote:\n> Did you restart?\n\n"
        "Yes, twice.\n\n> And the cable?\n\nIt is new."
    )
    assert body_of(body) == "See below.\n\nYes, twice.\n\nIt is new."


def test_an_answer_below_the_quote_stays() -> None:
    assert body_of(f"On 3 Nov 2025, at 10:00, J <j@e.com> wrote:\n> Did it?\n\n{OWN}") == OWN


def test_a_quoted_attribution_makes_its_block_history() -> None:
    body = f"> On 3 Nov 2025, at 10:00, J <j@e.com> wrote:\n> Did it?\n\n{OWN}"
    assert body_of(body) == OWN


def test_the_wrapped_end_of_a_quoted_line_goes_with_it() -> None:
    body = (
        f"{OWN}\n\nOn 3 Nov 2025, at 10:00, J <j@e.com> wrote:\n"
        "> This is a long line that some program on the way has\nwrapped.\n> The end.\n\nBye now"
    )
    assert body_of(body) == f"{OWN}\n\nBye now"


def test_history_that_a_signature_hid_goes_with_it() -> None:
    assert body_of(f"{OWN}\n\n> Did you restart?\n> Best, Jane\n\n-- \nBob") == OWN


def test_a_citation_that_nothing_introduces_stays_above_own_words() -> None:
    body = "> The device shows error 17.\n\nThis is what I see."
    assert body_of(body) == body
    assert body_of(f"{OWN}\n\n> Did you restart?\n> Best, Jane") == OWN


@pytest.mark.parametrize(
    "body",
    [
        "On Monday I ordered a card.\nIt has not come.",
        "On 12.03.2025 I wrote to you:\nno answer yet.",
        "Am 12.03.2025 schrieb ich Ihnen:\nbis heute keine Antwort.",
        "From: Berlin\nTo: Paris\nDate: 3 May\n\nPlease book this trip.",
        "I want to travel.\n\nFrom: Berlin\nTo: Paris\nDate: 3 May",
        "You have a new request\nFrom: jane@example.com\nSubject: Card\nMessage: it is lost",
        "Service   Date\n------------------\nA   1\nB   2\n\nPlease check these.",
        "Am 12.03.2025 um 10:30 schrieb ich Ihnen:\nkeine Antwort.",
        "I see this:\n>>> broken <<<\nWhat now?",
    ],
)
def test_words_that_look_like_history_stay(body: str) -> None:
    assert body_of(body) == body


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("Card", "FYI\n\n---------- Forwarded message ---------\nFrom: J <j@e.com>\n\nMy card"),
        ("Fwd: Card", "From: J <j@e.com>\nSent: Monday\nTo: B\nSubject: Card\n\nMy card"),
        ("WG: Karte", "Bitte.\n\nVon: J\nGesendet: Montag\nAn: B\nBetreff: Karte\n\nMy card"),
        ("Card", "Begin forwarded message:\n\n> From: J <j@e.com>\n> Date: Monday\n>\n> My card"),
        ("Fwd: Card", "> My card"),
        ("Card", "From: J <j@e.com>\nSent: Monday\nTo: B\nSubject: Card\n\nMy card"),
    ],
)
def test_a_forwarded_mail_is_the_customers_words(subject: str, body: str) -> None:
    result = cleaned(subject=subject, body=body)
    assert result.body.endswith("My card")
    assert "> " not in result.body
    assert result.kind == "message"


def test_history_below_a_forwarded_mail_goes() -> None:
    body = (
        "FYI\n\n---------- Forwarded message ---------\nFrom: J <j@e.com>\nDate: Monday\n\nMy card"
        "\n\nOn 1 Nov 2025, at 9:00, B <b@e.com> wrote:\n> Did it?"
    )
    assert body_of(body).endswith("\n\nMy card")
