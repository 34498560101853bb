"""The phrases by which `kinds` knows what no person wrote: bounces, automatic answers, notifications.

Tables only, in folded case (`str.casefold`). Languages: en de fr es it pt nl sv da nb fi pl cs hu ru tr ja zh.
"""

from stream.clean.lines import listed

BOUNCERS = ("mailer-daemon", "mail-daemon@", "mailerdaemon@")
# Only mail systems write these.
BOUNCE_SUBJECTS = listed(
    "undelivered mail returned to sender|delivery status notification|mail system error - returned mail"
    "|mail delivery failed: returning message to sender|returned mail:|undeliverable:|undeliverable mail|undelivered:"
    "|failure notice|warning: message still undelivered|unzustellbar:|non remis :|non remis:"
    "|no se puede entregar:|non recapitabile:|onbestelbaar:|não entregável:|nie można dostarczyć:"
    "|kan inte levereras:|ikke leveret:|kunne ikke leveres:|nedoručitelné:|недоставленное:|недоставлено:"
    "|配信不能:|未送達:|无法投递:"
)
# A customer whose parcel did not come writes these too: the text must speak of a mail.
WEAK_BOUNCE_SUBJECTS = listed(
    "mail delivery failed|mail delivery failure|delivery failure|message not delivered|delivery has failed"
    "|mail delivery system|unzustellbare|nachricht nicht zustellbar|zustellung fehlgeschlagen|échec de la remise"
    "|échec de livraison|error de entrega|mancata consegna|falha na entrega|niet bezorgd"
)
BOUNCE_BODIES = listed(
    "this is the mail system at|could not be delivered to|couldn't be delivered|wasn't delivered to"
    "|delivery to the following recipient|following address(es) failed|following recipient"
    "|following addresses had|permanent fatal errors|permanent error|qmail-send program"
    "|delivery status notification|reporting-mta|user unknown|mailbox unavailable|mailbox full"
    "|konnte nicht zugestellt werden|nicht zugestellt werden an|an folgende empfänger"
    "|n'a pas pu être remis|no se pudo entregar|impossibile recapitare|não pôde ser entregue"
    "|kan niet worden bezorgd|kunde inte levereras|kunne ikke leveres|nie może zostać dostarczona"
)
# What did not arrive, where it was a mail.
BOUNCE_NOUNS = listed(
    "nachricht|message|recipient|empfänger|destinat|mensaje|messaggio|mensagem|bericht|meddelande|meddelelse"
    "|wiadomość|mailbox|postfach|mail system"
)
# Mail systems speak of themselves here; not counted where it is asked who speaks.
BOUNCE_VOICES = listed(
    "i'm sorry to have to inform you|i'm afraid i wasn't able to deliver|i've given up|i have given up"
    "|i was unable to deliver|i was not able to deliver|this is the mail system at|qmail-send program|reporting-mta"
)

