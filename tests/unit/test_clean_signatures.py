import pytest

from stream.clean.ends.signatures import strip_letter
from stream.clean.fence import REMOVABLE, CleanOptions, Removable
from stream.clean.hypertext.markup import MARK_SIGNATURE
from stream.clean.lines import Letter
from tests.unit.clean_strategies import body_of, cleaned

OWN = "My card has not arrived yet.\nCan you help?"


@pytest.mark.parametrize(
    "signature",
    [
        "-- \nJane Doe\nExample Ltd",
        "--\nJane",
        "Best regards,\nJane Doe",
        "Kind regards\n\nJane Doe\nHead of Things\nExample Ltd\nTel: +44 20 1234 5678\nwww.example.com",
        "Mit freundlichen Grüßen\nErika Mustermann\n\nMusterweg 1\n12345 Musterstadt",
        "Viele Grüße\nErika",
        "MfG\nMustermann",
        "Cordialement,\nJeanne Dupont",
        "Saludos cordiales,\nJuana Pérez",
        "Cordiali saluti\nGianna Rossi",
        "Atenciosamente,\nJoana Silva",
        "Met vriendelijke groet,\nJanneke de Vries",
        "Med vänliga hälsningar\nJohanna Svensson",
        "Med venlig hilsen\nJohanne Hansen",
        "Z poważaniem,\nJanina Kowalska",
        "Thanks,\nJane Doe\njane@example.com",
        "_______________________\nJane Doe\njane@example.com",
        "Best regards, Jane Doe",
        "Viele Grüße Erika Mustermann",
        "Viele Grüße aus Berlin\nErika",
        "Mit freundlichen Grüßen / Best regards\nErika Mustermann",
        "LG Erika",
        "Vielen Dank und viele Grüße\nErika Mustermann",
        "S pozdravem\nJana Nováková",
        "С уважением,\nЖанна Иванова",
        "Ystävällisin terveisin\nJohanna Virtanen",
        "Jane Doe\nHead of Things\nTel: +44 20 1234 5678\njane@example.com",
        "Erika Mustermann\nMusterweg 1\n12345 Musterstadt\nTel. 030 1234567",
        "// Jane",
        "Sent from my iPhone",
        "Sent from my Samsung Galaxy S5 device",
        "Get Outlook for iOS<https://aka.ms/o0ukef>",
        "Von meinem iPhone gesendet",
        "Von unterwegs gesendet, bitte Tippfehler entschuldigen",
        "Gesendet mit der GMX Mail App",
        "Envoyé depuis mon appareil Galaxy",
        "Télécharger Outlook pour iOS<https://aka.ms/x>",
        "Obtener Outlook para Android<https://aka.ms/x>",
        "Enviado do meu telemóvel Samsung",
        "Outlook voor Android downloaden<https://aka.ms/x>",
        "Hämta Outlook för iOS<https://aka.ms/x>",
        "Hent Outlook til Android<https://aka.ms/x>",
        "Wysłane z iPhone'a",
        "Pobierz program Outlook dla systemu iOS<https://aka.ms/x>",
        "Lähetetty iPhonesta",
        "Odesláno z iPhonu",
        "Отправлено с iPhone",
        "iPhoneから送信",
        "从我的iPhone发送",
        "나의 iPhone에서 보냄",
        "iPhone'umdan gönderildi",
        "(sent from a phone)",
        "<<sent by galaxy>>",
        "Sent from Yahoo Mail on Android",
        "Sent from Proton Mail for iOS",
        "Sent with BlackBerry Work (www.blackberry.com)",
        "Sent from my HTC. Please excuse typos.",
        "Gesendet von Outlook für Android<https://aka.ms/x>",
        "Diese Nachricht wurde von meinem Android-Mobiltelefon mit K-9 Mail gesendet.",
        "Envoyé de mon iPhone",
        "Enviado desde mi iPhone",
        "Inviato da iPhone",
        "Verstuurd vanaf mijn iPhone",
        "Skickat från min iPhone",
        "Sendt fra min iPad",
        "-Jane Doe",
    ],
)
def test_a_signature_goes(signature: str) -> None:
    result = cleaned(subject="Card", body=f"{OWN}\n\n{signature}\n")
    assert result.body == OWN
    taken = result.removed["signature"] + result.removed["footer"]
    assert taken >= len(signature) - 5


def test_signature_and_footers_below_each_other_all_go() -> None:
    body = (
        f"{OWN}\n\nMit freundlichen Grüßen\nErika Mustermann\nTel. 030 1234567\n\n"
        "Beispiel GmbH\nGeschäftsführer: A. B.\nAmtsgericht Köln, HRB 1\n\n"
        "Diese E-Mail enthält vertrauliche Informationen.\n\nVon meinem iPhone gesendet"
    )
    assert body_of(body) == OWN


