"""The phrases by which signatures, mobile footers, legal footers and banners are known, by language. Tables only.

All phrases are in folded case (`str.casefold`: `ß` is `ss`).
"""

from stream.clean.lines import listed

# A line that is only this (and a comma) closes a letter; a name follows.
CLOSINGS = frozenset(
    listed(
        "best regards|kind regards|kindest regards|warm regards|warmest regards|regards"
        "|with kind regards|with best regards|best wishes|many regards|sincerely"
        "|yours sincerely|sincerely yours|yours faithfully|yours truly|respectfully|best"
        "|all the best|rgds|brgds|br|kr|mit freundlichen grüssen|mit freundlichem gruss"
        "|freundliche grüsse|freundlichen gruss|freundlicher gruss|mit besten grüssen"
        "|beste grüsse|besten gruss|bester gruss|viele grüsse|vielen gruss"
        "|viele liebe grüsse|liebe grüsse|lieben gruss|herzliche grüsse|schöne grüsse"
        "|schönen gruss|gruss|grüsse|mit freundlichen gruessen|freundliche gruesse"
        "|viele gruesse|beste gruesse|liebe gruesse|gruesse|mfg|m.f.g.|lg|vg|bg"
        "|hochachtungsvoll|mit vorzüglicher hochachtung|cordialement|bien cordialement"
        "|très cordialement|bien à vous|sincères salutations|salutations"
        "|meilleures salutations|salutations distinguées|cdlt|cordialement vôtre|saludos"
        "|un saludo|saludos cordiales|un cordial saludo|cordiales saludos"
        "|reciba un cordial saludo|atentamente|atte|muy atentamente|cordiali saluti"
        "|distinti saluti|saluti|un saluto|cordialmente|in fede|atenciosamente|att"
        "|cumprimentos|com os melhores cumprimentos|melhores cumprimentos|abraços|abraço"
        "|met vriendelijke groet|met vriendelijke groeten|vriendelijke groet"
        "|vriendelijke groeten|hartelijke groet|groeten|groet|groetjes|mvg|hoogachtend"
        "|med vänlig hälsning|med vänliga hälsningar|vänliga hälsningar|vänlig hälsning"
        "|hälsningar|mvh|med venlig hilsen|venlig hilsen|med venlige hilsner"
        "|de bedste hilsner|bedste hilsner|hilsen|hilsner|vh|kh|med vennlig hilsen"
        "|vennlig hilsen|ystävällisin terveisin|terveisin|z poważaniem|z powazaniem"
        "|z wyrazami szacunku|pozdrawiam|serdecznie pozdrawiam|pozdrawiam serdecznie"
        "|pozdrowienia|s pozdravem|с уважением|з повагою|с наилучшими пожеланиями"
    )
)
# These close a letter too, but also end a request: they need a contact block below.
WEAK_CLOSINGS = frozenset(
    listed(
        "thanks|thank you|many thanks|thanks again|thanks in advance|thank you in advance"
        "|thx|cheers|thanks and regards|thanks & regards|thanks & best regards|danke"
        "|vielen dank|besten dank|danke im voraus|vielen dank im voraus|merci"
        "|merci d'avance|merci beaucoup|gracias|muchas gracias|gracias de antemano|grazie"
        "|grazie mille|obrigado|obrigada|bedankt|dank u|alvast bedankt|tack|tack på förhand"
        "|tak|på forhånd tak|mange tak|dziękuję|z góry dziękuję|bien"
    )
)
POSTSCRIPTS = ("ps:", "p.s.", "ps.", "p.s:", "ps ", "nb:", "n.b.")

