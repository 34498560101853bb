"""The phrases by which `kinds` knows what no person wrote for us: bounces, automatic answers, notifications, newsletters.

Tables only, in folded case (`str.casefold`). Languages: en de fr es it pt nl sv da nb fi pl cs hu ru tr ja zh.
"""

from stream.clean.lines import listed

BOUNCERS = ("mailer-daemon", "mail-daemon@", "mailerdaemon@")
# Only mail systems write these.
BOUNCE_SUBJECTS = listed(
    "undelivered mail returned to sender|delivery status notification|mail system error - returned mail"
    "|mail delivery failed: returning|returned mail:|undeliverable:|undeliverable mail|undelivered:|failure notice"
    "|warning: message still undelivered|unzustellbar:|non remis :|non remis:|no se puede entregar:"
    "|non recapitabile:|onbestelbaar:|não entregável:|nie można dostarczyć:|kan inte levereras:|ikke leveret:"
    "|kunne ikke leveres:|nedoručitelné:|недоставленное:|недоставлено:|配信不能:|未送達:|无法投递:"
)
# A customer whose parcel did not come writes these too: the text must speak of a mail.
WEAK_BOUNCE_SUBJECTS = listed(
    "mail delivery failed|mail delivery failure|delivery failure|message not delivered|delivery has failed"
    "|mail delivery system|unzustellbare|nachricht nicht zustellbar|zustellung fehlgeschlagen"
    "|échec de la remise|échec de livraison|error de entrega|mancata consegna|falha na entrega|niet bezorgd"
)
BOUNCE_BODIES = listed(
    "this is the mail system at|could not be delivered to|couldn't be delivered|wasn't delivered to"
    "|delivery to the following recipient|following address(es) failed|following recipient|following addresses had"
    "|permanent fatal errors|permanent error|qmail-send program|delivery status notification|reporting-mta"
    "|550 5.|554 5.|550-5.|user unknown|mailbox unavailable|mailbox full|konnte nicht zugestellt werden"
    "|nicht zugestellt werden an|an folgende empfänger|n'a pas pu être remis|no se pudo entregar"
    "|impossibile recapitare|não pôde ser entregue|kan niet worden bezorgd|kunde inte levereras"
    "|kunne ikke leveres|nie może zostać dostarczona"
)

# A subject that is this, alone or before a mark. `?` in the text takes it back for those that people write as well.
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
    "|автоматична відповідь|otomatik yanıt|自動応答|自動返信|自动回复|自動回覆|자동 회신"
)
AWAY_SUBJECTS = listed(
    "out of office|out-of-office|out of the office|ooo|away from the office|away from my desk|on annual leave"
    "|on vacation|abwesend|abwesenheit|nicht im büro|ich bin nicht im büro|im urlaub|absence du bureau|absent du bureau"
    "|absence|fuera de la oficina|fuera de oficina|ausencia|fuori ufficio|fuori sede|assente|fora do escritório"
    "|ausência|afwezig|afwezigheid|niet aanwezig|frånvaro|frånvarande|ikke til stede|ikke på kontoret|fravær"
    "|poissa|poissaolo|poza biurem|nieobecność|mimo kancelář|nepřítomnost|házon kívül|szabadság|вне офиса"
    "|в отпуске|ofis dışında|不在通知|休假"
)
RECEIPT_SUBJECTS = listed(
    "read:|gelesen:|lu :|lu:|leído:|letto:|lida:|gelezen:|läst:|læst:|lest:|luettu:|przeczytane:|прочтено:"
    "|not read:|nicht gelesen:|non lu :|no leído:|ungelesen gelöscht:"
)
RECEIPT_BODIES = listed(
    "was read on|was deleted without|wurde am|wurde gelesen|a été lu|se leyó|fue leído|è stato letto|foi lida"
    "|is gelezen|lästes|blev læst|ble lest|on luettu|przeczytan|было прочтено"
)

