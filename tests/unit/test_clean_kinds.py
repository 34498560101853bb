import pytest

from stream.clean.kinds.signs import subject_prefix
from tests.unit.clean_strategies import cleaned, raw_of


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ("Subject: Card", "message"),
        ("Subject: Re: Card", "reply"),
        ("Subject: Card\nIn-Reply-To: <a@b>", "reply"),
        ("Subject: Card\nReferences: <a@b>", "reply"),
        ("Subject: Fwd: Card\nReferences: <a@b>", "message"),
        ("Subject: Card\nAuto-Submitted: auto-replied", "auto_reply"),
        ("Subject: Card\nAuto-Submitted: no", "message"),
        ("Subject: Card\nX-Autoreply: yes", "auto_reply"),
        ("Subject: Card\nPrecedence: auto_reply", "auto_reply"),
        ("Subject: Card\nX-Auto-Response-Suppress: All\nIn-Reply-To: <a@b>", "auto_reply"),
        ("Subject: Card\nX-Auto-Response-Suppress: All", "message"),
        ("Subject: Automatische Antwort: Card", "auto_reply"),
        ("Subject: Out of Office AutoReply: Card", "auto_reply"),
        ("Subject: Out of office message cannot be set", "message"),
        ("Subject: Mail delivery failed when I write to you", "message"),
        ("Subject: Abwesenheit eintragen", "message"),
        ("Subject: Card\nList-Id: <x.example.com>", "bulk"),
        ("Subject: Card\nList-Unsubscribe: <mailto:x@example.com>", "bulk"),
        ("Subject: Card\nPrecedence: bulk", "bulk"),
        ("Subject: Card\nFrom: MAILER-DAEMON@example.com", "bounce"),
        ("Subject: Undelivered Mail Returned to Sender\nReturn-Path: <>", "bounce"),
        ("Subject: x\nContent-Type: multipart/report; report-type=delivery-status", "bounce"),
        (
            "Subject: x\nContent-Type: multipart/report; report-type=disposition-notification",
            "auto_reply",
        ),
    ],
)
def test_the_kind_follows_from_the_headers(headers: str, kind: str) -> None:
    assert raw_of(f"{headers}\n\nSome words.\n".encode()).kind == kind


def kind_of_raw(headers: str, body: str = "Some words.") -> str:
    return raw_of(f"{headers}\n\n{body}\n".encode()).kind


def kind_of_text(subject: str, body: str, **fields: str) -> str:
    return cleaned(subject=subject, body=body, **fields).kind


def test_the_kind_follows_from_the_records_fields() -> None:
    assert kind_of_text("x", "y", in_reply_to="<a@b>") == "reply"
    assert kind_of_text("x", "y", from_="MAILER-DAEMON@example.com") == "bounce"
    assert kind_of_text("x", "y") == "message"


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("auto-replied", "auto_reply"),
        ("Auto-Replied; type=vacation", "auto_reply"),
        ("auto-replied (vacation)", "auto_reply"),
        ("(by a rule) auto-replied", "auto_reply"),
        ("auto-generated (vacation)", "auto_reply"),
        ("auto-generated", "notification"),
        ('auto-notified; owner-email="jane@example.com"', "notification"),
        ("auto-something-new", "notification"),
        ("no", "message"),
        ("No (written by hand)", "message"),
    ],
)
def test_auto_submitted_says_answer_or_notice_with_parameters_and_comments(
    value: str, kind: str
) -> None:
    assert kind_of_raw(f"Subject: Card\nFrom: a@example.com\nAuto-Submitted: {value}") == kind


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ("From: a@shop.com\nReply-To: jane@example.org", "message"),
        ("From: jane@example.org\nSender: forms@shop.com", "message"),
        ("From: a@shop.com\nReply-To: help@mail.shop.com", "notification"),
        ("From: a@shop.com\nReply-To: no-reply@relay.example.org", "notification"),
        ("From: a@shop.co.uk\nReply-To: jane@other.co.uk", "message"),
    ],
)
def test_a_form_that_answers_to_the_customer_carries_the_customers_words(
    headers: str, kind: str
) -> None:
    assert kind_of_raw(f"Subject: Contact\n{headers}\nAuto-Submitted: auto-generated") == kind