# A subject that is this, alone or before a mark; a text in which a person asks takes it back.
AUTO_SUBJECTS = listed(
    "automatic reply|auto reply|auto-reply|autoreply|auto response|auto-response|autoresponse|automated reply"
    "|automated response|automatic response|autoresponder|vacation reply|vacation response|vacation auto"
    "|automatische antwort|autom. antwort|auto-antwort|autoantwort|automatische rückantwort|abwesenheitsnotiz"
    "|abwesenheitsnachricht|abwesenheitsassistent|abwesenheitsmeldung|abwesenheitsbenachrichtigung"
    "|réponse automatique|message d'absence|notification d'absence|respuesta automática|respuesta automatica"
    "|risposta automatica|risposta fuori sede|resposta automática|resposta automatica|automatisch antwoord"
    "|automatische beantwoording|afwezigheidsbericht|autosvar|automatiskt svar|automatisk svar|frånvaromeddelande"
    "|fraværsmeddelelse|fraværsmelding|automaattinen vastaus|poissaoloilmoitus|odpowiedź automatyczna"
    "|automatyczna odpowiedź|automatická odpověď|automatikus válasz|автоматический ответ|автоответ"
    "|автоматична відповідь|otomatik yanıt|自動応答|自動返信|自动回复|自動回覆|자동 회신|out of office autoreply"
)
# People write these as well: an away text must follow, or none at all.
AWAY_SUBJECTS = listed(
    "out of office|out-of-office|out of the office|ooo|away from the office|away from my desk|on annual leave"
    "|on vacation|abwesend|abwesenheit|nicht im büro|ich bin nicht im büro|im urlaub|absence du bureau"
    "|absent du bureau|absence|fuera de la oficina|fuera de oficina|ausencia|fuori ufficio|fuori sede|assente"
    "|fora do escritório|ausência|afwezig|afwezigheid|niet aanwezig|frånvaro|frånvarande|ikke til stede"
    "|ikke på kontoret|fravær|poissa|poissaolo|poza biurem|nieobecność|mimo kancelář|nepřítomnost|házon kívül"
    "|szabadság|вне офиса|в отпуске|ofis dışında|不在通知|休假"
)
RECEIPT_SUBJECTS = listed(
    "read:|gelesen:|lu :|lu:|leído:|letto:|lida:|gelezen:|läst:|læst:|lest:|luettu:|przeczytane:|прочтено:"
    "|not read:|nicht gelesen:|non lu :|no leído:|ungelesen gelöscht:"
)
RECEIPT_BODIES = listed(
    "was read on|was deleted without|wurde am|wurde gelesen|a été lu|se leyó|fue leído|è stato letto|foi lida"
    "|is gelezen|lästes|blev læst|ble lest|on luettu|przeczytan|было прочтено"
)