# A whole short line that starts or ends so was written by a telephone.
MOBILE_STARTS = listed(
    "sent from my |sent from mail|sent from yahoo|sent from outlook"
    "|sent from windows mail|sent from samsung|sent from typeapp|sent from proton"
    "|sent from gmail|sent from a |sent from the |sent from bluemail|sent from myphone"
    "|sent from nine|sent via |sent using |sent with |sent on the go|from my iphone"
    "|from my ipad|get outlook for |get [outlook for |sent from [mail]|von meinem "
    "|von meiner |von unterwegs |gesendet von |gesendet mit |gesendet aus "
    "|gesendet über |diese nachricht wurde von meinem |diese e-mail wurde von meinem "
    "|envoyé de |envoyé depuis |envoyé à partir de |obtenir outlook pour"
    "|téléchargez outlook|enviado desde |enviado do |enviado de |enviado a partir "
    "|enviado via |obtener outlook para|obter o outlook|inviato da |inviato dal "
    "|inviato con |verzonden vanaf |verzonden met |verstuurd vanaf |verzonden via "
    "|skickat från |skickades från |sendt fra |sendt med |hent outlook|hämta outlook"
    "|wysłane z |wysłano z |pobierz program outlook|outlook für |download outlook"
    "|lähetetty |odesláno z |отправлено с |отправлено из |надіслано з |從我的 |发自我的"
    "|iphoneから送信|自我的"
)
MOBILE_ENDS = (
    "gesendet",
    "gesendet.",
    "から送信",
    "傳送",
    "via mobile",
    "from mobile",
    "from my mobile",
)
MOBILE_DEVICES = listed(
    "iphone|ipad|ipod|android|samsung|galaxy|huawei|blackberry|outlook|handy|smartphone"
    "|mobile|mobil|telefon|phone|tablet|yahoo|mail|windows|nokia|xperia|pixel|gmx"
    "|web.de|t-mobile|1&1|app|device|airmail|proton|ti-85|alcatel|cell|nexus|htc|lg "
    "|motorola|oneplus|xiaomi|spark|boxer|nine|palm|treo|wireless|verizon|at&t|sprint"
    "|手机|devic"
)

