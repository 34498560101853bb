import pytest

from stream.clean import clean_with_notes
from stream.records import InboundEmail
from tests.unit.clean_strategies import NOW, PATIENT, body_of, cleaned

OWN = "My card has not arrived yet.\nCan you help?"


def rules_of(body: str) -> list[str]:
    email = InboundEmail(id="1", subject="Card", body=body)
    notes = clean_with_notes(email, NOW, None, PATIENT)[1]
    return [cut.rule for cut in notes.cuts if cut.reason == "footer"]


@pytest.mark.parametrize(
    ("footer", "rule"),
    [
        (
            "Beispiel GmbH, Musterweg 1, 12345 Musterstadt\nGeschäftsführer: Erika Mustermann\n"
            "Amtsgericht Musterstadt, HRB 12345\nUSt-IdNr.: DE123456789",
            "company particulars",
        ),
        ("Sitz der Gesellschaft: Wien\nFirmenbuchnummer FN 12345a, Handelsgericht Wien", "company particulars"),
        ("Beispiel AG, Zürich\nUID: CHE-123.456.789 MWST, Handelsregisteramt Zürich", "company particulars"),
        ("Exemple SARL au capital de 10 000 €\nRCS Paris 123 456 789 - SIRET 123", "company particulars"),
        ("Ejemplo S.L., CIF: B12345678\nInscrita en el Registro Mercantil de Madrid, tomo 1", "company particulars"),
        ("Esempio S.r.l. - Sede legale: Roma\nP. IVA 01234567890 - REA RM-1", "company particulars"),
        ("Voorbeeld B.V. KvK 12345678\nBTW: NL001234567B01", "company particulars"),
        ("Exempel AB, org.nr 556000-0000\nStyrelsens säte: Stockholm", "company particulars"),
        ("Przykład sp. z o.o. KRS 0000, NIP 123\nkapitał zakładowy 5000 zł", "company particulars"),
        ("Example Ltd is registered in England. Company number 123456.", "company particulars"),
        ("This e-mail and any attachments are confidential.", "confidentiality notice"),
        ("If you are not the intended recipient, please delete this message.", "confidentiality notice"),
        ("Diese E-Mail enthält vertrauliche und/oder rechtlich geschützte Informationen.", "confidentiality notice"),
        ("Diese Nachricht ist nur für den Adressaten bestimmt, mit Anhängen.", "confidentiality notice"),
        ("Ce message est confidentiel et destiné à son destinataire.", "confidentiality notice"),
        ("Este mensaje y sus archivos son confidenciales.", "confidentiality notice"),
        ("Le informazioni contenute in questo messaggio sono riservate.", "confidentiality notice"),
        ("Esta mensagem é confidencial e destina-se ao seu destinatário.", "confidentiality notice"),
        ("Dit bericht is vertrouwelijk en alleen bestemd voor de geadresseerde.", "confidentiality notice"),
        ("Detta meddelande är konfidentiellt, sprid det inte i onödan.", "confidentiality notice"),
        ("Denne e-mail er fortrolig. Slet den, hvis den er modtaget ved en fejl.", "confidentiality notice"),
        ("Ta wiadomość jest poufna i przeznaczona dla adresata.", "confidentiality notice"),
        ("Please consider the environment before printing this e-mail.", "think before you print"),
        ("🌳 Bevor Sie diese E-Mail ausdrucken: denken Sie an die Umwelt.", "think before you print"),
        ("Antes de imprimir, piense en el medio ambiente.", "think before you print"),
        ("Virus-free. www.avast.com", "virus-scan line"),
        ("This email has been checked for viruses by AVG antivirus software.\nwww.avg.com", "virus-scan line"),
        ("Diese E-Mail wurde von Avast auf Viren geprüft.", "virus-scan line"),
        ("L'absence de virus dans ce courrier a été vérifiée par Avast.", "virus-scan line"),
        ("El software de antivirus Avast ha analizado este correo en busca de virus.", "virus-scan line"),
        ("Questa e-mail è stata controllata per individuare virus con Avast.", "virus-scan line"),
        ("Deze e-mail is gecontroleerd op virussen door McAfee.", "virus-scan line"),
        ("_______\nx mailing list\nx@lists.example.com\nhttps://lists.example.com/listinfo/x", "mailing-list footer"),
        ("To unsubscribe from this group, write to x@e.com", "mailing-list footer"),
        ("[cid:image001.png@01D0.1234]", "image placeholder"),
        ("[image: logo.png]", "image placeholder"),
        ("<https://example.com/logo.png>", "image placeholder"),
        ("[A close up of a sign Description automatically generated]", "image placeholder"),
        ("Follow us on Facebook | Twitter | LinkedIn", "social media"),
        ("Facebook<https://fb.com/x> LinkedIn<https://linkedin.com/x>", "social media"),
        ("Book a meeting with me: https://example.com/jane", "scheduling or review link"),
        ("Termin vereinbaren <https://example.com/jane>", "scheduling or review link"),
    ],
)  # fmt: skip
def test_a_footer_that_nobody_wrote_goes_and_says_why(footer: str, rule: str) -> None:
    result = cleaned(subject="Card", body=f"{OWN}\n\n{footer}\n")
    assert result.body == OWN
    assert result.removed["footer"] >= len(footer) - 5
    assert rule in rules_of(f"{OWN}\n\n{footer}\n")