def test_a_filled_in_form_is_a_message_whatever_its_headers_say() -> None:
    form = "Name: Jane Doe\nE-Mail: jane@example.org\nNachricht: Meine Karte fehlt."
    headers = "Subject: Kontakt\nFrom: noreply@shop.com\nAuto-Submitted: auto-generated"
    assert kind_of_raw(headers, form) == "message"
    assert kind_of_text("Kontakt", f"Ihre Anfrage:\n{form}", from_="noreply@shop.com") == "message"


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ("Subject: [x/y] Crash (#7)\nX-GitHub-Reason: mention\nIn-Reply-To: <a@b>", "notification"),
        ("Subject: (X-1) Crash\nX-JIRA-FingerPrint: 1\nPrecedence: bulk", "notification"),
        ("Subject: Crash\nX-GitLab-Project: y", "notification"),
        ("Subject: Backup\nX-Cron-Env: <SHELL=/bin/sh>", "notification"),
        ("Subject: Disk\nX-Mailer: Zabbix 6", "notification"),
        ("Subject: ** PROBLEM Service Alert: host/disk is CRITICAL **", "notification"),
        ("Subject: [FIRING:1] Latency", "notification"),
        ("Subject: Cron <root@host> backup", "notification"),
        ("Subject: x\nContent-Type: multipart/report; report-type=feedback-report", "notification"),
        ("Subject: Problem: my card", "message"),
        ("Subject: Resolved: thank you", "message"),
        ("Subject: Card\nX-Zendesk-From-Account-Id: 1", "message"),
        ("Subject: Card\nFeedback-ID: 1:2:3:AmazonSES", "message"),
        ("Subject: Card\nX-Mailer: Outlook", "message"),
    ],
)
def test_trackers_and_monitors_notify_and_senders_for_hire_carry_people(
    headers: str, kind: str
) -> None:
    assert kind_of_raw(f"From: a@example.com\n{headers}") == kind


@pytest.mark.parametrize(
    ("sender", "body", "kind"),
    [
        ("no-reply@shop.com", "Your order has been shipped.", "notification"),
        ("Shop <do_not_reply@shop.com>", "Your ticket 17 was created.", "notification"),
        ("noreply@shop.de", "Ihre Bestellung ist unterwegs.", "notification"),
        ("noreply@shop.fr", "Votre commande est en route.", "notification"),
        ("noreply@shop.es", "Su pedido ha sido enviado.", "notification"),
        ("alerts@shop.com", "This is an automatic alert: disk full.", "notification"),
        ("noreply@shop.com", "Where is my parcel? I ordered it a week ago.", "message"),
        ("noreply@shop.com", "The card does not work.", "message"),
        ("noreply@shop.com", "My card is not in your account.", "message"),
        ("jane@example.org", "Your order has been shipped, said the page.", "message"),
        ("noreen.plya@example.org", "Your order has been shipped.", "message"),
    ],
)
def test_a_sender_that_takes_no_answer_notifies_if_its_words_are_a_systems(
    sender: str, body: str, kind: str
) -> None:
    assert kind_of_text("Notice", body, from_=sender) == kind


@pytest.mark.parametrize(
    "body",
    [
        "Ticket 17 was created.\n\nThis is an automatically generated e-mail, please do not reply.",
        "Ticket 17 wurde angelegt.\n\nDiese E-Mail wurde automatisch erstellt.",
        "Ticket 17.\n\nCeci est un message automatique, merci de ne pas y répondre.",
        "Ticket 17.\n\nEste es un mensaje automático, no responda.",
        "Ticket 17.\n\nQuesto è un messaggio automatico.",
        "Ticket 17.\n\nEsta é uma mensagem automática.",
        "Ticket 17.\n\nDit is een automatisch gegenereerd bericht.",
        "Ticket 17.\n\nDetta är ett automatiskt meddelande.",
        "Ticket 17.\n\nDette er en automatisk besked.",
        "Ticket 17.\n\nTo jest automatyczna wiadomość.",
    ],
)
def test_a_system_that_says_so_in_ten_languages_notifies_without_headers(body: str) -> None:
    assert kind_of_text("Ticket 17", body) == "notification"


