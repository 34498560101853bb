import pytest

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
        "_______________________\nmailing list\nlist@example.com",
        "Sent from my iPhone",
        "Sent from my Samsung Galaxy S5 device",
        "Get Outlook for iOS<https://aka.ms/o0ukef>",
        "Von meinem iPhone gesendet",
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
    assert result.removed["signature"] >= len(signature) - 5


@pytest.mark.parametrize(
    "footer",
    [
        "Beispiel GmbH, Musterweg 1, 12345 Musterstadt\n"
        "Geschäftsführer: Erika Mustermann\nAmtsgericht Musterstadt, HRB 12345\nUSt-IdNr.: DE123456789",
        "Sitz der Gesellschaft: Musterstadt. Registergericht: Amtsgericht Musterstadt, HRB 12345",
        "Example Ltd is registered in England. Company number 123456.",
        "This e-mail and any attachments are confidential and intended solely for the addressee.",
        "If you are not the intended recipient, please delete this message.",
        "Diese E-Mail enthält vertrauliche und/oder rechtlich geschützte Informationen.",
        "Please consider the environment before printing this e-mail.",
        "Ce message est confidentiel et destiné exclusivement à son destinataire.",
        "Virus-free. www.avast.com",
    ],
)
def test_a_footer_that_nobody_wrote_goes(footer: str) -> None:
    result = cleaned(subject="Card", body=f"{OWN}\n\n{footer}\n")
    assert result.body == OWN
    assert result.removed["footer"] >= len(footer) - 5


def test_signature_and_footers_below_each_other_all_go() -> None:
    body = (
        f"{OWN}\n\nMit freundlichen Grüßen\nErika Mustermann\nTel. 030 1234567\n\n"
        "Beispiel GmbH\nGeschäftsführer: A. B.\nAmtsgericht Köln, HRB 1\n\n"
        "Diese E-Mail enthält vertrauliche Informationen.\n\nVon meinem iPhone gesendet"
    )
    assert body_of(body) == OWN


@pytest.mark.parametrize(
    "banner",
    [
        "CAUTION: This email originated from outside of the organization.\nDo not click links.",
        "[EXTERNAL EMAIL]",
        "Achtung: Externe E-Mail!",
    ],
)
def test_a_gateways_banner_at_the_head_goes(banner: str) -> None:
    assert body_of(f"{banner}\n\n{OWN}") == OWN


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