# One of these guards the tables below it: most mails hold none.
AWAY_STEMS = listed(
    "office|leave|vacation|holiday|away|büro|abwesen|urlaub|erreich|absent|absence|bureau|congé|vacances|oficina"
    "|vacaciones|ausente|ufficio|assente|ferie|escritório|férias|kantoor|afwezig|vakantie|aanwezig|kontoret|semester"
    "|frånvar|tilgængelig|biur|urlop|nieobecn|poissa|loma|kancelář|dovolen|irodá|szabads|отпуск|офис|izin|ofis"
    "|不在|外出|休假|办公室"
)
AWAY = listed(
    "i am out of|i'm out of|i am currently out|i'm currently out|i will be out of|i'll be out of|i am away|i'm away"
    "|i am currently away|i'm currently away|i will be away|i am on annual leave|i'm on annual leave|i am on leave"
    "|i am currently on|i'm currently on|i am on vacation|i'm on vacation|i am on holiday|i'm on holiday"
    "|i am on parental|i am on maternity|i will be on leave|currently out of the office|out of the office until"
    "|out of office until|out of the office from|ich bin nicht im|ich bin derzeit|ich bin zurzeit|ich bin zur zeit"
    "|ich bin momentan|ich bin aktuell|ich bin im moment|ich bin vom|ich bin von|ich bin bis|ich bin ab"
    "|ich bin im urlaub|ich bin heute nicht|ich bin erst|ich befinde mich|derzeit nicht im büro|bin ich nicht im"
    "|bin ich nicht erreichbar|bin ich im urlaub|ich bin leider nicht|ich bin abwesend|büro ist geschlossen"
    "|je suis absent|je suis actuellement|je serai absent|je suis en congé|je suis en vacances|je suis en déplacement"
    "|actuellement absent|estoy fuera|estaré fuera|estoy ausente|me encuentro fuera|estaré ausente|me encuentro de"
    "|estoy de vacaciones|sono fuori|sarò fuori|sono assente|sarò assente|sono in ferie|sarò in ferie"
    "|sono attualmente|estou fora|estarei fora|estou ausente|estarei ausente|estou de férias|encontro-me"
    "|ik ben afwezig|ik ben momenteel|ik ben op vakantie|ik ben niet aanwezig|ik ben niet op kantoor|ik ben met"
    "|ik ben tot|ik ben van|jag är inte|jag är på semester|jag är ledig|jag har semester|jag är frånvarande|jag är på"
    "|jeg er ikke|jeg er på ferie|jeg holder ferie|jeg har ferie|jeg er fraværende|jeg er bortrejst|jeg er ude"
    "|nie ma mnie|jestem poza|jestem na urlopie|przebywam na|będę nieobecn|jestem nieobecn|olen poissa|olen lomalla"
    "|olen vuosilomalla|olen matkoilla|jsem mimo|jsem na dovolené|nejsem v kancelář|nem vagyok|szabadságon vagyok"
    "|irodán kívül|я в отпуске|нахожусь в отпуске|меня нет в офисе|я не в офисе|ofis dışındayım|izindeyim"
    "|不在にして|外出して|休暇中|我正在休假|我不在办公室|我目前不在"
)
# What an answering machine adds, and a customer who happens to be away does not.
AWAY_PROMISES = listed(
    "limited access|no access to|access to my e|intermittent access|when i return|upon my return|on my return"
    "|until my return|when i am back|when i'm back|as soon as i|urgent|in my absence|during my absence"
    "|during this time|thank you for your e|thank you for your message|thanks for your e|thanks for your message"
    "|will respond|will reply|get back to you|dringend|eilig|rückkehr|wieder zurück|wieder erreichbar|wieder im"
    "|wieder für sie|vertret|nicht weitergeleitet|meiner abwesenheit|vielen dank für ihre|danke für ihre"
    "|vielen dank für deine|danke für deine|mon retour|mon absence|de retour|urgence|urgent|merci pour votre"
    "|urgente|urgencia|mi regreso|mi vuelta|mi ausencia|mi ritorno|mio rientro|mio ritorno|mia assenza|urgenz"
    "|meu regresso|meu retorno|minha ausência|urgência|mijn terugkomst|mijn afwezigheid|weer aanwezig|weer bereikbaar"
    "|dringend|spoed|åter den|tillbaka|brådskande|akut|tilbage|haster|hastende|tilbake|presserende|pilnych|pilne"
    "|powrocie|powrotu|wracam|palaan|takaisin|kiireelli|zpět|návratu|naléhav|vissza|sürgős|вернусь|срочн|возвращ"
    "|acil|dönüş|緊急|戻り|紧急|回复您|回来"
)
AUTO_BODIES = listed(
    "this is an automatic reply|this is an automated reply|this is an automatic response"
    "|this is an automated response|this is an auto-reply|this is an auto-response|this is an autoreply"
    "|dies ist eine automatische antwort|dies ist eine automatisch generierte antwort|ceci est une réponse automatique"
    "|esta es una respuesta automática|questa è una risposta automatica|esta é uma resposta automática"
    "|dit is een automatisch antwoord|detta är ett automatiskt svar|dette er et automatisk svar"
    "|tämä on automaattinen vastaus|to jest automatyczna odpowiedź|toto je automatická odpověď"
    "|ez egy automatikus válasz|это автоматический ответ|bu otomatik bir yanıt"
)