@pytest.mark.parametrize(
    "body",
    [
        "I got this: This is an automatically generated e-mail. What does it mean?",
        "Your page says: this is an automated message. My card still does not work.",
        "Ich habe schon geschrieben.\nDiese E-Mail wurde automatisch erstellt, stand da.",
        "Please do not reply to this email, call 030 1234567.",
        "The payment is automatic and was sent twice.",
        "Please find attached invoice 123.\n\nThis is an automatically generated message from our ERP "
        "system. Contact us with questions.",
        "Purchase order 4711: 100 bolts M8.\n\nThis is an automatically generated message.",
        "Please ship 100 bolts.\n\nThis is an automatically generated message.",
        "Vertrag 123 gekündigt zum 1.5.\n\nDiese E-Mail wurde automatisch erstellt.",
        "Hi\n\nOn Mon, Nov 3, 2025 at 10:00 A B <a@b.com> wrote:\n> This is an automated message",
    ],
)
def test_a_customer_who_speaks_of_an_automatic_mail_is_no_notification(body: str) -> None:
    assert kind_of_text("Card", body) in ("message", "reply")


@pytest.mark.parametrize(
    "subject",
    [
        "Automatic reply: Card",
        "[Auto-Reply] Card",
        "Abwesenheitsnotiz: Karte",
        "Réponse automatique : Carte",
        "Respuesta automática: Tarjeta",
        "Risposta automatica: Carta",
        "Resposta automática: Cartão",
        "Automatisch antwoord: Kaart",
        "Automatiskt svar: Kort",
        "Automatisk svar: Kort",
        "Automaattinen vastaus: Kortti",
        "Automatyczna odpowiedź: Karta",
        "Automatická odpověď: Karta",
        "Автоматический ответ: Карта",
        "自動応答: カード",
    ],
)
def test_an_answering_machines_subject_is_known_in_many_languages(subject: str) -> None:
    assert kind_of_text(subject, "Hello") == "auto_reply"
    assert kind_of_text(f"Re: {subject}", "Hello") == "reply"


@pytest.mark.parametrize(
    "body",
    [
        "Thank you for your email.\n\nI am out of the office until Monday. For urgent matters write to b@e.com.",
        "Hi, I'm currently on annual leave with limited access to my e-mail.",
        "Vielen Dank für Ihre Nachricht. Ich bin bis zum 12.3. nicht im Büro.",
        "Ich bin vom 1. bis 5. Mai im Urlaub. In dringenden Fällen wenden Sie sich an Frau B.",
        "Bonjour, je suis absente du bureau jusqu'à lundi. En cas d'urgence, contactez B.",
        "Hola, estoy fuera de la oficina hasta el lunes. Para asuntos urgentes llame a B.",
        "Sono fuori ufficio fino a lunedì. Per urgenze scrivere a B.",
        "Estou de férias até segunda. Em caso de urgência, contacte B.",
        "Ik ben op vakantie tot maandag. Bij dringende zaken: B.",
        "Hej! Jag är på semester till måndag. Vid brådskande ärenden: B.",
        "Tak for din mail. Jeg er på ferie og er tilbage mandag.",
        "Olen lomalla. Palaan maanantaina. Kiireellisissä asioissa: B.",
        "Jestem na urlopie. W pilnych sprawach proszę pisać do B.",
        "Jsem mimo kancelář, zpět v pondělí. V naléhavých případech: B.",
        "Я в отпуске, вернусь в понедельник. По срочным вопросам: B.",
        "我正在休假，我会尽快回复您。",
        "This is an automated response. We have received your request.",
        "Dies ist eine automatische Antwort.",
    ],
)
def test_an_answering_machines_words_are_known_without_headers(body: str) -> None:
    assert kind_of_text("Card", body) == "auto_reply"


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("Card", "I am out of the office until Monday and my card does not work."),
        ("Card", "I am on vacation in Spain. My card was swallowed, it is urgent! Can you help?"),
        (
            "Karte",
            "Ich bin derzeit an einem Projekt beteiligt. Dringend: mein Büro braucht Zugang.",
        ),
        ("Karte", "Ich bin im Urlaub und meine Karte ist weg."),
        ("Carte", "Je suis en vacances, ma carte est perdue."),
        ("Out of office", "How can I set it? Please help."),
        ("Out of office cannot be set", "Please help."),
        ("Read: this please", "My card was stolen."),
        ("Gelesen: und nun", "Meine Karte fehlt."),
    ],
)
def test_a_customer_who_is_away_or_writes_of_it_is_a_person(subject: str, body: str) -> None:
    assert kind_of_text(subject, body) == "message"


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        (
            "Return",
            "I am on holiday until 5 June. As soon as I am back I will send you the device. "
            "Please extend the deadline, it is urgent.",
        ),
        ("Widerspruch", "Ich bin im Urlaub und nicht erreichbar, dringend bitte zurückstellen!"),
        ("Ferie", "Sono in ferie fino a lunedì. Al mio ritorno spedirò il reso. È urgente."),
        (
            "Return",
            "Thank you for your email. I am on holiday until Monday. Please extend the date.",
        ),
        (
            "Card",
            "I am on vacation and have no access to my account. Please call me, it is urgent.",
        ),
        ("Termin", "Vielen Dank für Ihre E-Mail. Ich bin im Urlaub und sage den Termin ab."),
        ("Colis", "Merci pour votre message. Je suis en vacances, gardez mon colis."),
        ("Urlaub", "Ich bin im Urlaub und am Montag wieder da."),
        ("Abwesenheit", "Wegen meiner Abwesenheit konnte ich das Paket nicht annehmen."),
        ("Abwesenheit", "Ich bin ab Montag im Urlaub. Bitte das Paket später zustellen."),
        ("absence", "Mon fils est absent demain."),
        ("Out of Office", "It stays on after the holidays."),
        (
            "Automatic reply",
            "Your automatic reply said you would answer in 24 hours. It is 3 days now.",
        ),
        ("Automatic reply: Card", "Your automatic reply said 24 hours."),
        ("Automatic reply - still waiting", "I have had no answer since Monday."),
        ("Automatische Antwort", "Auf Ihre automatische Antwort hin möchte ich nachfragen."),
        ("Card", "This is an automated response I keep getting. Can you help me?"),
    ],
)
def test_away_and_automatic_are_words_of_customers_too(subject: str, body: str) -> None:
    assert kind_of_text(subject, body) == "message"


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("Out of Office", ""),
        ("Out of office: back on Monday", "I am out of the office until Monday."),
        (
            "Abwesenheit",
            "Vielen Dank für Ihre Nachricht. Ich bin ab dem 6. Juni wieder erreichbar.",
        ),
        ("absence", "Je suis absent jusqu'à lundi."),
        ("Automatic reply", "We have received your request and will respond within 24 hours."),
        ("Automatische Antwort", "Dies ist eine automatische Antwort. Wir melden uns."),
        ("Re: Card", "Thank you for your email. I am on annual leave and will return on 5 June."),
        (
            "AW: Karte",
            "Ich bin bis Freitag nicht im Büro. Bitte wenden Sie sich an Herrn Meier. "
            "Ihre E-Mail wird nicht weitergeleitet.",
        ),
        (
            "Card",
            "I am out of the office. Please note that I have limited access to email. "
            "Please contact b@example.com in urgent cases.",
        ),
    ],
)
def test_an_answering_machine_says_what_happens_to_the_mail(subject: str, body: str) -> None:
    assert kind_of_text(subject, body) == "auto_reply"