# One of these words at the head guards the tables below: most mails hold none. `不` and the like stand in no word list.
AWAY_WORDS = frozenset(
    listed(
        "office|leave|vacation|holiday|holidays|away|büro|haus|abwesend|abwesenheit|urlaub|erreichbar|absent|absente"
        "|congé|congés|vacances|déplacement|fuera|vacaciones|ausente|fuori|assente|ferie|fora|férias|afwezig"
        "|vakantie|aanwezig|kantoor|verlof|kontoret|semester|frånvarande|fraværende|bortrejst|biurem|biurze"
        "|urlopie|nieobecny|nieobecna|poissa|lomalla|vuosilomalla|kancelář|dovolené|irodában|irodán|szabadságon"
        "|отпуске|офисе|izindeyim|dışındayım"
    )
)
AWAY_SIGNS = ("不在", "外出", "休暇", "休假", "办公室")
# Being away, in few words.
AWAY_STEMS = listed(
    "out of| leave|vacation|holiday| away|im büro|abwesend|urlaub|nicht erreichbar|ausser haus|absent|congé"
    "|vacances|déplacement|fuera|vacaciones|ausente|fuori|assente|ferie|fora d|férias|afwezig|vakantie|aanwezig"
    "|op kantoor|verlof|kontoret|semester|frånvar|fraværend|bortrejst|biur|urlop|nieobecn|poissa|loma|kancel"
    "|dovolen|irodá|szabads|отпуск|офис|izin|ofis|不在|外出|休暇|休假|办公室"
)
# Who is, at most a line before the word for away.
AWAY = listed(
    "i am |i'm |i will |i'll |we are |currently out of|out of office until|out of the office until"
    "|out of office from|out of the office from|on leave until|ich bin |bin ich |ich befinde |wir sind |büro ist "
    "|je suis |je serai |nous sommes |actuellement |estoy |estaré |me encuentro |estamos |sono |sarò |siamo "
    "|estou |estarei |encontro-me |ik ben |ben ik |wij zijn |jag är |jag har |jeg er |jeg holder |jeg har |vi er "
    "|nie ma mnie |jestem |będę |przebywam |olen |jsem |nejsem |vagyok |нахожусь |я в |я не в |меня нет |ofis "
    "|izin |不在にして|外出して|休暇中|我正在休假|我不在办公室|我目前不在"
)
# What an answering machine adds, and a customer who happens to be away does not: whom to ask instead, when the mail is
# read, that mail is out of reach. `As soon as I am back` and `it is urgent` are no such words.
AWAY_PROMISES = listed(
    "limited access to e|limited access to my e|limited access to my m|no access to e|no access to my m"
    "|access to my e|intermittent access|will respond|will reply|will answer your|will read your|will be read"
    "|respond to your|reply to your|not be forwarded|received your|urgent matter|urgent case|urgent request"
    "|urgent enquir|urgent inquir|urgent quer|urgent issue|urgent assistance|urgent question|if urgent|urgent please"
    "|urgent, please|case of emergency|dringenden fällen|dringende fälle|dringenden angelegenheiten"
    "|dringende anfragen|dringenden anfragen|dringenden fragen|eiligen fällen|eilige anfragen|wenden sie sich"
    "|wende dich|vertretung|vertritt mich|nicht weitergeleitet|nachricht erst|nachricht nach meiner|mail nach meiner"
    "|mails erst|cas d'urgence|toute urgence|question urgente|demande urgente|répondrai|vous répondr"
    "|caso de urgencia|asuntos urgentes|asunto urgente|temas urgentes|responderé|contestaré|per urgenze"
    "|caso di urgenza|casi urgenti|questioni urgenti|comunicazioni urgenti|risponderò|caso de urgência"
    "|assuntos urgentes|responderei|dringende zaken|dringende gevallen|dringende vragen|bij spoed|spoedgevallen"
    "|beantwoord ik|zal ik beantwoorden|brådskande ärenden|vid brådskande|akuta ärenden|svarar jag"
    "|hastende sager|hastende henvendelser|ved hastende|presserende|haster det|pilnych spraw|sprawach pilnych"
    "|odpowiem|kiireellisi|vastaan viesti|naléhavých|odpovím|sürgős esetben|válaszolok|срочн|отвечу|acil durum"
    "|緊急の場合|紧急事|回复您"
)
# Thanks for the mail, as an answer begins: enough beside an away sentence where the text is short.
AWAY_THANKS = listed(
    "thank you for your e|thank you for your message|thank you for your mail|thanks for your e"
    "|thanks for your message|thank you for contacting|vielen dank für ihre nachricht|vielen dank für ihre e"
    "|vielen dank für ihre mail|danke für ihre nachricht|danke für ihre e|danke für ihre mail"
    "|dank für deine nachricht|dank für deine mail|danke für deine|merci pour votre m|merci de votre m"
    "|merci pour votre e|gracias por su c|gracias por su m|gracias por tu m|grazie per la sua|grazie per la tua"
    "|grazie per il su|obrigado pel|obrigada pel|bedankt voor uw|bedankt voor je|dank voor uw|tack för ditt m"
    "|tack för ert m|tak for din|takk for din|dziękuję za wiadomość|kiitos viesti|děkuji za váš|děkuji za vaši"
    "|köszönöm üzenet|спасибо за ваше"
)
AUTO_BODIES = listed(
    "this is an automatic reply|this is an automated reply|this is an automatic response"
    "|this is an automated response|this is an auto-reply|this is an auto-response|this is an autoreply"
    "|dies ist eine automatische antwort|dies ist eine automatisch generierte antwort"
    "|ceci est une réponse automatique|esta es una respuesta automática|questa è una risposta automatica"
    "|esta é uma resposta automática|dit is een automatisch antwoord|detta är ett automatiskt svar"
    "|dette er et automatisk svar|tämä on automaattinen vastaus|to jest automatyczna odpowiedź"
    "|toto je automatická odpověď|ez egy automatikus válasz|это автоматический ответ|bu otomatik bir yanıt"
)

