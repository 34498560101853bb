"""The phrases by which signatures and mobile footers are known, by language. Tables only.

All phrases are in folded case (`str.casefold`: `ß` is `ss`).
"""

from stream.clean.lines import listed

# A line that is only this (and a comma) closes a letter; a name follows.
CLOSINGS = frozenset(
    listed(
        "best regards|kind regards|kindest regards|warm regards|warmest regards|regards|with kind regards"
        "|with best regards|best wishes|warm wishes|many regards|sincerely|yours sincerely|sincerely yours"
        "|yours faithfully|yours truly|yours|very truly yours|respectfully|respectfully yours|best|all the best"
        "|rgds|brgds|br|kr|with regards|thanks and regards|thanks & regards|thanks and best regards"
        "|have a nice day|have a great day|have a good day|have a nice weekend|have a great weekend|schönen tag noch"
        "|schönen tag|schönen abend|schönes wochenende|schöne woche|einen schönen tag|einen schönen tag noch"
        "|thanks & best regards|thanks and kind regards|thank you and best regards|thank you and kind regards"
        "|many thanks and best regards|many thanks and kind regards|best regards and thanks|take care"
        "|mit freundlichen grüssen|mit freundlichem gruss|freundliche grüsse|freundlichen gruss|freundlicher gruss"
        "|mit besten grüssen|mit bestem gruss|mit herzlichen grüssen|mit lieben grüssen|mit vielen grüssen"
        "|beste grüsse|besten gruss|bester gruss|viele grüsse|vielen gruss|viele liebe grüsse|ganz liebe grüsse"
        "|liebe grüsse|lieben gruss|lieber gruss|herzliche grüsse|herzlichen gruss|schöne grüsse|schönen gruss"
        "|sonnige grüsse|gruss|grüsse|gruss und dank|mit freundlichen gruessen|freundliche gruesse|viele gruesse"
        "|beste gruesse|liebe gruesse|herzliche gruesse|gruesse|mfg|m.f.g.|mfg.|lg|vg|bg|fg|hg|glg|vlg|lg & danke"
        "|danke und gruss|danke und viele grüsse|danke & gruss|vielen dank und viele grüsse"
        "|vielen dank und freundliche grüsse|vielen dank und mit freundlichen grüssen|vielen dank und beste grüsse"
        "|vielen dank und liebe grüsse|danke und liebe grüsse|hochachtungsvoll|mit vorzüglicher hochachtung|servus"
        "|baba|tschüss|ihr|ihre|cordialement|bien cordialement|très cordialement|bien à vous|bien à toi"
        "|sincères salutations|sincèrement|salutations|meilleures salutations|salutations distinguées"
        "|avec mes meilleures salutations|mes salutations distinguées|respectueusement|amicalement|cdlt|cdt"
        "|cordialement vôtre|cordiales salutations|bonne journée|bonne réception|belle journée|saludos|un saludo"
        "|saludos cordiales|un cordial saludo|cordiales saludos|reciba un cordial saludo|reciban un cordial saludo"
        "|un abrazo|atentamente|atte|muy atentamente|cordialmente|quedo a la espera|saludos y gracias"
        "|gracias y saludos|cordiali saluti|distinti saluti|saluti|un saluto|un cordiale saluto|i migliori saluti"
        "|tanti saluti|buona giornata|in fede|grazie e cordiali saluti|grazie e saluti|atenciosamente|att"
        "|cumprimentos|com os melhores cumprimentos|melhores cumprimentos|os melhores cumprimentos"
        "|com os meus cumprimentos|abraços|abraço|grato|grata|saudações|met vriendelijke groet"
        "|met vriendelijke groeten|vriendelijke groet|vriendelijke groeten|met hartelijke groet|hartelijke groet"
        "|hartelijke groeten|groeten|groet|groetjes|mvg|vr.gr.|hoogachtend|met groet|bij voorbaat dank en groet"
        "|med vänlig hälsning|med vänliga hälsningar|vänliga hälsningar|vänlig hälsning|bästa hälsningar|hälsningar"
        "|hälsning|mvh|m.v.h.|med venlig hilsen|venlig hilsen|med venlige hilsner|de bedste hilsner|bedste hilsner"
        "|hilsen|hilsner|vh|kh|dbh|kærlig hilsen|med vennlig hilsen|vennlig hilsen|vennlige hilsener|beste hilsen"
        "|ystävällisin terveisin|parhain terveisin|terveisin|t.|z poważaniem|z powazaniem|z wyrazami szacunku"
        "|pozdrawiam|serdecznie pozdrawiam|pozdrawiam serdecznie|pozdrowienia|z pozdrowieniami|łączę pozdrowienia"
        "|s pozdravem|s přátelským pozdravem|üdvözlettel|tisztelettel|köszönettel|cu stimă|cu respect|o zi bună"
        "|με εκτίμηση|saygılarımla|iyi çalışmalar|с уважением|с наилучшими пожеланиями|з повагою"
        "|よろしくお願いします|よろしくお願いいたします|以上|此致敬礼|祝好"
    )
)
# Words of theirs that open sentences and names of firms: the line must be a comma longer, or stand alone above a name.
BARE_CLOSINGS = frozenset(listed("best|br|kr|att|atte|bg|fg|hg|kh|lg|mfg|vg|vh|t.|yours|servus"))
SHORT_CLOSINGS = frozenset(
    listed("best|br|kr|att|atte|bg|fg|hg|kh|vh|t.|ihr|ihre|yours|servus|grato|grata")
)
# These close a letter too, but also end a request: they need a name that looks like one, or a contact block.
WEAK_CLOSINGS = frozenset(
    listed(
        "thanks|thank you|many thanks|thanks again|thanks a lot|thank you very much|thanks so much"
        "|thanks in advance|thank you in advance|thx|cheers|ta|danke|vielen dank|besten dank|herzlichen dank"
        "|danke im voraus|vielen dank im voraus|danke schön|dankeschön|danke dir|merci|merci d'avance"
        "|merci beaucoup|gracias|muchas gracias|gracias de antemano|grazie|grazie mille|obrigado|obrigada"
        "|muito obrigado|muito obrigada|bedankt|dank u|dank je|dank u wel|alvast bedankt|met dank|tack"
        "|tack på förhand|tack så mycket|tak|på forhånd tak|mange tak|takk|mange takk|på forhånd takk|kiitos"
        "|kiitos etukäteen|dziękuję|z góry dziękuję|děkuji|předem děkuji|köszönöm|bien|спасибо|заранее спасибо"
        "|teşekkürler"
    )
)
# Between a closing and a place: `Viele Grüße aus Berlin`.
CLOSING_PLACES = (" aus ", " from ", " vom ", " von ", " uit ", " från ", " fra ", " depuis ")
# Words of lines that close a letter with a wish or with hope of an answer, above a name.
WISHES = frozenset(
    listed(
        "looking|day|evening|weekend|week|afternoon|morning|hearing|forward|reply|response|regards|wishes|thanks|cheers|care"
        "|tag|abend|wochenende|woche|nachmittag|gruss|grüsse|grüssen|dank|antwort|rückmeldung|grüezi|journée|soirée"
        "|semaine|week-end|salutations|merci|réponse|retour|saludo|saludos|día|tarde|respuesta|gracias|abrazo"
        "|giornata|serata|risposta|saluti|grazie|settimana|dia|semana|resposta|cumprimentos|obrigado|obrigada|dag"
        "|avond|weekeinde|groet|groeten|antwoord|kväll|helg|hälsning|hälsningar|svar|aften|hilsen|hilsner|dnia"
        "|pozdrawiam|pozdrowienia|odpowiedź|weekendu"
    )
)
POSTSCRIPTS = (
    "ps:",
    "p.s.",
    "ps.",
    "p.s:",
    "ps ",
    "ps-",
    "p.s ",
    "nb:",
    "n.b.",
    "p.p.s",
    "pps",
    "post scriptum",
    "postscript",
    "nachtrag",
)

