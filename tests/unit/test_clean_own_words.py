import pytest

from tests.unit.clean_strategies import body_of

OWN = "My card has not arrived yet.\nCan you help?"
SIGNED = "My device is broken.\n\nKind regards,\nJane Doe"


@pytest.mark.parametrize(
    "rest",
    [
        "Please hurry!",
        "Call after 5pm",
        "Size 42, colour blue",
        "Not before Monday",
        "Two photos attached",
        "I also need a receipt",
        "Model X200\nBought 3 May 2024",
        "Edit: forgot to say, it is for both accounts",
        "Attached: invoice, photo, receipt",
        "Bitte schnell, es eilt sehr!",
        "Nicht vor 9 Uhr anrufen!",
        "Farbe: blau\nGröße: 42",
        "Anlage: Rechnung, Foto",
        "Mein Mann heißt Peter Schmidt",
        "Sparkasse Berlin\n1234567890\nBLZ 10050000",
        "Rote Farbe",
        "I need it on Monday, write to bob@example.com",
        "Bitte rufen Sie unter 0170 1234567 zurück",
    ],
)
@pytest.mark.parametrize("card", ["", "\nHead of Things\nTel. +44 20 1234 5678"])
def test_own_words_below_a_card_stay(rest: str, card: str) -> None:
    assert body_of(f"{SIGNED}{card}\n\n{rest}") == f"My device is broken.\n\n{rest}"


@pytest.mark.parametrize(
    "rest",
    ["Please hurry!", "12345678", "2 photos attached", "Rechnung anbei", "photos follow later"],
)
def test_own_words_directly_below_the_name_stay(rest: str) -> None:
    assert body_of(f"{SIGNED}\n{rest}") == f"My device is broken.\n\n{rest}"


@pytest.mark.parametrize(
    "page", ["https://shop.de/artikel/4711", "https://example.com/broken-page", "IMG_2034.jpg"]
)
def test_a_page_below_a_card_stays_and_a_home_page_goes(page: str) -> None:
    assert body_of(f"{SIGNED}\n\n{page}") == f"My device is broken.\n\n{page}"
    assert body_of(f"{SIGNED}\n\nhttps://www.example.com") == "My device is broken."


def test_a_sentence_far_below_a_closing_keeps_all_of_it() -> None:
    body = f"{SIGNED}\n\nThere is one more thing that came with the same parcel on Monday."
    assert body_of(body) == body


@pytest.mark.parametrize(
    "card",
    [
        "Head of Things\nExample Ltd\n\n12 High Street\nLondon\n\nwww.example.com",
        "\nHead of Things\n\nTel: +44 20 1234 5678",
        "\nExample Ltd",
        "\nBahnhofstr. 1\n8001 Zürich",
        "\nul. Długa 5\n00-001 Warszawa",
        "Tlm: 912 345 678",
        "T +49 30 123456 | M 0170 1234567",
        "(030) 123456",
        "555-123-4567",
    ],
)
def test_a_card_of_several_paragraphs_goes(card: str) -> None:
    assert body_of(f"{SIGNED}\n{card}") == "My device is broken."


@pytest.mark.parametrize(
    "line",
    [
        "03.06.2024",
        "2024-06-03 10:00",
        "12345678",
        "EUR 1.234.567,00",
        "Schraube    5       3,00",
        "1000 Schrauben M8",
        "3 May 2024 London",
        "hard drive 500 GB",
        "airplane 12",
        "Montag 12.00 - 14.00",
        "00340434161094000001",
        "RMA 2024 Berlin",
    ],
)
def test_dates_and_goods_are_no_contacts(line: str) -> None:
    body = f"These are wrong.\n\nPump Housing\n{line}\n{line}"
    assert body_of(body) == body


@pytest.mark.parametrize(
    "body",
    [
        "Please add the following contact to our account\n\nBob Lee\nbob@x.com\n+1 555 123 4567",
        "Unser neuer Ansprechpartner ist\n\nBernd Lehmann\nbernd@x.de\n+49 89 1234567",
        "Das Paket geht an\n\nBernd Lehmann\nIndustriestr. 5\n12345 Berlin",
        "Add this user please.\n\nBob Lee\nbob@x.com\n+1 555 123 4567",
        "Folgende Gäste kommen:\n\nAnna Schmidt,\nBernd Schmidt",
        "These guests come.\n\nAnna Smith,\nBob Smith,\nCarl Smith",
        "I ordered\n\nRed Shirt,\nBlue Trousers",
        "Please change the day\n\nto a nice day\nGood Friday",
        "My colleague takes over.\n\nAnna Schmidt\nanna@x.de\n+49 30 123456",
        "Which brand is better?\n\nLG\nSamsung",
        "Welches Gerät?\n\nBest\nBosch",
        "Zutaten:\n\nSalz\nBG\nMehl",
        "Options:\n\nYours\nMine",
        "Die Mail wurde nicht\nvon meinem iPhone gesendet",
        "I use Outlook\nSent from Outlook for iOS fails",
        "Fehler beim Versand\nvon meinem Handy",
        "Please send it to the place below.\n\nRegards\nJane Doe\n12 High Street\nLondon",
    ],
)
def test_what_a_sentence_announces_stays(body: str) -> None:
    assert body_of(body) == body


@pytest.mark.parametrize(
    "body",
    [
        "Hello,\n--\nPlease cancel contract 4711 at once and confirm by mail to me.",
        "Artikel     Menge   Preis\n-------\nSchraube    5       3,00\n-------\nSumme   4,00",
        "My SQL:\n\nSELECT *\n--\nFROM users;\n\nfails. Please help.",
        "Pros\n--\nfast\n\nCons\n--\nslow",
        "Problem:\n--\nThe app crashes\n--\nWhen I open it\n--\nand also when I close it",
        "My item is broken.\n____________\nInvoice 123\nBought on 3 May 2024\nPrice 30 EUR",
        "It is broken.\n____________\nBought on 3 May 2024",
        "Name: Jane\n\n______________\n\nSignature: Jane Doe",
        "what I need:\n\n-----\nTel: 089 123456\nMail: a@b.de\n-----\nPlease print that on my card.",
        "Hello.\n--\nWhy is it late?",
        "Hello,\n--\nDevice does not start",
        "Hello,\n___\nDevice does not start",
        "Hi Tom,\n\n--\nDevice does not start",
    ],
)
def test_lines_between_words_are_no_delimiters(body: str) -> None:
    assert body_of(body) == body


@pytest.mark.parametrize("body", ["?", "??", "!", "...", "+", "-", "¿?"])
def test_marks_that_somebody_typed_stay(body: str) -> None:
    assert body_of(body) == body
    if body != "-":
        assert body_of(f"Where is my order.\n\n{body}") == f"Where is my order.\n\n{body}"


@pytest.mark.parametrize("rule", ["____", "-----", "*****", "=-=-=", "——"])
def test_a_rule_at_the_end_goes(rule: str) -> None:
    assert body_of(f"{OWN}\n\n{rule}") == OWN


def test_a_question_for_an_address_gives_none() -> None:
    body = "What is your address?\n\nRegards\nJane Doe\n12 High Street\nLondon\n+44 20 7946 0958"
    assert body_of(body) == "What is your address?"