@pytest.mark.parametrize(
    "body",
    [
        "Sent from my desk, is much easier than my mobile phone.",
        "Please help.\n\nThanks!",
        "I need:\n-- first point\n-- second point\n\nThank you",
        "Please cancel my contract.\n\nRegards to your team, they were great last time when I called!",
        "The Geschäftsführer told me to write to you.",
        "My order list:\n\n- Milk\n- Bread",
        "Help!\n\nThere has been unauthorized use of my visa card, it is strictly prohibited.",
        "Hello,\n\nThe money did not reach the intended recipient.",
        "Hallo,\n\nIch habe die Mahnung irrtümlich erhalten, bitte vernichten Sie sie.",
        "Hello,\n\nI want to unsubscribe from this newsletter, I got it in error.",
        "Hallo,\n\nmeine IBAN ist DE00 1234, BIC ABCDEF, Steuernummer 12/345, Amtsgericht Köln.",
        "External email does not work since Monday.\n\nPlease help.",
        "If you are not the intended recipient, please delete this message.",
        "👍",
        "Great!\n\n🎉",
        "Viele Grüße\nich hoffe, Sie können mir heute mit meiner Frage zu der neuen Karte weiterhelfen.",
        "Get my phone working again!",
        "Outlook for iOS crashes",
        "Hello,\n\non the label stands\nSent from Hamburg",
        "Hello,\n\nThe parcel was sent by mail on Monday.",
        "Hello,\n\nthe screen says\nSent from the app, and then nothing",
        "Hallo,\n\ngesendet wurde das Handy?\nmit der Post",
        "The price is\n-- 5 euros\nand not\n-- 6 euros",
        "First question: the card.\n=====\nSecond question: the account",
        "First: the card?\n------\nSecond: which account does it take the money from?",
        "My list:\n\n- Jane\n- John",
        "The name is\nJane Doe",
        "My new address is:\n\nJane Doe\nHigh Street 1\n12345 Town\njane@example.com",
        "I moved, please use this\n\nJane Doe\nHigh Street 1\n12345 Town\njane@example.com",
        "Please call these people\n\nJane Doe: +44 20 1234 5678\nJohn Doe: +44 20 1234 5679",
        "Thanks\nplease answer soon",
        "Thank you Sasha",
        "Regards\nplease call me at noon",
        "Best Western Hotel",
        "Best regards for the new year.\n\nNow to my question: where is my card?",
    ],
)
def test_words_that_look_like_a_signature_stay(body: str) -> None:
    assert body_of(body) == body


def test_a_postscript_stays() -> None:
    assert body_of(f"{OWN}\n\nBest regards,\nJane\n\nPS: please call me after 5 pm") == (
        f"{OWN}\n\nPS: please call me after 5 pm"
    )


def test_a_long_text_below_dashes_is_no_signature() -> None:
    text = f"{OWN}\n--\n" + "This is a paragraph of the mail and no signature at all.\n" * 60
    assert body_of(text).endswith("no signature at all.")


def test_the_senders_own_signature_above_a_forwarded_mail_goes() -> None:
    body = f"{OWN}\n\n-- \nJane\n\n---------- Forwarded message ---------\nFrom: B <b@e.com>\n\nHi"
    assert body_of(body).startswith(f"{OWN}\n\n---------- Forwarded message")


def test_pictures_and_links_of_a_signature_go_with_it() -> None:
    links = "[cid:image001.png]\nBook a meeting: https://example.com/jane\nLinkedIn"
    assert body_of(f"{OWN}\n\nBest regards\nJane Doe\n{links}") == OWN


@pytest.mark.parametrize(
    "rest",
    [
        "Order number: 12345",
        "Kundennummer 4711",
        "Votre commande n° 12345",
        "- a list\n- of items",
        "PS: please call me after 5 pm",
    ],
)
def test_what_the_customer_writes_of_stays_below_a_closing(rest: str) -> None:
    assert body_of(f"{OWN}\n\nBest regards,\nJane Doe\n\n{rest}") == f"{OWN}\n\n{rest}"


def test_a_question_below_a_closing_keeps_all_of_it() -> None:
    body = f"{OWN}\n\nBest regards,\nJane\n\nOr shall I call you on Monday?"
    assert body_of(body) == body