# A whole short line that starts so, and names a device or a program, was written by it.
MOBILE_STARTS = listed(
    "sent wirelessly |envoyé sans fil |télécharger bluemail|sent from |sent via |sent using |sent with "
    "|sent on |sent by my |sent by galaxy|sent out from "
    "|this email was sent from my |this message was sent from my |message sent from |mail sent from |written on my "
    "|typed on my |from my |get outlook|get [outlook|get bluemail|get typeapp|get spark|get yahoo mail|get mailbird"
    "|get edison|von meinem |von meiner |von unterwegs |gesendet von |gesendet mit |gesendet aus |gesendet über "
    "|gesendet via |versendet von |versendet mit |verschickt von |geschrieben von meinem "
    "|diese nachricht wurde von |diese e-mail wurde von |diese mail wurde von |diese nachricht wurde mit "
    "|mobil gesendet|holen sie sich outlook|laden sie outlook|envoyé de |envoyé depuis |envoyé à partir "
    "|envoyé avec |envoyé via |envoyé du |provenance : |obtenir outlook|obtenez outlook|télécharger outlook"
    "|téléchargez outlook|enviado desde |enviado do |enviado da |enviado de |enviado a partir |enviado via "
    "|enviado com |enviado con |enviado pelo |enviado através |obtener outlook|obtén outlook|descargar outlook"
    "|obter o outlook|obtenha o outlook|baixe o outlook|inviato da |inviato dal |inviato dallo |inviato con "
    "|inviato tramite |ottieni outlook|scarica outlook|scaricare outlook|verzonden vanaf |verzonden met "
    "|verstuurd vanaf |verstuurd met |verstuurd via |verstuurd vanuit |verzonden vanuit |verzonden via "
    "|download outlook|skickat från |skickat med |skickades från |skickat via |hämta outlook"
    "|sendt fra |sendt med |sendt via |hent outlook|last ned outlook|wysłane z |wysłano z |wysłane przy "
    "|wysłano przy |pobierz outlook|pobierz program outlook|pobierz aplikację outlook|lähetetty |hanki outlook"
    "|odesláno z |odoslané z |získat outlook|stáhnout outlook|küldve |elküldve |trimis de pe |trimis din "
    "|obțineți outlook|στάλθηκε από |отправлено с |отправлено из |отправлено через |надіслано з |загрузить outlook"
    "|получить outlook|скачать outlook|从我的|從我的|发自|發自|获取 outlook|取得 outlook|נשלח מ|أُرسلت من"
    "|تم الإرسال من"
)
# What `Outlook for iOS` needs to be an offer and not the customer's subject.
MOBILE_OFFERS = frozenset(
    listed(
        "get|download|downloaden|holen|herunterladen|laden|beziehen|abrufen|hent|hämta|edinin|télécharger|obtenir"
        "|ophalen"
    )
)
MOBILE_ENDS = (
    "gesendet",
    "gesendet.",
    "geschickt",
    "verschickt",
    "versendet",
    "から送信",
    "から送信されました",
    "傳送",
    "发送",
    "發送",
    "보냄",
    "gönderildi",
    "küldve",
    "elküldve",
    "via mobile",
    "via mobil",
    "from mobile",
    "from my mobile",
)
MOBILE_DEVICES = listed(
    "iphon|ipad|ipod|ios|android|samsung|galaxy|huawei|blackberry|outlook|handy|smartphone|mobile|mobil|móvil"
    "|telefon|teléfono|telefone|téléphone|phone|tablet|yahoo|mail|windows|nokia|xperia|pixel|gmx|web.de|freenet"
    "|t-online|t-mobile|1&1|app|device|airmail|proton|tutanota|tuta|ti-85|alcatel|cell|nexus|htc|lg |motorola|moto "
    "|oneplus|xiaomi|redmi|poco|fairphone|spark|boxer|nine|palm|treo|wireless|verizon|at&t|sprint|vodafone|telekom"
    "|orange|macbook|imac|my mac|thunderbird|bluemail|typeapp|superhuman|front|missive|surface|k-9|手机|手機|devic"
    "|телефон|почт|смартфон|аппарат|appareil|apparaat|puhelim|puhelin|komórk"
)
MOBILE_EXCUSES = (
    "excuse",
    "typo",
    "brevity",
    "tippfehler",
    "kürze",
    "entschuldig",
    "fautes",
    "erreurs",
    "errores",
    "errori",
)