# What a system says of itself; `automat` guards these in all languages.
SYSTEM_BODIES = listed(
    "this is an automatically generated|this is an automated|this is an automatic |this email was automatically"
    "|this e-mail was automatically|this message was automatically|this email is automatically"
    "|this message is automatically|this e-mail is automatically|was generated automatically"
    "|was sent automatically|is an automated message|is an automated email|is an automatic message"
    "|this message was sent by an automated|automated notification|dies ist eine automatisch|diese e-mail wurde automatisch"
    "|diese mail wurde automatisch|diese nachricht wurde automatisch|dies ist eine automatische"
    "|automatisch generierte e-mail|automatisch generierte nachricht|automatisch erstellte e-mail|automatisch erzeugte"
    "|automatisch versandt|automatisch versendet|ceci est un message automatique|ceci est un e-mail automatique"
    "|message généré automatiquement|envoyé automatiquement|e-mail automatique|este es un mensaje automático"
    "|este es un correo automático|mensaje generado automáticamente|correo generado automáticamente"
    "|generado automáticamente|enviado automáticamente|questo è un messaggio automatico|messaggio generato automaticamente"
    "|generata automaticamente|generato automaticamente|inviata automaticamente|esta é uma mensagem automática"
    "|mensagem automática|gerada automaticamente|gerado automaticamente|enviada automaticamente"
    "|dit is een automatisch|automatisch gegenereerd|automatisch verzonden|automatisch verstuurd"
    "|detta är ett automatiskt|automatiskt genererat|skickats automatiskt|dette er en automatisk|automatisk genereret"
    "|automatisk generert|sendt automatisk|tämä on automaattinen|automaattisesti lähetetty|wiadomość wygenerowana automatycznie"
    "|wiadomość została wygenerowana automatycznie|to jest automatyczna|automatycznie wygenerowan"
    "|automaticky generovan|automatikusan generált|автоматическое сообщение|создано автоматически"
    "|отправлено автоматически|сформировано автоматически|otomatik olarak"
)
# Beside a sender that takes no answer, these say that a system wrote.
SYSTEM_WORDS = listed(
    "automat|do not reply|don't reply|not monitored|unmonitored|no-reply|noreply|your order|your account|your password"
    "|your ticket|your request|your invoice|your payment|your subscription|your booking|your reservation|your shipment"
    "|your package|your parcel|your statement|verification code|verify your|confirm your|reset your|security alert"
    "|sign-in|new login|has been shipped|has shipped|nicht auf diese|ihre bestellung|ihr konto|ihre rechnung"
    "|ihre anfrage|ihr ticket|ihr passwort|ihre zahlung|ihre buchung|ihre sendung|ihr paket|bestätigungscode"
    "|ne pas répondre|votre commande|votre compte|votre demande|votre facture|votre mot de passe|no responda"
    "|no contestar|su pedido|su cuenta|tu pedido|tu cuenta|su solicitud|su factura|non rispondere|il tuo ordine"
    "|il suo ordine|il tuo account|la tua richiesta|la sua richiesta|não responda|seu pedido|sua conta"
    "|sua solicitação|a sua encomenda|niet beantwoorden|niet op deze|je bestelling|uw bestelling|uw account|uw aanvraag"
    "|svara inte|din beställning|ditt konto|ditt ärende|ikke besvares|svar ikke|din ordre|din bestilling|din konto"
    "|din sag|nie odpowiada|twoje zamówienie|państwa zamówienie|twoje konto|älä vastaa|tilauksesi|neodpovídejte"
    "|ne válaszoljon|не отвечайте|ваш заказ|lütfen yanıtlamayın"
)
NO_REPLY = listed(
    "noreply|no-reply|no.reply|no_reply|donotreply|do-not-reply|do_not_reply|do.not.reply|dont-reply|nicht-antworten"
    "|nichtantworten|keine-antwort|keineantwort|ne-pas-repondre|nepasrepondre|noresponder|no-responder|nao-responda"
    "|naoresponda|nonrispondere|non-rispondere|niet-beantwoorden|notifications@|notification@|alerts@|cron@|nagios@"
    "|zabbix@|monitoring@|jenkins@|jira@"
)
# Formats of machines that watch machines.
SYSTEM_SUBJECTS = listed(
    "cron <|** problem|** recovery|** acknowledgement|[firing:|[resolved:|logwatch for|[nagios]|[zabbix]|[icinga"
    "|[fail2ban]|[monit]|[alert] |anacron job|smart error|degradedarray event|output from your job"
)
MONITORS = listed(
    "nagios|icinga|zabbix|prtg|monit|jenkins|smartd|logwatch|fail2ban|prometheus|grafana|sentry|uptime"
)
# Headers of trackers and builders, lower case.
TRACKERS = listed(
    "x-github-reason|x-gitlab-project|x-gitlab-project-id|x-gitlab-notificationreason|x-jira-fingerprint"
    "|x-bugzilla-reason|x-bugzilla-type|x-redmine-host|x-redmine-project|x-phabricator-sent-this-message"
    "|x-phabricator-mail-id|x-trac-project|x-gerrit-messagetype|x-launchpad-message-rationale|x-launchpad-notification-type"
    "|x-sentry-project|x-jenkins-job|x-pagerduty|x-bitbucket|x-cron-env|x-travis-job|x-nagios-notification|x-discourse-topic-id"
)
# Headers of help desks and of senders for hire: people's words come through them as well.
HELPDESKS = listed(
    "x-zendesk-from-account-id|x-freshdesk-ticket|x-otrs-loop|x-rt-loop-prevention|rt-ticket|feedback-id"
)

