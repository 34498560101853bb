import pytest

from stream.clean.language import language_of

GERMAN = "Die Karte ist seit zwei Wochen nicht angekommen, und niemand geht ans Telefon. "


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Where is my card? It has not arrived yet.", "en"),
        (GERMAN, "de"),
        ("Où est ma carte ? Elle n'est pas arrivée.", "fr"),
        ("¿Dónde está mi tarjeta? No ha llegado.", "es"),
        ("Dove si trova la mia carta? Non è arrivata.", "it"),
        ("Onde está o meu cartão? Não chegou.", "pt"),
        ("Waar is mijn kaart? Die is niet aangekomen.", "nl"),
        ("Var är mitt kort? Det har inte kommit fram.", "sv"),
        ("Gdzie jest moja karta? Jeszcze nie dotarła.", "pl"),
        ("Где моя карта? Она не пришла.", "ru"),
    ],
)
def test_a_sentence_has_a_language(text: str, language: str) -> None:
    assert language_of("", text) == language


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4711",
        "ok",
        "John Smith",
        "Erika Mustermann",
        "jane.doe@example.com",
        "iPhone 14 Pro Max 256 GB",
        "def foo(x):\n    return x + 1",
        '{"id": 1, "name": "x", "ok": true}',
        "👍👍👍👍",
    ],
)
def test_names_numbers_and_code_have_none(text: str) -> None:
    assert language_of("", text) is None


def test_the_subject_helps_a_short_text() -> None:
    assert language_of("Wo bleibt die Rechnung", "4711") == "de"


def test_a_quotation_at_the_head_does_not_name_the_mail() -> None:
    quotation = "The server answered that the request could not be processed at this time.\n"
    assert language_of("", quotation + GERMAN * 4) == "de"