# Signs of an address block.
CONTACT_MARKS = frozenset(
    listed(
        "tel|tel.|tél|tél.|tlf|tlf.|phone|ph|telefon|telefono|teléfono|telefone|téléphone|telefoon|fon|fax|telefax"
        "|mobil|mobile|móvil|mobiel|mob|mob.|handy|cell|cellulare|gsm|direct|durchwahl|office|main|e-mail|email"
        "|e-post|mail|courriel|correo|web|website|internet|homepage|site|www|http|https|skype|linkedin|xing|twitter"
        "|whatsapp|signal|port|tlm|dw|zentrale|telephone|t|f|m|p|e|w|d|o|a|address|adresse|anschrift"
        "|p.o. box|postfach"
    )
)
STREET_WORDS = frozenset(
    listed(
        "street|st|road|rd|avenue|ave|lane|ln|drive|dr|boulevard|blvd|square|terrace|suite|floor|box|rue|place|allée"
        "|quai|via|viale|piazza|corso|calle|avenida|avda|plaza|paseo|rua|ul|aleja|ring|ufer|weg|platz|gasse|postfach"
    )
)
STREET_ENDS = listed(
    "strasse|str|weg|gasse|platz|allee|damm|straat|laan|plein|gatan|gata|vägen|vej|gade|veien|katu|utca"
)
# Lines with these and a number are what the mail is about.
REFERENCES = listed(
    "order|bestell|auftrag|rechnung|kundennummer|kunden-nr|kundennr|kd-nr|kd.-nr|vertrag|ticket|case|customer n"
    "|customer id|customer:|account|konto|iban|invoice|contract|policy|policen|versicherung|mitglied|member"
    "|reference|referenz|aktenzeichen|az.|vorgang|sendung|tracking|serial|seriennummer|numéro de|commande|facture"
    "|client|contrat|dossier|pedido|cliente|factura|contrato|ordine|fattura|contratto|encomenda|fatura|klantnummer"
    "|factuur|bestelnummer|ordernummer|ordrenummer|kundnummer|kundenummer|fakturan|faktura|zamówieni|umow"
    "|numer klienta|zähler|meter|geburtsdatum|date of birth|geb."
)
# Whoever begins a line so asks for something.
REQUESTS = frozenset(
    listed(
        "please|call|can|could|would|will|when|where|what|why|how|need|waiting|hope|let|see|i|we|my|our|the|this|it"
        "|is|no|not|yes|bitte|kann|können|könnten|wann|wo|was|warum|wie|ich|wir|mein|meine|das|die|der|es|ist|nein"
        "|ja|nicht|und|aber|veuillez|quand|où|pourquoi|je|nous|il|por|favor|cuándo|dónde|yo|quando|dove|perché|per"
        "|onde|wanneer|waar|ik|wij|het|graag|snälla|vänligen|när|var|jag|vi|hvornår|hvor|jeg|venligst|proszę|kiedy"
        "|gdzie|also|but|and|kein|keine|danke|thanks|thank|vielen|merci|gracias|grazie|hello|hi|hallo|dear|liebe"
        "|lieber|bonjour|hola|ciao"
    )
)
NAME_PARTICLES = frozenset(
    listed(
        "von|van|vom|zu|zur|der|den|de|del|della|di|da|do|dos|das|du|des|la|le|el|al|ten|ter|und|and|y|e|i.a|i.v"
        "|ppa|bin|ibn|af|av|jr|sr|of|für|for"
    )
)
# Whoever speaks of himself writes to us. No `mit`, `mi`, `ma`, `ja`, `min`: other languages' words for other things.
FIRST_PERSON = frozenset(
    listed(
        "my|mine|myself|ich|mein|meine|meinem|meinen|meiner|meines|mir|mich|je|mon|mes|yo|mis|estoy|tengo|quiero|io"
        "|mio|mia|miei|eu|meu|minha|meus|ik|mijn|jag|mitt|mina|jeg|mój|moja|moje|mnie|minun|я|мой|моя|мне"
    )
)
# Beside one of these `i` and `me` are English.
ENGLISH_WORDS = frozenset(
    listed(
        "am|are|is|have|had|the|and|was|were|want|need|would|could|can|got|get|been|did|do|it|this|that|these"
        "|those|not|to|you|your|please|cannot|from|with|about|since|because|see|know|think|still|any"
    )
)
# A block below a line with one of these is what the line is about.
PERSON_WORDS = listed(
    "follow|below|colleague|neighbo|kolleg|nachbar|contact|user|buyer|witness|folgend|unten|kontakt|ansprechpartner|nutzer|empfänger|mitarbeiter|zeuge"
    "|käufer|suivant|ci-dessous|interlocut|siguiente|responsable|referente|seguente|seguinte|volgende|onderstaand"
    "|följande|følgende|następując"
)
GREETINGS = frozenset(
    listed(
        "hello|hi|hey|dear|good|hallo|guten|sehr|liebe|lieber|moin|servus|grüezi|bonjour|bonsoir|hola|buenos|buenas"
        "|ciao|buongiorno|gentile|olá|bom|boa|dag|beste|goedemorgen|goedemiddag|hej|kära|god|cześć|dzień|szanowni"
    )
)
# Who asks, or hands something over.
PLEAS = frozenset(
    listed(
        "please|bitte|veuillez|favor|graag|snälla|venligst|proszę|anbei|attached|enclosed|ci-joint|adjunto|bijgevoegd"
    )
)