CALENDAR_SUBJECTS = listed(
    "accepted:|declined:|tentative:|tentatively accepted:|zugesagt:|abgelehnt:|mit vorbehalt:|vorläufig zugesagt:"
    "|mit vorbehalt angenommen:|accepté :|accepté:|refusé :|refusé:|provisoire :|aceptado:|aceptada:|rechazado:"
    "|rechazada:|provisional:|accettato:|rifiutato:|provvisorio:|aceito:|aceite:|recusado:|provisório:"
    "|geaccepteerd:|geweigerd:|voorlopig:|accepterat:|avböjt:|preliminärt:|accepteret:|afslået:|akseptert:|avslått:"
    "|hyväksytty:|hylätty:|zaakceptowano:|zaakceptowane:|odrzucono:|odrzucone:|přijato:|odmítnuto:|elfogadva:"
    "|принято:|отклонено:"
)
CALENDAR_BODIES = listed(
    "this invitation|diese einladung|cette invitation|esta invitación|questo invito|este convite|deze uitnodiging"
    "|den här inbjudan|denne invitation|denne invitasjonen|to zaproszenie|google calendar|google kalender|when:"
    "|wann:|quand :|cuándo:|quando:|wanneer:|när:|hvornår:|når:|kiedy:|microsoft teams"
)