def test_a_new_address_below_a_closing_stays() -> None:
    body = "I have moved, see my new address.\n\nBest regards\nJane Doe\nHigh Street 1\n12345 Town"
    assert body_of(body) == body


def stripped(text: str, sender: str = "", remove: frozenset[Removable] = REMOVABLE) -> str:
    letter = Letter.of(text)
    strip_letter(letter, remove, sender)
    return "\n".join(letter.lines)


@pytest.mark.parametrize(
    ("sender", "name"),
    [
        ("Jane Doe <jane@example.com>", "Jane Doe"),
        ("Jane Doe <jane@example.com>", "jane"),
        ("Jane Doe <jane@example.com>", "J. Doe"),
        ("Jane Doe <jane@example.com>", "JD"),
        ("Jane Doe <jane@example.com>", "J.D."),
        ('"Doe, Jane" <jane@example.com>', "Jane Doe"),
        ("jane.doe@example.com", "Jane"),
        ("Jane Doe <jane@example.com>", "- Jane"),
        ("Jane Doe <jane@example.com>", "—Jane"),
        ("Jane Doe <jane@example.com>", "Thanks, Jane"),
        ("Jane Doe <jane@example.com>", "Thanks\nJane"),
    ],
)
def test_the_senders_own_name_is_a_signature(sender: str, name: str) -> None:
    assert stripped(f"{OWN}\n\n{name}", sender) == OWN
    assert stripped(f"{OWN}\n\n{name}", "Bob Smith <bob@example.com>") != OWN


def test_the_senders_name_in_a_sentence_stays() -> None:
    for text in ("Please write on the card\nJane Doe", "Jane Doe", "The name is wrong\nJane"):
        assert stripped(text, "Jane Doe <jane@example.com>") == text


def test_what_the_mail_program_marks_goes_and_what_was_typed_in_there_stays() -> None:
    text = f"{OWN}\n{MARK_SIGNATURE}Jane from accounting\n\n{MARK_SIGNATURE}we sell things"
    assert stripped(text) == OWN
    assert stripped(f"{MARK_SIGNATURE}Where is my card?") == "Where is my card?"
    kept = stripped(text, remove=frozenset[Removable]())
    assert kept == f"{OWN}\nJane from accounting\n\nwe sell things"


def test_the_name_in_the_paragraph_of_a_mobile_footer_goes_with_it() -> None:
    assert body_of(f"{OWN}\n\nJane Doe\nvia mobile") == OWN


def test_a_mobile_footer_wrapped_into_two_lines_goes() -> None:
    footer = "Diese Nachricht wurde von meinem Android-Mobiltelefon mit K-9 Mail\ngesendet."
    assert body_of(f"{OWN}\n\n{footer}") == OWN


def test_a_mobile_footer_is_the_programs_and_a_name_is_the_persons() -> None:
    body = f"{OWN}\n\nBest regards,\nJane Doe\n\nSent from my iPhone"
    kept = CleanOptions(time_budget_ms=60_000, remove=frozenset({"quote", "footer"}))
    assert cleaned(kept, subject="Card", body=body).body == f"{OWN}\n\nBest regards,\nJane Doe"
    result = cleaned(subject="Card", body=body)
    assert (result.body, result.removed["footer"]) == (OWN, len("Sent from my iPhone") + 1)


@pytest.mark.parametrize("name", ["-roman", "---\nRoman", "Have a nice day,\nRoman"])
def test_the_senders_name_directly_below_goes(name: str) -> None:
    assert stripped(f"How are you?\n{name}", "Roman Miller <roman@example.com>") == "How are you?"
    body = f"Which actor?\n{name}"
    if name[0] == "-":
        assert stripped(body, "Bob Smith <bob@example.com>") == body


@pytest.mark.parametrize(
    "footer",
    [
        "Sent wirelessly from my BlackBerry device on the Bell network.\n"
        "Envoyé sans fil par mon terminal mobile BlackBerry sur le réseau de Bell.",
        "Télécharger BlueMail pour Android",
        "Sent with Tuta; enjoy secure & ad-free emails:\nhttps://tuta.com",
        "-- \nDiese Nachricht wurde von meinem Android-Gerät mit GMX Mail gesendet.",
        "Have a great day!\nJane Doe",
        "Looking forward to hearing from you,\nJane Doe",
        "Mit freundlichen Grüßen / Best regards\n\nMax Muster\nEinkauf\n________\n\n"
        "Muster GmbH\nIndustriestr. 5\n12345 Berlin\n\nTel.: +49 30 1234-567",
    ],
)
def test_a_rare_footer_goes(footer: str) -> None:
    assert body_of(f"{OWN}\n\n{footer}") == OWN