@pytest.mark.parametrize(
    "body",
    [
        "The Geschäftsführer told me to write to you.",
        "Hallo,\n\nbitte ändern: unsere HRB-Nummer lautet HRB 12345, Amtsgericht Köln.",
        "Hallo,\n\ndie Firma ist HRB 12345, Amtsgericht Köln. Stimmt das so?",
        "Hallo,\n\nmeine IBAN ist DE00 1234, BIC ABCDEF, Steuernummer 12/345, Amtsgericht Köln.",
        "Hello,\n\nThe money did not reach the intended recipient.",
        "Hello,\n\nThe payment went to the intended recipient in error.",
        "Help!\n\nThere has been unauthorized use of my visa card, it is strictly prohibited.",
        "Hallo,\n\nIch habe die Mahnung irrtümlich erhalten, bitte vernichten Sie sie.",
        "Hello,\n\nI want to unsubscribe from this newsletter, I got it in error.",
        "Hello,\n\nThe computer was checked for viruses and is clean.",
        "Hallo,\n\nder Rechner wurde auf Viren geprüft, die App startet trotzdem nicht.",
        "Hello,\n\nIs the attached mail virus free?",
        "Hello,\n\nI have a virus, Avast says so in every e-mail it scanned.",
        "Hello,\n\nCan I book a meeting with you on https://example.com?",
        "Hello,\n\nFacebook does not show the page.",
        "Hello,\n\nmy logo is at https://example.com/logo.png",
        "Hello,\n\nThe mailing list does not accept the posting.",
        "Hello,\n\nPlease think of the printer before we order paper.",
        "If you are not the intended recipient, please delete this message.",
        "This e-mail is confidential.\n\nThe card does not work.",
    ],
)
def test_a_customer_who_writes_of_such_things_keeps_his_words(body: str) -> None:
    assert body_of(body) == body


@pytest.mark.parametrize(
    "body",
    [
        "Die Rechnung muss auf folgende Firma lauten:\n\nMuster GmbH\nGeschäftsführer: A. B.\nAmtsgericht Köln HRB 1",
        "We changed our bank:\n\nACME Ltd\nRegistered in England 01234567\nSort code 12-34-56\nAccount 12345678",
        "We have moved to this bank.\n\nACME Ltd\nRegistered in England, company number 1\nSort code 12-34-56",
        "Please replace the imprint by:\n\nACME Ltd\nRegistered office: London\nCompany number 01234567",
        "Facture à établir au nom de\n\nDupont SARL au capital de 10 000 €\nRCS Paris 123 456 789",
        "Facturar a\n\nGarcía S.L.\nCIF B12345678\nInscrita en el Registro Mercantil de Madrid",
        "Bitte Firmendaten ändern.\n\nMuster GmbH\nGeschäftsführer: A. B.\nAmtsgericht München HRB 1234",
        "Our new managing director is Mr Smith.\n\nMuster GmbH\nRegistered in England\nCompany number 12",
        "We need an NDA with these terms:\n\nThe recipient shall keep all information confidential. "
        "Unauthorised distribution is strictly prohibited. Any message and attachments must be deleted.",
        "Your last mail ended so:\n\nThis email is confidential and intended only for the addressee.",
        "Hallo\n\nTermin vereinbaren bitte",
        "Kann ich bitte einen\nTermin vereinbaren",
        "Hi\n\nBook a demo",
    ],
)  # fmt: skip
def test_what_a_sentence_announces_is_no_footer(body: str) -> None:
    assert body_of(body) == body


