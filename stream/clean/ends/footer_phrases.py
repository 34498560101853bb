"""The phrases by which footers and banners are known, by language: what gateways, lawyers and lists write. Tables only.

All phrases are in folded case (`str.casefold`: `ß` is `ss`). Languages: en de fr es it pt nl sv da nb fi pl cs.
"""

from stream.clean.lines import listed

# In a phrase beside other words these do not tell a notice from a mail.
COMMON_WORDS = listed(
    "inform|receiv|diese|transmi|legal|address|contain|enthält|communic|because|have|this|with|your|that"
    "|email|message|nachric|bericht|mensaje|messagg|courrie|correo|wiadomo|not|alle|any|the|and|for|you"
    "|error|sensi|paper|number|company|process|question|print|viele|best|nicht|need|are|bevor|before"
    "|these|files|contrib|statut|capital|director|direct"
)

# Two of these in one paragraph, and nobody who speaks or asks, make it the particulars of a company. No IBAN and no
# BIC: a bank's customers write them.
IMPRINT_MARKS = listed(
    "geschäftsführer|geschäftsführung|geschäftsführend|geschaeftsfuehrer|handelsregister|hrb |hrb:|hrb-|hrb\n|hra "
    "|amtsgericht|registergericht|ag köln|sitz der gesellschaft|gesellschaftssitz|sitz:|sitz ist|ust-id|ust.-id"
    "|ust-idnr|ustid|umsatzsteuer-id|steuernummer|steuer-nr|st.-nr|aufsichtsrat|vorstand:|vorstand ("
    "|vorstandsvorsitz|vorsitzender des|geschäftsanschrift|komplementär|pers. haftende|persönlich haftende"
    "|vertretungsberechtigt|inhaber:|inhaberin:|firmenbuch|firmenbuchnummer|fn |landesgericht|handelsgericht|uid-nr"
    "|uid:|uid nr|atu|dvr|gerichtsstand|che-|mwst-nr|mwst.|mwst|handelsregisteramt|verwaltungsrat|registered office"
    "|registered in england|registered in scotland|registered in ireland|registered in|registered number"
    "|registered no|company number|company no|company registration|registration number|vat no|vat number|vat reg"
    "|vat registration|director:|directors:|authorised and regulated|authorized and regulated|place of registration"
    "|limited liability|siège social|siret|siren|capital social|au capital de|capital de|rcs |r.c.s|tva intra"
    "|n° tva|tva :|tva fr|sarl|s.a.s|sede legale|partita iva|p.iva|p. iva|p.i.|cap. soc|capitale sociale"
    "|codice fiscale|c.f.|cod. fisc|rea |r.e.a|registro imprese|registro delle imprese|registro mercantil"
    "|inscrita en|cif:|nif:|c.i.f|n.i.f|cif |tomo|folio|hoja|domicilio social|capital social|nipc|contribuinte|cnpj"
    "|matriculada|conservatória|kvk|k.v.k|btw-nummer|btw nr|btw-nr|btw:|btw |handelsregisternummer"
    "|statutair gevestigd|statutaire zetel|org.nr|org nr|org. nr|organisationsnummer|momsreg|styrelsens säte|cvr"
    "|cvr-nr|organisasjonsnummer|foretaksregisteret|y-tunnus|kotipaikka|krs|nip:|nip |regon|kapitał zakładowy"
    "|sąd rejonowy|ičo|dič|obchodním rejstříku|krajského soudu|cégjegyzék|adószám"
)
# In a paragraph of marks these show that somebody writes of them.
IMPRINT_TALK = frozenset(
    listed(
        "bitte|ändern|geändert|änderung|neue|neuen|neuer|neues|lautet|korrigieren|falsch|fehlt|please|change"
        "|changed|changes|new|wrong|missing|correct|update|veuillez|changer|changé|nouveau|nouvelle|favor|cambiar"
        "|cambiado|nuevo|nueva|cambiato|nuovo|nuova|alterar|novo|nova|graag|nieuwe|nieuw|gewijzigd|wijzigen|ändra"
        "|nya|ændre|nye|ændret|proszę|zmiana|zmienić|nowy|nowa|hallo|hello|dear"
    )
)
# One of these, and nobody who speaks of himself, make a paragraph a notice that nobody wrote for this mail.
NOTICES = listed(
    "not the intended recipient|not an intended recipient|not the named addressee|not the addressee"
    "|intended solely for the|intended only for the|intended for the sole|intended exclusively for"
    "|solely for the use of|solely for the addressee|for the sole use of the|for the exclusive use of"
    "|confidentiality notice|confidentiality note|legal disclaimer|email disclaimer|e-mail disclaimer"
    "|if you have received this e|if you received this e|received this communication in error"
    "|received this message in error|received this transmission in error|this e-mail and any attachments"
    "|this email and any attachments|this message and any attachments|this e-mail and any files"
    "|this email and any files|this email and its attachments|this e-mail and its attachments"
    "|this email message and any attachments|this e-mail message and any attachments|this email and any attachment"
    "|this transmission is intended|this e-mail is confidential|this email is confidential"
    "|this message is confidential|this e-mail may contain confidential|this email may contain confidential"
    "|this message may contain confidential|this email may contain privileged|this message contains confidential"
    "|this email contains confidential|contains information that is confidential"
    "|contents of this email are confidential|contents of this e-mail are confidential"
    "|information contained in this e|information contained in this message"
    "|information in this email is confidential|information in this e-mail is confidential|no liability for any"
    "|does not accept liability|accepts no liability|cannot accept liability|views expressed in this"
    "|opinions expressed in this|views or opinions presented|nicht der richtige adressat"
    "|nicht der beabsichtigte empfänger|nicht der vorgesehene empfänger|nicht der vorgesehene adressat"
    "|nicht der bestimmungsgemässe|nicht der adressat|diese e-mail enthält vertrauliche"
    "|diese mail enthält vertrauliche|diese nachricht enthält vertrauliche|diese e-mail kann vertrauliche"
    "|diese nachricht kann vertrauliche|diese e-mail und alle|diese e-mail und etwaige|diese e-mail einschliesslich"
    "|diese e-mail ist vertraulich|diese nachricht ist vertraulich|diese e-mail ist ausschliesslich"
    "|diese nachricht ist ausschliesslich|diese e-mail ist nur für|diese nachricht ist nur für"
    "|inhalt dieser e-mail ist vertraulich|inhalt dieser e-mail ist ausschliesslich|der inhalt dieser e-mail"
    "|der inhalt dieser nachricht|diese e-mail irrtümlich erhalten|diese mail irrtümlich erhalten"
    "|diese nachricht irrtümlich erhalten|unerlaubte kopieren|unbefugte weitergabe|informationen zum datenschutz"
    "|hinweise zum datenschutz|datenschutzhinweise|unsere datenschutz|ce message est confidentiel"
    "|ce message et toutes|ce message et ses|ce message, ainsi que|ce courriel et|ce courriel est confidentiel"
    "|cet e-mail est confidentiel|cet e-mail et|ce message peut contenir|ce message contient des informations"
    "|ce message est destiné|si vous n'êtes pas le destinataire|si vous n’êtes pas le destinataire"
    "|si vous avez reçu ce|si vous recevez ce message par erreur|este mensaje y sus|este mensaje y cualquier"
    "|este mensaje, y|este correo electrónico y|este correo y|este mensaje es confidencial|este mensaje se dirige"
    "|este mensaje va dirigido|este mensaje puede contener|este correo electrónico puede contener"
    "|este correo electrónico contiene|este mensaje contiene información|si usted no es el destinatario"
    "|si no es usted el destinatario|si ha recibido este|si ha recibido por error|aviso legal"
    "|cláusula de confidencialidad|questo messaggio è confidenziale|questo messaggio e gli|questa e-mail e"
    "|questa email e|questa e-mail è|il presente messaggio|la presente comunicazione|le informazioni contenute in"
    "|le informazioni trasmesse|se non siete il destinatario|se avete ricevuto|se ricevete questo"
    "|qualora abbia ricevuto|se ha ricevuto|ai sensi del d.lgs|ai sensi del regolamento|regolamento ue 2016"
    "|esta mensagem e|esta mensagem é confidencial|esta mensagem pode conter|esta mensagem contém|este e-mail e"
    "|este e-mail é confidencial|este e-mail pode conter|as informações contidas|se você não é o destinatário"
    "|se não for o destinatário|se não é o destinatário|se recebeu esta|caso tenha recebido"
    "|aviso de confidencialidade|aviso legal|dit bericht is vertrouwelijk|dit bericht kan vertrouwelijke"
    "|dit bericht is uitsluitend|dit e-mailbericht|deze e-mail is vertrouwelijk|deze e-mail is uitsluitend"
    "|deze e-mail en|deze e-mail kan vertrouwelijke|de informatie in dit|de informatie in deze"
    "|niet de geadresseerde|niet de beoogde|indien u dit bericht|als u dit bericht"
    "|aan dit bericht kunnen geen rechten|aan deze e-mail kunnen geen rechten|detta meddelande är konfidentiellt"
    "|detta meddelande kan innehålla|detta e-postmeddelande|denna e-post|detta mail kan innehålla|avsett endast för"
    "|endast avsett för|om du har fått detta|om du inte är avsedd|denne e-mail er fortrolig|denne mail er fortrolig"
    "|denne e-mail kan indeholde|denne mail kan indeholde|denne meddelelse kan|hvis du ved en fejl"
    "|hvis du har modtaget denne|denne e-posten|denne e-post|dersom du har mottatt|hvis du har mottatt denne"
    "|tämä viesti on tarkoitettu|tämä sähköposti|jos et ole tarkoitettu|ta wiadomość jest poufna"
    "|ta wiadomość może zawierać|niniejsza wiadomość|treść tej wiadomości|informacje zawarte w|nie jest adresatem"
    "|nie są adresatem|otrzymali państwo tę wiadomość przez pomyłkę|klauzula poufności|administratorem danych"
    "|tato zpráva je důvěrná|tento e-mail|tato zpráva může|ez az üzenet|настоящее сообщение|это сообщение и любые"
)
PRINT_NOTICES = listed(
    "think before you print|before printing this|before you print this|consider the environment before"
    "|please consider the environment|consider your environmental|save paper|do not print this|need to print this"
    "|bevor sie diese e-mail ausdrucken|bevor sie diese mail ausdrucken|bevor sie diese nachricht ausdrucken"
    "|bevor sie drucken|vor dem ausdrucken|vor dem drucken|vor ausdruck|bevor du diese|denken sie an die umwelt"
    "|denk an die umwelt|umwelt zuliebe|avant d'imprimer|avant d’imprimer|pensez à l'environnement"
    "|pensez à l’environnement|n'imprimez ce|n’imprimez ce|n'imprimez que|antes de imprimir|piense en el medio"
    "|antes de imprimir este|prima di stampare|stampare questa|pensa all'ambiente|pense no ambiente|pense no meio"
    "|denk aan het milieu|denkt u aan het milieu|voordat u deze|print deze e-mail|tänk på miljön|tänk på naturen"
    "|skriv inte ut|tænk på miljøet|print ikke|tenk på miljøet|skriv ikke ut|ajattele ympäristöä"
    "|pomyśl o środowisku|zanim wydrukujesz|chroń środowisko|než vytisknete"
)
# With a word for mail, or a product, beside the virus.
VIRUS_WORDS = listed(
    "virus|viruses|virussen|virusi|antivirus|viren|virenfrei|vírus|wirus|wirusów|virusfri|malware|вирус|вирусов"
)
VIRUS_SCANS = listed(
    "virus-free|virus free|checked for|scanned|been checked|no virus|free of|free from|geprüft|virenfrei|überprüft"
    "|gescannt|frei von|keine viren|absence de virus|vérifié|analysé|sans virus|libre de|analizado|no contiene"
    "|comprobado|controllat|priva di|privo di virus|senza virus|scansionat|verificad|sem vírus|livre de"
    "|gecontroleerd|virusvrij|gescand|genomsökt|sökts igenom|virusfri|kontroller|tjekket|skannet|sjekket|tarkistett"
    "|sprawdzon|wolna od|neobsahuje|zkontrolov|провер"
)
VIRUS_MAILS = listed(
    "e-mail|email|message|mail|nachricht|courriel|courrier|correo|mensaje|messaggio|mensagem|bericht|meddelande"
    "|meddelelse|viesti|wiadomość|zpráva|сообщение|avast|avg|mcafee|norton|kaspersky|eset|bitdefender|avira|sophos"
    "|mimecast|messagelabs|mailscanner|www."
)
LIST_NOTICES = listed(
    "mailing list|mailinglist|mailing-list|listinfo|mailman|to unsubscribe from this group"
    "|to unsubscribe from this list|unsubscribe from this group|google groups|list archive|majordomo|mailingliste"
    "|liste de diffusion|lista de correo"
    "|manage your notification|view it on github|unsubscribe from these"
)
SYSTEM_NOTICES = listed(
    "you are receiving this because you|you received this message because you|reply to this email directly or"
    "|this message was sent by an automated|this is an automated message|this is an automatically generated"
    "|this email was sent automatically|diese nachricht wurde automatisch|diese e-mail wurde automatisch"
    "|dies ist eine automatisch"
)
# Three of these and a word for mail; one beside a notice.
WEAK_NOTICES = listed(
    "intended recipient|confidential|privileged|unauthorised|unauthorized|dissemination|distribution"
    "|strictly prohibited|in error|delete this|delete it|notify the sender|notify us|any attachments|liability"
    "|viruses|unsubscribe|privacy policy|all rights reserved|vertraulich|rechtlich geschützt|irrtümlich|unbefugt"
    "|nicht gestattet|vernichten sie|löschen sie|umgehend|weitergabe|vervielfältig|haftung|anhänge|umwelt"
    "|abzumelden|datenschutz|confidentiel|destinataire|par erreur|diffusion|pièces jointes|confidencial"
    "|destinatario|por error|prohibida|protección de datos|riservat|destinatari|per errore|vietat|cancellarl"
    "|restituir|d.lgs|gdpr|destinatário|por engano|vertrouwelijk|geadresseerde|onbevoegd|ten onrechte|verwijder"
    "|konfidentiell|mottagare|obehörig|av misstag|fortrolig|modtager|ved en fejl|slettes|mottaker|poufn|adresat"
    "|nieuprawnion|przez pomyłkę|důvěrn|adresát"
)
MAIL_WORDS = listed(
    "e-mail|email|message|mail|communication|transmission|nachricht|courriel|courrier|correo|mensaje|comunicación"
    "|messaggio|comunicazione|mensagem|bericht|meddelande|e-post|epost|meddelelse|melding|viesti|wiadomość"
    "|wiadomości|zpráv|üzenet|сообщение"
)
# A paragraph within a notice that is only this.
NOTICE_ENDS = frozenset(
    listed(
        "thank you|thank you for your cooperation|thank you.|disclaimer|confidentiality notice|vielen dank|danke"
        "|vielen dank für ihr verständnis|merci|merci de votre compréhension|gracias|grazie|obrigado|bedankt|tack"
        "|tak|dziękujemy|notice|hinweis|english version below|deutsche version oben"
    )
)
# A paragraph at the head with one of these is a gateway's.
BANNERS = listed(
    "email originated from outside|e-mail originated from outside|message originated from outside"
    "|mail originated from outside|email originated outside|email came from outside|e-mail came from outside"
    "|message came from outside|email is from outside|message is from outside|sent from outside"
    "|email is from an external|message is from an external|email originates from outside"
    "|originated from an external|was sent from an external|comes from an external|this is an external email"
    "|this is an external e-mail|this is an external message|external email warning|external sender warning"
    "|do not click links or open attachments|do not click any links|do not click on links or open attachments"
    "|don't click links|you don't often get email from|some people who received this message don't often get"
    "|this sender is not verified|the sender of this message is external|sender outside your organi"
    "|e-mail kommt von ausserhalb|mail kommt von ausserhalb|nachricht kommt von ausserhalb"
    "|e-mail stammt von ausserhalb|mail stammt von ausserhalb|nachricht stammt von ausserhalb"
    "|e-mail stammt von einem externen|nachricht stammt von einem externen|e-mail wurde von ausserhalb"
    "|mail wurde von ausserhalb|nachricht wurde von ausserhalb|e-mail wurde von einem externen"
    "|von einem externen absender|sie erhalten nicht oft e-mails|sie erhalten nicht häufig e-mails"
    "|sie erhalten selten e-mails|klicken sie nicht auf links|klicken sie auf keine links|provient de l'extérieur"
    "|provient de l’extérieur|provient d'un expéditeur externe|vous n'obtenez pas souvent"
    "|vous ne recevez pas souvent|ne cliquez pas sur les liens|ne cliquez sur aucun lien|proviene de fuera"
    "|procede de fuera|se originó fuera|remitente externo|no suele recibir|no recibe a menudo|no haga clic en"
    "|proviene dall'esterno|proviene dall’esterno|proviene da un mittente esterno|non si ricevono spesso"
    "|non ricevi spesso|non fare clic su|non cliccare su|enviado de fora|originou-se fora|remetente externo"
    "|você não costuma receber|não clique em|afkomstig van buiten|afkomstig van een externe|u ontvangt niet vaak"
    "|klik niet op links|kommer från en extern|kommer utifrån|e-postmeddelande kommer från|du får inte ofta"
    "|klicka inte på länkar|kommer udefra|kommer fra en ekstern|du får ikke ofte|klik ikke på links|ikke klikk på"
    "|pochodzi spoza|od nadawcy zewnętrznego|nie otrzymujesz często|nie klikaj|pochází z externího"
    "|pochází z vnějšku"
)
BANNER_WORDS = frozenset(
    listed(
        "outside|external|extern|externen|externer|externe|often|verified|click|clicking|ausserhalb|oft|häufig"
        "|selten|klicken|l'extérieur|l’extérieur|souvent|cliquez|fuera|externo|menudo|suele|clic|dall'esterno"
        "|dall’esterno|esterno|spesso|fora|costuma|clique|buiten|vaak|klik|utifrån|ofte|ofta|klicka|klikk|udefra"
        "|ekstern|från|spoza|zewnętrznego|często|klikaj|externího|vnějšku"
    )
)
# A paragraph at the head that is only this (brackets aside) is a gateway's.
BANNER_LINES = frozenset(
    listed(
        "external|external email|external e-mail|external mail|external sender|external message"
        "|caution: external email|caution: external sender|caution external email|warning: external email"
        "|warning: external sender|caution|extern|extern e-mail|externe e-mail|externe mail|externe nachricht"
        "|externer absender|achtung: externe e-mail|achtung: externer absender|achtung externe e-mail"
        "|achtung: externe mail|vorsicht: externe e-mail|courriel externe|e-mail externe|message externe"
        "|expéditeur externe|attention : expéditeur externe|correo externo|remitente externo|mensaje externo"
        "|e-mail externo|mittente esterno|email esterna|messaggio esterno|remetente externo|externe afzender"
        "|externe e-mail|extern avsändare|externt e-postmeddelande|ekstern afsender|ekstern e-mail|ekstern avsender"
        "|ekstern e-post|wiadomość zewnętrzna|nadawca zewnętrzny|externí e-mail"
    )
)
# How a banner goes on.
BANNER_MORE = listed(
    "do not click|don't click|unless you|recognise the sender|recognize the sender|content is safe|know the sender"
    "|learn why|report suspicious|be careful|use caution|exercise caution|klicken sie|öffnen sie|absender kennen"
    "|inhalt sicher|erfahren sie, warum|vorsicht|cliquez|expéditeur|n'ouvrez|haga clic|remitente|mittente"
    "|non aprire|remetente|afzender|klik niet|avsändare|öppna inte|afsender|nadawc"
)
SOCIAL_WORDS = frozenset(
    listed(
        "facebook|twitter|x|linkedin|instagram|youtube|xing|tiktok|pinterest|mastodon|bluesky|threads|whatsapp"
        "|github|blog|follow|us|me|on|find|visit|connect|with|like|our|my|page|and|or|folgen|sie|uns|mir|auf"
        "|besuchen|und|folge|suivez-nous|suivez|nous|sur|et|retrouvez-nous|síguenos|síganos|en|y|seguici|su|e"
        "|siga-nos|no|volg|ons|op|en|följ|oss|på|och|følg|os|og|obserwuj|nas|na|i|web|website|www"
    )
)
SOCIAL_NAMES = frozenset(
    listed("facebook|twitter|linkedin|instagram|youtube|xing|tiktok|pinterest|mastodon|bluesky")
)
# On a short line, with a link or alone: a calendar or a questionnaire.
OFFERS = listed(
    "book a meeting|book a call|book a demo|book time with|book some time|schedule a meeting|schedule a call"
    "|schedule time with|schedule a demo|calendly|meet with me|termin buchen|termin vereinbaren"
    "|buchen sie einen termin|buchen sie hier|meeting buchen|prendre rendez-vous|prenez rendez-vous|réserver un"
    "|agendar una|reserva una|agenda una|prenota un|agende uma|agendar uma|plan een afspraak|plan een gesprek"
    "|boka ett möte|boka möte|book et møde|book møde|book et møte|umów spotkanie"
    "|how did i do|how did we do|rate my|rate our|rate this|leave us a review|bewerten sie uns|wie zufrieden"
    "|donnez-nous votre avis|valora|lascia una recensione|beoordeel ons"
)
