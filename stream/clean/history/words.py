"""The words by which mail programs mark history, by language: header lines, attribution lines, separators, subjects.

Tables only, in folded case (`str.casefold`). Languages: en de fr es it pt nl sv da nb fi pl cs sk hr hu ro tr el
ru uk ja zh ko vi.
"""

from typing import Literal

from stream.clean.lines import listed

HeaderKind = Literal["from", "date", "sent", "to", "subject", "other"]

_HEADER_WORDS: dict[HeaderKind, str] = {
    "from": (
        "from|von|de|da|di|van|från|fra|od|lähettäjä|feladó|от|від|от кого|差出人|发件人|寄件者"
        "|de la|odesílatel|kimden|gönderen|από|보낸 사람|từ|šalje|šalje se"
    ),
    "date": (
        "date|datum|fecha|data|dato|päiväys|dátum|message du|дата|日付|日期"
        "|dátum|tarih|ημερομηνία|날짜|보낸 날짜|ngày|päivämäärä|dňa"
    ),
    "sent": (
        "sent|sent on|gesendet|gesendet am|envoyé|envoyé le|date d'envoi|enviado"
        "|enviado el|enviado em|enviada em|inviato|inviato il|data invio|verzonden"
        "|verzonden op|skickat|sendt|sänt|lähetetty|wysłano|wysłane|odesláno|elküldve"
        "|отправлено|надіслано|送信日時|发送时间|trimis|gönderildi|gönderilme"
        "|gönderilme tarihi|gönderme tarihi|στάλθηκε"
        "|đã gửi|poslano|poslané|odoslané|odesláno dne|elküldve ekkor"
    ),
    "to": (
        "to|an|à|a|para|per|naar|aan|till|til|do|komu|címzett|vastaanottaja|кому|宛先|收件人"
        "|către|kime|alıcı|προς|받는 사람|đến|prima|za"
    ),
    "subject": (
        "subject|betreff|objet|asunto|oggetto|assunto|onderwerp|betreft|ämne|emne|temat"
        "|aihe|předmět|tárgy|тема|件名|主题|主旨|predmet|subiect|konu|θέμα|제목|chủ đề"
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
    "|escreveu|escrit|schreef|geschreven|skrev|följande|kirjoitti|napisał|napisała|napisał(a)"
    "|pisze|napsal|napsal(a)|napsala|írta|написал|написала|написав|написала|пишет|пише"
    "|写道|写到|のメール|さんは書きました|het volgende geschreven|написал(а)|a scris"
    "|yazdı|đã viết|έγραψε|작성|napísal|napísala|napisao|napisala|je napisao"
)
WROTE_WORDS = frozenset(word.split(" ")[-1] for word in WROTE)

# Whoever speaks of himself quotes nobody.
FIRST_PERSON = frozenset(
    listed(
        "i|we|ich|wir|je|j|nous|yo|nosotros|io|noi|eu|nós|ik|wij|jag|vi|jeg|my|our|mein|meine|meinem"
        "|meinen|meiner|unser|habe|mes|notre|mio|mia|ho|meu|minha|mijn|heb|mitt|moja|moje|me|us|mir|uns|who|your"
        "|ihr|ihre|ihrer|ihrem|votre|vos"
    )
)

# How an attribution line begins, before the date or the name.
INTRODUCTIONS = listed(
    "on |am |at |le |el |il |il giorno |em |op |den |på |dnia |w dniu |dne |on the "
    "|ons |tis |tors |fre |lör |sön |mån |pon|wt|śr|czw|pt|sob|niedz|mon|tue|wed|thu"
    "|fri|sat|sun|mo|di|mi|do|fr|sa|so|lun|mar|mer|jeu|ven|sam|dim|mié|jue|vie|sáb|dom"
    "|seg|ter|qua|qui|sex|în |à|às |vào |στις |u |ma |ti |ke |to |pe |la |su |пн|вт|ср|чт|пт|сб|вс|в |在 |在"
)

ORIGINAL_MESSAGE = frozenset(
    listed(
        "original message|original email|original appointment|reply message|replied message|回复的原邮件"
        "|ursprüngliche nachricht|ursprüngliche mail|ursprüngliche e-mail|originalnachricht"
        "|original-nachricht|message d'origine|message original|message initial"
        "|mensaje original|mensaje origina|messaggio originale|mensagem original"
        "|oorspronkelijk bericht|originele bericht|origineel bericht|originalmeddelande"
        "|ursprungligt meddelande|oprindelig meddelelse|oprindelig besked"
        "|original meddelelse|opprinnelig melding|alkuperäinen viesti|wiadomość oryginalna"
        "|oryginalna wiadomość|wiadomość pierwotna|původní zpráva|eredeti üzenet"
        "|исходное сообщение|оригинальное сообщение|вихідне повідомлення|元のメッセージ|原始邮件"
        "|özgün i\u0307leti|orijinal mesaj|mesaj original|mesajul original|αρχικό μήνυμα|원본 메시지"
        "|pôvodná správa|izvorna poruka|originalna poruka|thư gốc"
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
        "|переслане сообщение|início da mensagem reencaminhada|starten på den videresendte besked"
        "|start på videresendt melding|begynnelsen på den videresendte meldingen"
        "|wiadomość przekazana dalej|początek wiadomości przekazanej dalej"
        "|treść przekazanej wiadomości|välitetty viesti alkaa|začátek přeposílané zprávy"
        "|preposlaná správa|proslijeđena poruka|mesaj redirecționat|iletilen mesaj"
        "|προωθημένο μήνυμα|전달된 메시지|vidarebefordrat mejl|début du message transféré"
        "|mensagem reencaminhada|inicio del mensaje reenviado"
    )
)
# One of these in a short line: a ticket system's request to write above it.
REPLY_ABOVE = listed(
    "reply above this line|reply above the line|reply above this message|your reply above"
    "|write above this line|remove or edit below this line"
    "|antwort oberhalb dieser|antworten sie oberhalb|antwort über dieser|oberhalb dieser linie"
    "|oberhalb dieser zeile|au-dessus de cette ligne|por encima de esta|encima de esta línea"
    "|sopra questa riga|sopra questa linea|acima desta linha|boven deze lijn|boven deze regel"
    "|ovanför denna|ovanför den här|over denne linje|over denne linjen|powyżej tej linii"
    "|powyżej tego wiersza"
)
# What all of those have one of: looked for in the whole mail, before its lines are asked one by one.
REPLY_ABOVE_STEMS = listed(
    "bove th|BOVE TH|below this line|eply above|oberhalb|über dieser|au-dessus|encima de|sopra quest"
    "|acima dest|boven de|ovanför|over denne|powyżej te"
)

REPLY_PREFIXES = frozenset(
    listed(
        "re|aw|antw|antwort|sv|vs|odp|res|rép|rif|r|rv-re|bls|vá|відп|ответ|atb|ynt|回复|回覆|答复"
    )
)
FORWARD_PREFIXES = frozenset(
    listed(
        "fwd|fw|wg|tr|rv|i|enc|doorst|vb|vl|vb|pd|fs|вп|переслать|пересл|转发|轉寄|weitergeleitet"
    )
)