# A form on a page: who wrote, and what.
FORM_ADDRESSES = listed(
    "email|e-mail|mail|e-mail-adresse|email address|e-mail address|your email|adresse e-mail|courriel|correo|email-adresse"
    "|correo electrónico|indirizzo email|e-mailadres|e-post|e-postadress|adres e-mail|from|von|de|absender|reply-to"
)
FORM_WORDS = listed(
    "message|your message|nachricht|ihre nachricht|deine nachricht|comment|comments|question|enquiry|inquiry|kommentar"
    "|anfrage|ihre anfrage|anliegen|frage|mitteilung|votre message|mensaje|messaggio|mensagem|bericht|vraag|meddelande"
    "|besked|melding|viesti|wiadomość|zpráva|üzenet|сообщение|description|beschreibung|feedback|details|text"
)

UNSUBSCRIBE_STEMS = listed(
    "unsubscri|opt out|opt-out|abmeld|abbestell|désabonn|désinscri|de baja|suscri|disiscri|cancella|descadastr"
    "|inscrição|afmeld|uitschrijv|avregistrer|avprenumerer|avmeld|avslutte|peruuta|wypis|rezygn|odhlás|leiratkoz|отпис"
)
# A line at the end that is only this is a link that a newsletter carries.
UNSUBSCRIBE_LINES = frozenset(
    listed(
        "unsubscribe|unsubscribe here|unsubscribe now|unsubscribe from this list|unsubscribe from this newsletter"
        "|unsubscribe from all emails|unsubscribe me|click here to unsubscribe|to unsubscribe click here|opt out"
        "|to unsubscribe, click here|unsubscribe from our emails|unsubscribe from these emails|abmelden|newsletter abmelden"
        "|hier abmelden|vom newsletter abmelden|newsletter abbestellen|abbestellen|hier abbestellen|jetzt abmelden"
        "|zum abmelden hier klicken|se désabonner|se désinscrire|désinscription|désabonnement|me désinscrire"
        "|se désinscrire de la newsletter|cliquez ici pour vous désabonner|darse de baja|dar de baja|cancelar suscripción"
        "|cancelar la suscripción|anular suscripción|disiscriviti|disiscrizione|cancella iscrizione|annulla iscrizione"
        "|cancellati|cancelar inscrição|cancelar subscrição|cancelar assinatura|descadastrar|remover inscrição|afmelden"
        "|uitschrijven|afmelden voor deze nieuwsbrief|hier afmelden|schrijf je uit|avregistrera|avprenumerera"
        "|avsluta prenumeration|avregistrera dig|afmeld|afmeld nyhedsbrev|afmeld dig|avmeld|meld deg av|peruuta tilaus"
        "|wypisz się|wypisz|rezygnuj|odhlásit|odhlásit odběr|leiratkozás|отписаться|abonelikten çık"
    )
)
# Beside a stem of the above, near the end: nobody but a newsletter explains this.
NEWSLETTER_WORDS = listed(
    "you are receiving this|you're receiving this|you received this|this email was sent to|this e-mail was sent to"
    "|this message was sent to|no longer wish to receive|to stop receiving|update your preferences|manage preferences"
    "|email preferences|manage your subscription|view in browser|view this email in|view online|all rights reserved"
    "|you signed up|sie erhalten diese e-mail|sie erhalten diesen newsletter|sie erhalten diese mail"
    "|diese e-mail wurde an|dieser newsletter wurde an|keine weiteren e-mails|nicht mehr erhalten möchten|im browser"
    "|wenn sie keine|wenn sie diesen newsletter nicht|vous recevez ce|vous recevez cet|ne plus recevoir"
    "|si vous ne souhaitez plus|ce message a été envoyé à|version en ligne|recibes este|recibe este|ha recibido este"
    "|has recibido este|si no desea|si no deseas|no desea recibir|ricevi questa|hai ricevuto questa|riceve questa"
    "|se non desideri|se non vuoi|non desidera|você recebeu|recebeu este|não deseja receber|não quiser receber"
    "|je ontvangt deze|u ontvangt deze|niet langer ontvangen|geen e-mails meer|du får detta|du får det här"
    "|vill du inte längre|inte längre vill|du modtager denne|ønsker du ikke|du mottar denne|otrzymujesz t"
    "|otrzymali państwo|nie chcesz otrzymywać|saat tämän"
)
