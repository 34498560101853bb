from html.parser import HTMLParser

import pytest

from stream.simulate.clients import CLIENTS
from stream.simulate.grammar import chance, expand, read_table
from stream.simulate.stationery import LANGUAGES
from stream.simulate.wrapping import Wrapped, wrap

TEXT = "The second meter shows < 5 & the wrong date.\n\nCould you send somebody, please?"
EVERY = [(language, as_html) for language in LANGUAGES for as_html in (False, True)]


class Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def handle_data(self, data: str) -> None:
        self.text += f"{data} "


def words(mail: Wrapped) -> list[str]:
    if not mail.is_html:
        return mail.text.split()
    reader = Words()
    reader.feed(mail.text)
    return reader.text.split()


def mails(language: str, *, as_html: bool, count: int = 120) -> list[Wrapped]:
    return [wrap(TEXT, language, chance(language, n), as_html=as_html) for n in range(count)]


@pytest.mark.parametrize(("language", "as_html"), EVERY)
def test_a_wrapped_text_keeps_its_words_in_order_and_gets_many_more(
    language: str, as_html: bool
) -> None:
    own = TEXT.split()
    for mail in mails(language, as_html=as_html):
        found = words(mail)
        start = found.index("meter") - 2
        assert found[start : start + len(own)] == own
        assert len(found) > len(own) + 20


@pytest.mark.parametrize(("language", "as_html"), EVERY)
def test_no_template_is_left_open_in_a_wrapped_mail(language: str, as_html: bool) -> None:
    for mail in mails(language, as_html=as_html):
        assert not {"None", "{who}", "{}", "|]"} & set(words(mail))
        assert "{" not in mail.text.replace("{font", "").replace("{margin", "").replace("{page", "")


def test_equal_chance_gives_an_equal_mail_and_other_chance_another() -> None:
    assert mails("de", as_html=True, count=3) == mails("de", as_html=True, count=3)
    assert len({mail.text for mail in mails("de", as_html=False)}) > 110


def test_every_program_writes_and_they_write_history_differently() -> None:
    clients = {mail.client for mail in mails("de", as_html=False)}
    assert clients == {client.name for client in CLIENTS}
    assert "gmx" not in {mail.client for mail in mails("pt", as_html=False)}
    text = "\n".join(mail.text for mail in mails("en", as_html=False))
    for mark in ("\n> ", "\nFrom: ", "-----Original Message-----", "wrote:", "_" * 32, "\n-- \n"):
        assert mark in text
    pages = "\n".join(mail.text for mail in mails("en", as_html=True))
    for mark in ("gmail_quote", "divRplyFwdMsg", "moz-cite-prefix", "yahoo_quoted", "MsoNormal"):
        assert mark in pages


def test_an_unknown_language_is_written_in_english_and_names_can_be_given() -> None:
    mail = wrap(TEXT, "sw", chance(1), as_html=False, writer="Ann Lee", brand="Telvia")
    assert "Ann Lee" in mail.text
    assert "Telvia" in mail.text


def test_who_closed_the_letter_himself_is_given_no_second_farewell() -> None:
    closed = f"{TEXT}\n\nBest regards\nAnn Lee"
    for number in range(40):
        mail = wrap(closed, "en", chance(number), as_html=False, writer="Ann Lee")
        above = mail.text.split("Best regards\nAnn Lee", 1)[1].lstrip()
        assert not above.startswith(("Kind", "Yours", "Thank", "Regards", "Sincerely", "Many"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_line_of_the_mail_tables_expands(language: str) -> None:
    table = read_table(f"mail.{language}")
    assert {"months", "weekdays", "gmail", "outlook", "notice", "imprint"} <= table.keys()
    assert len(table["months"]) == len(table["months_short"]) == 12
    assert len(table["weekdays"]) == len(table["weekdays_short"]) == 7
    for lines in table.values():
        for line in lines:
            text = expand(line, chance(line), lambda slot: f"<{slot}>")
            assert text
            assert not set("[]{}") & set(text)