# What a system says of itself; `automat` guards these in all languages.
SYSTEM_BODIES = listed(
    "this is an automatically generated|this is an automated|this is an automatic |this email was automatically"
    "|this e-mail was automatically|this message was automatically|this email is automatically"
    "|this message is automatically|this e-mail is automatically|was generated automatically"
    "|was sent automatically|is an automated message|is an automated email|is an automatic message"
    "|this message was sent by an automated|automated notification|dies ist eine automatisch"
    "|diese e-mail wurde automatisch|diese mail wurde automatisch|diese nachricht wurde automatisch"
    "|dies ist eine automatische|automatisch generierte e-mail|automatisch generierte nachricht"
    "|automatisch erstellte e-mail|automatisch erzeugte|automatisch versandt|automatisch versendet"
    "|ceci est un message automatique|ceci est un e-mail automatique|message généré automatiquement"
    "|envoyé automatiquement|e-mail automatique|este es un mensaje automático|este es un correo automático"
    "|mensaje generado automáticamente|correo generado automáticamente|generado automáticamente"
    "|enviado automáticamente|questo è un messaggio automatico|messaggio generato automaticamente"
    "|generata automaticamente|generato automaticamente|inviata automaticamente|esta é uma mensagem automática"
    "|mensagem automática|gerada automaticamente|gerado automaticamente|enviada automaticamente"
    "|dit is een automatisch|automatisch gegenereerd|automatisch verzonden|automatisch verstuurd"
    "|detta är ett automatiskt|automatiskt genererat|skickats automatiskt|dette er en automatisk"
    "|automatisk genereret|automatisk generert|sendt automatisk|tämä on automaattinen|automaattisesti lähetetty"
    "|wiadomość wygenerowana automatycznie|wiadomość została wygenerowana automatycznie|to jest automatyczna"
    "|automatycznie wygenerowan|automaticky generovan|automatikusan generált|автоматическое сообщение"
    "|создано автоматически|отправлено автоматически|сформировано автоматически|otomatik olarak"
)
# Beside a sender that takes no answer, these say that a system wrote.
SYSTEM_WORDS = listed(
    "automat|do not reply|don't reply|not monitored|unmonitored|no-reply|noreply|your order|your account"
    "|your password|your ticket|your request|your invoice|your payment|your subscription|your booking"
    "|your reservation|your shipment|your package|your parcel|your statement|verification code|verify your"
    "|confirm your|reset your|security alert|sign-in|new login|has been shipped|has shipped|nicht auf diese"
    "|ihre bestellung|ihr konto|ihre rechnung|ihre anfrage|ihr ticket|ihr passwort|ihre zahlung|ihre buchung"
    "|ihre sendung|ihr paket|bestätigungscode|ne pas répondre|votre commande|votre compte|votre demande"
    "|votre facture|votre mot de passe|no responda|no contestar|su pedido|su cuenta|tu pedido|tu cuenta"
    "|su solicitud|su factura|non rispondere|il tuo ordine|il suo ordine|il tuo account|la tua richiesta"
    "|la sua richiesta|não responda|seu pedido|sua conta|sua solicitação|a sua encomenda|niet beantwoorden"
    "|niet op deze|je bestelling|uw bestelling|uw account|uw aanvraag|svara inte|din beställning|ditt konto"
    "|ditt ärende|ikke besvares|svar ikke|din ordre|din bestilling|din konto|din sag|nie odpowiada"
    "|twoje zamówienie|państwa zamówienie|twoje konto|älä vastaa|tilauksesi|neodpovídejte|ne válaszoljon"
    "|не отвечайте|ваш заказ|lütfen yanıtlamayın"
)
NO_REPLY = listed(
    "noreply|donotreply|dontreply|nichtantworten|keineantwort|nepasrepondre|noresponder|naoresponda|nonrispondere"
    "|nietbeantwoorden"
)
SYSTEM_SENDERS = frozenset(
    listed(
        "notification|notifications|notify|alert|alerts|alerting|cron|nagios|icinga|zabbix|monitoring|jenkins"
        "|jira|gitlab|root|daemon"
    )
)
# Formats of machines that watch machines.
SYSTEM_SUBJECTS = listed(
    "cron <|problem service alert|problem host alert|recovery service alert|recovery host alert|firing:|logwatch for"
    "|nagios]|zabbix]|icinga|fail2ban]|monit]|anacron job|smart error|degradedarray event|output from your job"
)
MONITORS = listed(
    "nagios|icinga|zabbix|prtg|monit|jenkins|smartd|logwatch|fail2ban|prometheus|grafana|sentry|uptime"
)
# Headers of trackers and builders, lower case.
TRACKERS = listed(
    "x-github-reason|x-gitlab-project|x-gitlab-notificationreason|x-jira-fingerprint"
    "|x-bugzilla-reason|x-redmine-host|x-phabricator-sent-this-message"
    "|x-trac-project|x-gerrit-messagetype|x-launchpad-message-rationale"
    "|x-launchpad-notification-type|x-sentry-project|x-jenkins-job|x-pagerduty|x-bitbucket|x-cron-env"
    "|x-travis-job|x-nagios-notification|x-discourse-topic-id"
)
# Headers of help desks and of senders for hire: people's words come through them as well.
HELPDESKS = listed(
    "x-zendesk-from-account-id|x-freshdesk-ticket|x-otrs-loop|x-rt-loop-prevention|rt-ticket|feedback-id"
)