def test_a_web_forms_header_does_not_make_a_request_from_a_holiday_automatic() -> None:
    headers = "Subject: Card\nFrom: a@example.com\nX-Auto-Response-Suppress: All"
    body = "I am on holiday until Monday. Please keep my parcel."
    assert kind_of_raw(headers, body) == "message"
    assert kind_of_raw(f"{headers}\nAuto-Submitted: auto-generated", body) == "auto_reply"


def test_a_machines_header_makes_few_words_of_absence_enough() -> None:
    body = "I am out of the office until Monday."
    assert kind_of_text("Card", body) == "message"
    for header in (
        "X-Auto-Response-Suppress: All",
        "Return-Path: <>",
        "X-MS-Exchange-Inbox-Rules-Loop: a@example.com",
        "Auto-Submitted: auto-generated",
    ):
        assert kind_of_raw(f"Subject: Card\nFrom: a@example.com\n{header}", body) == "auto_reply"
        assert kind_of_raw(f"Subject: Fwd: Card\nFrom: a@e.com\n{header}", body) == "message"


def test_a_rule_that_sends_a_persons_answer_on_does_not_make_it_automatic() -> None:
    headers = "Subject: Re: Card\nIn-Reply-To: <a@b>\nX-Auto-Response-Suppress: All"
    assert kind_of_raw(f"{headers}\nX-MS-Exchange-Inbox-Rules-Loop: a@example.com") == "reply"