# Two of these in one paragraph, and no first person, make it the legal footer of a company. No IBAN and no BIC: a
# bank's customers write them.
IMPRINT_MARKS = listed(
    "geschäftsführer|geschäftsführung|geschaeftsfuehrer|handelsregister|hrb |hrb:|hrb-|hra "
    "|amtsgericht|registergericht|sitz der gesellschaft|gesellschaftssitz|ust-id|ust.-id"
    "|ustid|umsatzsteuer-id|steuernummer|steuer-nr|aufsichtsrat|vorstand:|vorstand ("
    "|vorstandsvorsitz|vorsitzender des|registered office|registered in england|registered in"
    "|company number|company no|registration number|vat no|vat number|vat reg|siège social"
    "|siret|siren|capital social|tva intra|sede legale|partita iva|p.iva|p. iva|cap. soc"
    "|registro mercantil|cif:|nif:|c.i.f|domicilio social|kvk|k.v.k|btw-nummer|btw nr|btw:"
    "|handelsregisternummer|org.nr|org nr|organisationsnummer|cvr|krs|nip:|nip |regon"
    "|firmenbuch|uid-nr|geschäftsanschrift|komplementär|pers. haftende|persönlich haftende"
)
# One of these, or two of the weak ones, and no first person, make a paragraph a notice that nobody wrote for this mail.
NOTICES = listed(
    "not the intended recipient|not an intended recipient|intended solely for the"
    "|intended only for the|for the sole use of the|confidentiality notice"
    "|if you have received this e|this e-mail and any attachments"
    "|this email and any attachments|this message and any attachments"
    "|this e-mail is confidential|this email is confidential|this message is confidential"
    "|think before you print|consider the environment before|virus-free. www|virenfrei. www"
    "|auf viren geprüft|checked for viruses|has been scanned for viruses|has been scanned by"
    "|scanned by avast|nicht der richtige adressat|nicht der beabsichtigte empfänger"
    "|nicht der vorgesehene empfänger|diese e-mail enthält vertrauliche"
    "|diese mail enthält vertrauliche|diese nachricht enthält vertrauliche"
    "|diese e-mail ist vertraulich|bevor sie diese e-mail ausdrucken"
    "|bevor sie diese mail ausdrucken|ce message est confidentiel"
    "|ce message et toutes les pièces jointes|ce courriel est confidentiel"
    "|si vous n'êtes pas le destinataire|avant d'imprimer ce|este mensaje y sus"
    "|este correo electrónico y|este mensaje es confidencial|si usted no es el destinatario"
    "|antes de imprimir este|questo messaggio è confidenziale"
    "|le informazioni contenute in questo messaggio|le informazioni contenute in questa"
    "|prima di stampare questa|esta mensagem e|esta mensagem é confidencial"
    "|se você não é o destinatário|dit bericht is vertrouwelijk|dit e-mailbericht"
    "|niet de geadresseerde|detta meddelande är konfidentiellt|avsett endast för"
    "|denne e-mail er fortrolig|denne mail er fortrolig|ta wiadomość jest poufna"
    "|nie jest adresatem tej|you are receiving this because you"
    "|reply to this email directly or|this message was sent by an automated"
    "|diese nachricht wurde automatisch"
)
WEAK_NOTICES = listed(
    "intended recipient|confidential|privileged|unauthorised|unauthorized|dissemination"
    "|strictly prohibited|in error|delete this|notify the sender|any attachments|liability"
    "|viruses|unsubscribe|privacy policy|all rights reserved|vertraulich|rechtlich geschützt"
    "|irrtümlich|unbefugt|nicht gestattet|vernichten sie|anhänge|umwelt|abzumelden"
    "|datenschutz|confidentiel|destinataire|par erreur|diffusion|pièces jointes|confidencial"
    "|destinatario|por error|prohibida|protección de datos|riservat|destinatari|per errore"
    "|vietat|d.lgs|gdpr|destinatário|por engano|vertrouwelijk|geadresseerde|onbevoegd"
    "|konfidentiell|mottagare|obehörig|fortrolig|modtager|poufn|adresat|nieuprawnion"
)
# Whoever writes of himself is no footer.
FIRST_PERSON = frozenset(
    listed(
        "i|my|me|mine|ich|mein|meine|meinem|meinen|meiner|mir|mich|je|j|mon|ma|mes|yo|mi|mis|io"
        "|mio|mia|eu|meu|minha|ik|mijn|jag|min|mitt|mina|jeg|mit|mine|ja|mój|moja|moje"
    )
)
# A paragraph at the head with one of these is a gateway's.
BANNERS = listed(
    "this email originated from outside|this e-mail originated from outside"
    "|this message originated from outside|this email came from outside"
    "|this is an external email|do not click links or open attachments"
    "|do not click on links or open attachments|you don't often get email from"
    "|some people who received this message don't often get|diese e-mail kommt von ausserhalb"
    "|diese e-mail stammt von ausserhalb|diese e-mail wurde von ausserhalb"
    "|sie erhalten nicht oft e-mails|sie erhalten nicht häufig e-mails von"
    "|cet e-mail provient de l'extérieur|ce courriel provient de l'extérieur"
    "|este correo proviene de fuera|questa email proviene dall'esterno"
    "|este e-mail foi enviado de fora|deze e-mail is afkomstig van buiten"
    "|detta e-postmeddelande kommer från|denne mail kommer udefra|ta wiadomość pochodzi spoza"
)
# A paragraph at the head that is only this (brackets aside) is a gateway's.
BANNER_LINES = frozenset(
    listed(
        "external|external email|external e-mail|external sender|external message"
        "|caution: external email|caution: external sender|warning: external email|extern"
        "|externe e-mail|externe mail|externer absender|achtung: externe e-mail"
        "|achtung externe e-mail|courriel externe|expéditeur externe|correo externo"
        "|mensaje externo|e-mail externo|mittente esterno|externe afzender"
        "|externt e-postmeddelande|ekstern e-mail|wiadomość zewnętrzna"
    )
)
# Signs of an address block.
CONTACT_MARKS = listed(
    "tel|tel.|phone|telefon|fon|fax|mobil|mobile|mob|cell|direct|e-mail|email|mail|web"
    "|www|http|https|skype|linkedin|t|f|m|p|e"
)