CALENDAR_SUBJECTS = listed(
    "accepted:|declined:|tentative:|tentatively accepted:|zugesagt:|abgelehnt:|mit vorbehalt:|vorläufig zugesagt:"
    "|mit vorbehalt angenommen:|accepté :|accepté:|refusé :|refusé:|provisoire :|aceptado:|aceptada:|rechazado:"
    "|rechazada:|provisional:|accettato:|rifiutato:|provvisorio:|aceito:|aceite:|recusado:|provisório:"
    "|geaccepteerd:|geweigerd:|voorlopig:|accepterat:|avböjt:|preliminärt:|accepteret:|afslået:|akseptert:"
    "|avslått:|hyväksytty:|hylätty:|zaakceptowano:|zaakceptowane:|odrzucono:|odrzucone:|přijato:|odmítnuto:"
    "|elfogadva:|принято:|отклонено:"
)
CALENDAR_BODIES = listed(
    "this invitation|diese einladung|cette invitation|esta invitación|questo invito|este convite|deze uitnodiging"
    "|den här inbjudan|denne invitation|denne invitasjonen|to zaproszenie|google calendar|google kalender|when:"
    "|wann:|quand :|cuándo:|quando:|wanneer:|när:|hvornår:|når:|kiedy:|microsoft teams"
)

# A form on a page: who wrote, and what.
FORM_ADDRESSES = listed(
    "email|e-mail|mail|e-mail-adresse|email address|e-mail address|your email|adresse e-mail|courriel|correo"
    "|email-adresse|correo electrónico|indirizzo email|e-mailadres|e-post|e-postadress|adres e-mail|from|von|de"
    "|absender|reply-to"
)
FORM_WORDS = listed(
    "message|your message|nachricht|ihre nachricht|deine nachricht|comment|comments|question|enquiry|inquiry"
    "|kommentar|anfrage|ihre anfrage|anliegen|frage|mitteilung|votre message|mensaje|messaggio|mensagem|bericht"
    "|vraag|meddelande|besked|melding|viesti|wiadomość|zpráva|üzenet|сообщение|description|beschreibung|feedback"
    "|details|text"
)

MACHINE_SUBJECTS = (
    BOUNCE_SUBJECTS
    + WEAK_BOUNCE_SUBJECTS
    + AUTO_SUBJECTS
    + AWAY_SUBJECTS
    + RECEIPT_SUBJECTS
    + SYSTEM_SUBJECTS
    + CALENDAR_SUBJECTS
)