@pytest.mark.parametrize(
    ("subject", "body", "kind"),
    [
        (
            "Mail delivery failed: returning message to sender",
            "A message that you sent to b@example.com failed.",
            "bounce",
        ),
        ("Undeliverable: Card", "Your message couldn't be delivered to b@example.com.", "bounce"),
        ("Delivery failure", "550 5.1.1 user unknown", "bounce"),
        ("Delivery failure", "My parcel did not come.", "message"),
        ("Unzustellbare Sendung", "Mein Paket kam zurück.", "message"),
        (
            "Zustellung fehlgeschlagen",
            "Mein Paket konnte nicht zugestellt werden an b@e.de",
            "message",
        ),
        ("Zustellung fehlgeschlagen", "Konnte nicht zugestellt werden, Wert 550 Euro", "message"),
        (
            "Zustellung fehlgeschlagen",
            "Ihre Nachricht konnte nicht zugestellt werden: b@e.de",
            "bounce",
        ),
        ("Delivery failure", "My parcel could not be delivered to my house. Why?", "message"),
        (
            "Delivery has failed",
            "The following recipient is right: b@e.com. The parcel 1 failed.",
            "message",
        ),
        ("Failure notice", "Got a failure notice from your website when paying.", "message"),
        ("Mail delivery failed", "I get: 550 5.1.1 user unknown when writing to you", "message"),
        ("Mail delivery failed", "Why 550 5.1.1 user unknown?", "message"),
        ("Undelivered: parcel 123", "Nobody came.", "message"),
        ("Undelivered: parcel 123", "Nobody came. Write to b@example.com please.", "message"),
        (
            "Failure notice",
            "I'm afraid I wasn't able to deliver your message to <b@e.com>.",
            "bounce",
        ),
        ("Undelivered Mail Returned to Sender", "", "bounce"),
        (
            "Undelivered Mail Returned to Sender",
            "This is the mail system at host https://e.com/?u=mx.\n\nI'm sorry to have to inform you that it failed.",
            "bounce",
        ),
        (
            "Undelivered Mail Returned to Sender",
            "This is the mail system at host mx. Why?",
            "message",
        ),
        ("Undelivered Mail Returned to Sender", "I get these since Monday.", "message"),
        ("Fwd: Undelivered Mail Returned to Sender", "550 5.1.1 user unknown", "message"),
    ],
)
def test_a_bounce_speaks_of_a_mail(subject: str, body: str, kind: str) -> None:
    assert kind_of_text(subject, body) == kind


def test_a_word_cut_through_at_the_end_of_what_is_looked_at_does_not_speak() -> None:
    said = "This is the mail system at host mx. Your message failed and is kept for you to see. "
    body = f"{said}{'x' * (398 - len(said))} it is attached below."
    assert kind_of_text("Undelivered Mail Returned to Sender", body) == "bounce"


def test_a_postmaster_is_also_a_person() -> None:
    assert kind_of_text("Card", "My card is lost.", from_="postmaster@example.com") == "message"
    assert kind_of_raw("Subject: Card\nFrom: postmaster@e.com\nReturn-Path: <>") == "bounce"


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ("List-Id: <x.e.com>", "bulk"),
        ("List-Id: <x.e.com>\nList-Post: <mailto:x@e.com>", "bulk"),
        ("List-Id: <x.e.com>\nList-Post: <mailto:x@e.com>\nReferences: <a@b>", "reply"),
        (
            "List-Id: <x.e.com>\nPrecedence: list\nList-Unsubscribe: <y>\nIn-Reply-To: <a@b>",
            "reply",
        ),
        ("List-Id: <x.e.com>\nList-Unsubscribe: <y>\nIn-Reply-To: <a@b>", "bulk"),
        ("List-Unsubscribe: <y>\nIn-Reply-To: <a@b>", "bulk"),
        ("Precedence: bulk\nIn-Reply-To: <a@b>", "bulk"),
        ("Precedence: junk", "bulk"),
        ("Precedence: first-class", "message"),
    ],
)
def test_people_answer_each_other_on_discussion_lists(headers: str, kind: str) -> None:
    assert kind_of_raw(f"Subject: Card\nFrom: a@example.com\n{headers}") == kind


def test_an_answer_with_a_firms_link_to_unsubscribe_is_a_persons() -> None:
    headers = "Subject: Re: Sale\nFrom: a@example.com\nList-Unsubscribe: <https://x>"
    assert kind_of_raw(f"{headers}\nIn-Reply-To: <a@b>") == "reply"
    assert kind_of_raw(headers) == "bulk"
    assert kind_of_raw(f"{headers}\nIn-Reply-To: <a@b>\nPrecedence: bulk") == "bulk"


NEWS = "Our offers of the week are waiting for everybody, and shipping is free until Sunday. " * 3