@pytest.mark.parametrize(
    "footer",
    [
        "Best regards\nJane Doe\nHead of IT\n\nExample Ltd\nRegistered in England, company number 123456",
        "Mit freundlichen Grüßen\nA. B.\n\nMuster GmbH\nGeschäftsführer: A. B.\nAmtsgericht Köln HRB 1",
    ],
)
def test_the_particulars_of_a_company_below_a_closing_go_though_the_mail_is_about_an_invoice(
    footer: str,
) -> None:
    assert body_of(f"Please send the invoice.\n\n{footer}") == "Please send the invoice."


@pytest.mark.parametrize(
    "notice",
    [
        "Confidentiality notice\n\nThis e-mail is confidential.\n\nDissemination is strictly prohibited.\n\nThank you",
        "Diese E-Mail ist vertraulich.\n\nThis e-mail is confidential.\n\nCe message est confidentiel.",
        "____________________\n\nLe informazioni contenute in questo messaggio sono riservate.\n\n"
        "Persone diverse dal destinatario non possono copiarlo.\n\nGrazie.\n\nAzienda - 00100 Roma\n____________",
        "*********************\nThis e-mail is confidential.\n*********************",
        "Beispiel GmbH\nGeschäftsführer: A. B.\n\nAmtsgericht Köln, HRB 1\nUSt-IdNr. DE1\n\n"
        "Diese E-Mail ist vertraulich.\n\nBitte denken Sie an die Umwelt, bevor Sie diese E-Mail ausdrucken.",
    ],
)  # fmt: skip
def test_a_notice_of_several_paragraphs_and_languages_goes_as_a_whole(notice: str) -> None:
    assert body_of(f"{OWN}\n\n{notice}") == OWN


def test_a_notice_below_the_last_line_leaves_the_line() -> None:
    assert body_of("The card is lost.\nThis e-mail is confidential.\n") == "The card is lost."
    assert body_of("I lost my card.\nThis e-mail is confidential.\n") == "I lost my card."
    assert body_of(f"{OWN}\n\nThe card is lost.\nThis e-mail is confidential.\n") == (
        f"{OWN}\n\nThe card is lost."
    )


@pytest.mark.parametrize(
    "banner",
    [
        "CAUTION: This email originated from outside of the organization.\nDo not click links.",
        "[EXTERNAL EMAIL]",
        "Achtung: Externe E-Mail!",
        "[CAUTION: This email originated from outside of the organization. Do not click\n"
        "links or open attachments unless you recognize the sender.]",
        "You don't often get email from jane@example.com. Learn why this is important",
        "Diese E-Mail stammt von außerhalb der Organisation. Klicken Sie nicht auf Links.",
        "Sie erhalten nicht häufig E-Mails von jane@example.com.",
        "Ce courriel provient de l'extérieur. Ne cliquez pas sur les liens.",
        "Este correo proviene de fuera de la organización. No haga clic en enlaces.",
        "Questa email proviene dall'esterno.",
        "Este e-mail foi enviado de fora da organização.",
        "Deze e-mail is afkomstig van buiten de organisatie.",
        "Denne mail kommer udefra.",
        "Ta wiadomość pochodzi spoza organizacji.",
        "****\nWARNING: External email\n****",
        "[EXTERN]\n\nVorsicht: Diese Nachricht wurde von einem externen Absender gesendet.",
    ],
)
@pytest.mark.parametrize("gap", ["\n\n", "\n"])
def test_a_gateways_banner_at_the_head_goes(banner: str, gap: str) -> None:
    assert body_of(f"{banner}{gap}{OWN}") == OWN


@pytest.mark.parametrize(
    "body",
    [
        "External email does not work since Monday.\n\nPlease help.",
        "I get the banner 'This is an external email' on all my mails.\n\nCan you turn it off?",
        "This email originated from outside, says your filter. Why?\n\nPlease help.",
        "Outside the office the card does not work.\n\nPlease help.",
        "[EXTERNAL EMAIL]",
    ],
)
def test_a_customer_who_writes_of_banners_keeps_his_words(body: str) -> None:
    assert body_of(body) == body
