"""The words by which mail programs mark history, by language: header lines, attribution lines, separators, subjects.

Tables only, in folded case (`str.casefold`). Languages: en de fr es it pt nl sv da nb fi pl cs hu ru uk ja zh.
"""

from typing import Literal

from stream.clean.lines import listed

HeaderKind = Literal["from", "date", "sent", "to", "subject", "other"]

_HEADER_WORDS: dict[HeaderKind, str] = {
    "from": (
        "from|von|de|da|di|van|från|fra|od|lähettäjä|feladó|от|від|от кого|差出人|发件人|寄件者"
    ),
    "date": ("date|datum|fecha|data|dato|päiväys|dátum|message du|дата|日付|日期"),
    "sent": (
        "sent|sent on|gesendet|gesendet am|envoyé|envoyé le|date d'envoi|enviado"
        "|enviado el|enviado em|enviada em|inviato|inviato il|data invio|verzonden"
        "|verzonden op|skickat|sendt|sänt|lähetetty|wysłano|wysłane|odesláno|elküldve"
        "|отправлено|надіслано|送信日時|发送时间"
    ),
    "to": ("to|an|à|a|para|per|naar|aan|till|til|do|komu|címzett|vastaanottaja|кому|宛先|收件人"),
    "subject": (
        "subject|betreff|objet|asunto|oggetto|assunto|onderwerp|betreft|ämne|emne|temat"
        "|aihe|předmět|tárgy|тема|件名|主题|主旨"
    ),
    "other": (
        "cc|cci|ccn|bcc|kopie|kopia|kopi|copie|copie à|copia|reply-to|reply to|antwort an"
        "|répondre à|responder a|risposta|importance|priority|wichtigkeit|priorität"
        "|importancia|attachments|anlagen|organization|dw|udw|kópia|копия|копія"
    ),
}
HEADER_WORDS: dict[str, HeaderKind] = {
    word: kind for kind, words in _HEADER_WORDS.items() for word in words.split("|")
}
MAX_HEADER_WORD_CHARS = max(map(len, HEADER_WORDS))

WROTE = listed(
    "wrote|writes|sent|said|schrieb|geschrieben|a écrit|écrit|a wrote|écrivait|escribió"
    "|escribió lo siguiente|escribio|ha escrito|ha scritto|scrisse|ha scritto il giorno"
    "|escreveu|schreef|geschreven|skrev|följande|kirjoitti|napisał|napisała|napisał(a)"
    "|pisze|napsal|napsal(a)|napsala|írta|написал|написала|написав|написала|пишет|пише"
    "|写道|写到|のメール|さんは書きました|wrote on|het volgende geschreven"
)
WROTE_WORDS = frozenset(word.split(" ")[-1] for word in WROTE)

FIRST_PERSON = frozenset(
    listed("i|we|ich|wir|je|j|nous|yo|nosotros|io|noi|eu|nós|ik|wij|jag|vi|jeg")
)

# How an attribution line begins, before the date or the name.
INTRODUCTIONS = listed(
    "on |am |at |le |el |il |il giorno |em |op |den |på |dnia |w dniu |dne |on the "
    "|ons |tis |tors |fre |lör |sön |mån |pon|wt|śr|czw|pt|sob|niedz|mon|tue|wed|thu"
    "|fri|sat|sun|mo|di|mi|do|fr|sa|so|lun|mar|mer|jeu|ven|sam|dim|mié|jue|vie|sáb|dom"
    "|seg|ter|qua|qui|sex|ma |ti |ke |to |pe |la |su |пн|вт|ср|чт|пт|сб|вс|в |在 |在"
)

ORIGINAL_MESSAGE = frozenset(
    listed(
        "original message|original email|original appointment|reply message"
        "|ursprüngliche nachricht|ursprüngliche mail|ursprüngliche e-mail|originalnachricht"
        "|original-nachricht|message d'origine|message original|message initial"
        "|mensaje original|mensaje origina|messaggio originale|mensagem original"
        "|oorspronkelijk bericht|originele bericht|origineel bericht|originalmeddelande"
        "|ursprungligt meddelande|oprindelig meddelelse|oprindelig besked"
        "|original meddelelse|opprinnelig melding|alkuperäinen viesti|wiadomość oryginalna"
        "|oryginalna wiadomość|wiadomość pierwotna|původní zpráva|eredeti üzenet"
        "|исходное сообщение|оригинальное сообщение|вихідне повідомлення|元のメッセージ|原始邮件"
    )
)
FORWARDED_MESSAGE = frozenset(
    listed(
        "forwarded message|begin forwarded message|start of forwarded message"
        "|weitergeleitete nachricht|weitergeleitete e-mail"
        "|anfang der weitergeleiteten nachricht|anfang der weitergeleiteten e-mail"
        "|message transféré|message réexpédié|début du message transféré"
        "|début du message réexpédié|mensaje reenviado|inicio del mensaje reenviado"
        "|messaggio inoltrato|inizio messaggio inoltrato|mensagem encaminhada"
        "|mensagem reencaminhada|início da mensagem encaminhada|doorgestuurd bericht"
        "|begin doorgestuurd bericht|vidarebefordrat meddelande|vidarebefordrat brev"
        "|videresendt meddelelse|videresendt besked|videresendt melding|välitetty viesti"
        "|przekazana wiadomość|wiadomość przekazana|přeposlaná zpráva|továbbított üzenet"
        "|пересылаемое сообщение|пересланное сообщение|переслане повідомлення|転送メッセージ|转发的邮件"
    )
)
REPLY_ABOVE = (
    "reply above this line",
    "type your reply above",
    "write your reply above",
    "bitte antworten sie oberhalb dieser",
    "antworten sie oberhalb dieser",
    "répondez au-dessus de cette ligne",
    "répondre au-dessus de cette ligne",
    "responda por encima de esta",
    "responda encima de esta",
    "rispondi sopra questa",
    "responda acima desta",
    "antwoord boven deze",
    "svara ovanför denna",
    "svar over denne linje",
    "odpowiedz powyżej tej",
)

REPLY_PREFIXES = frozenset(
    listed(
        "re|aw|antw|antwort|sv|vs|odp|res|rép|rif|r|ref|rv-re|bls|vá|відп|ответ|atb|ynt|回复"
        "|回覆|答复"
    )
)
FORWARD_PREFIXES = frozenset(
    listed(
        "fwd|fw|wg|tr|rv|i|enc|doorst|vb|vl|vb|pd|fs|вп|переслать|пересл|转发|轉寄|weitergeleitet"
    )
)