@pytest.mark.parametrize(
    "end",
    [
        "Unsubscribe | Preferences",
        "You are receiving this because you signed up. Click here to unsubscribe.",
        "Newsletter abmelden",
        "Sie erhalten diese E-Mail als Kunde. Hier können Sie sich abmelden.",
        "Se désabonner",
        "Si vous ne souhaitez plus nous lire : désinscription",
        "Darse de baja",
        "Disiscriviti",
        "Cancelar inscrição",
        "Afmelden",
        "Avregistrera",
        "Wypisz się",
    ],
)
def test_a_newsletter_without_headers_is_known_by_its_end(end: str) -> None:
    assert kind_of_text("Offers", f"{NEWS}\n\n{end} https://news.example.com/u?id=7") == "bulk"


@pytest.mark.parametrize(
    "body",
    [
        "How do I unsubscribe?",
        f"{NEWS}\n\nHow do I unsubscribe from that? You are receiving this from Jane.",
        f"{NEWS}\n\nI received this email and want to unsubscribe.",
        f"{NEWS}\n\nBitte den Newsletter abmelden, er kommt zweimal am Tag.",
        f"{NEWS}\n\nThis is what I want to leave:\nUnsubscribe",
        f"{NEWS}\n\nAbmelden",
        f"Bitte nehmen Sie anna@example.de aus dem Verteiler. {NEWS}\n\nAbmelden: https://e.com",
        "Unsubscribe",
    ],
)
def test_a_customer_who_wants_to_leave_a_list_is_no_newsletter(body: str) -> None:
    assert kind_of_text("Newsletter", body) == "message"


def test_a_row_of_links_or_a_reason_ends_a_newsletter_and_the_subject_of_a_request_does_not() -> (
    None
):
    row = f"{NEWS}\n\nAbmelden | Impressum"
    reason = (
        f"{NEWS}\n\nSie erhalten diese E-Mail, weil Sie sich für unseren Newsletter angemeldet haben. "
        "Hier abmelden: https://shop.example.com/abmelden"
    )
    for body in (row, reason):
        assert kind_of_text("Angebote", body) == "bulk"
        assert kind_of_text("Newsletter abbestellen", body) == "message"


def calendar(method: str, words: str) -> str:
    return (
        'Subject: Meeting\nFrom: a@example.com\nContent-Type: multipart/alternative; boundary="b"\n\n'
        f"--b\nContent-Type: text/plain\n\n{words}\n--b\nContent-Type: text/calendar; method={method}\n\n"
        "BEGIN:VCALENDAR\nEND:VCALENDAR\n--b--\n"
    )


def test_a_calendars_answer_is_a_notification_and_a_persons_invitation_is_not() -> None:
    assert raw_of(calendar("REPLY", "").encode()).kind == "notification"
    assert raw_of(calendar("REPLY", "Bob has accepted this invitation.").encode()).kind == (
        "notification"
    )
    assert raw_of(calendar("REPLY", "Sorry, my card is lost.").encode()).kind == "message"
    assert raw_of(calendar("REQUEST", "Shall we talk about my card?").encode()).kind == "message"
    assert kind_of_text("Zugesagt: Treffen", "") == "message"
    assert kind_of_text("Zugesagt: Treffen", "Wann: Montag, Microsoft Teams") == "notification"
    assert (
        kind_of_raw("Subject: Accepted: x\nContent-Class: urn:content-classes:calendarmessage", "")
        == "notification"
    )
    assert kind_of_text("Accepted: offer", "") == "message"
    assert kind_of_text("Accepted: your offer", "I take it, where do I pay?") == "message"


@pytest.mark.parametrize(
    ("subject", "prefix"),
    [
        ("RE: x", "reply"),
        ("AW: x", "reply"),
        ("Antw.: x", "reply"),
        ("SV: x", "reply"),
        ("Odp: x", "reply"),
        ("Re[2]: x", "reply"),
        ("RE : x", "reply"),
        ("[Ticket 17] Re: x", "reply"),
        ("AW: WG: x", "reply"),
        ("WG: AW: x", "forward"),
        ("[Fwd: x]", "forward"),
        ("Fwd: x", "forward"),
        ("TR : x", "forward"),
        ("Reset: x", None),
        ("Ref: 123", None),
        ("Where is my card: urgent", None),
        ("", None),
        ("[" * 5_000, None),
        ("[[Ticket]] " * 300, None),
    ],
)
def test_subject_prefixes_in_many_languages(subject: str, prefix: str | None) -> None:
    assert subject_prefix(subject) == prefix
