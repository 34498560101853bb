"""The phrases by which `kinds` and `machines` tell a mailing from a customer who writes like one.

How the end of a newsletter tells to leave the list; and what only people write: a request, a parcel, `your automatic
reply`. Tables only, in folded case (`str.casefold`). Languages: en de fr es it pt nl sv da nb fi pl cs hu ru tr.
"""

from stream.clean.lines import listed

# One of these words near the end guards the tables below; a colon before the link costs nothing here.
UNSUBSCRIBE_WORDS = frozenset(
    word + end
    for end in ("", ":")
    for word in listed(
        "unsubscribe|unsubscribing|unsubscribed|opt-out|abmelden|abzumelden|abmeldung|abbestellen"
        "|abzubestellen|austragen|désabonner|désabonnement|désinscrire|désinscription|désinscrivez-vous"
        "|désabonnez-vous|baja|suscripción|desuscribirse|disiscriviti|disiscriversi|disiscrizione|cancellarti"
        "|cancellati|descadastrar|descadastre-se|inscrição|subscrição|assinatura|afmelden"
        "|uitschrijven|afmelding|avregistrera|avprenumerera|prenumerationen|prenumeration|avregistrerar"
        "|afmeld|afmelde|avmeld|avmelde|avslutte|peruuta|peruuttaa|wypisz|wypisać|rezygnuj|zrezygnować|odhlásit"
        "|odběr|leiratkozás|leiratkozhat|отписаться|abonelikten"
    )
)
# A line at the end that is only this is a link that a newsletter carries.
UNSUBSCRIBE_LINES = frozenset(
    listed(
        "unsubscribe|unsubscribe here|unsubscribe now|unsubscribe from this list|unsubscribe from this newsletter"
        "|unsubscribe from all emails|unsubscribe me|click here to unsubscribe|to unsubscribe click here|opt out"
        "|to unsubscribe, click here|unsubscribe from our emails|unsubscribe from these emails|abmelden"
        "|newsletter abmelden|hier abmelden|vom newsletter abmelden|newsletter abbestellen|abbestellen"
        "|hier abbestellen|jetzt abmelden|zum abmelden hier klicken|se désabonner|se désinscrire|désinscription"
        "|désabonnement|me désinscrire|se désinscrire de la newsletter|cliquez ici pour vous désabonner"
        "|darse de baja|dar de baja|cancelar suscripción|cancelar la suscripción|anular suscripción|disiscriviti"
        "|disiscrizione|cancella iscrizione|annulla iscrizione|cancellati|cancelar inscrição|cancelar subscrição"
        "|cancelar assinatura|descadastrar|remover inscrição|afmelden|uitschrijven|afmelden voor deze nieuwsbrief"
        "|hier afmelden|schrijf je uit|avregistrera|avprenumerera|avsluta prenumeration|avregistrera dig|afmeld"
        "|afmeld nyhedsbrev|afmeld dig|avmeld|meld deg av|peruuta tilaus|wypisz się|wypisz|rezygnuj|odhlásit"
        "|odhlásit odběr|leiratkozás|отписаться|abonelikten çık"
    )
)
# Beside a stem of the above, near the end: nobody but a newsletter explains this.
NEWSLETTER_WORDS = listed(
    "you are receiving this|received this email|received this e-mail|unsubscribe at any time|list at any time"
    "|wish to be removed|no longer wish to|you're receiving this|you received this|this email was sent to"
    "|this e-mail was sent to|this message was sent to|to stop receiving|update your preferences"
    "|manage preferences|email preferences|manage your subscription|view in browser|view this email in"
    "|view online|all rights reserved|you signed up|sie erhalten diese e-mail|sie erhalten diesen newsletter"
    "|sie erhalten diese mail|diese e-mail wurde an|dieser newsletter wurde an|keine weiteren e-mails"
    "|nicht mehr erhalten möchten|im browser|wenn sie keine|wenn sie diesen newsletter nicht|vous recevez ce"
    "|vous recevez cet|ne plus recevoir|si vous ne souhaitez plus|ce message a été envoyé à|version en ligne"
    "|recibes este|recibe este|ha recibido este|has recibido este|si no desea|si no deseas|no desea recibir"
    "|ricevi questa|hai ricevuto questa|riceve questa|se non desideri|se non vuoi|non desidera|você recebeu"
    "|recebeu este|não deseja receber|não quiser receber|je ontvangt deze|u ontvangt deze|niet langer ontvangen"
    "|geen e-mails meer|du får detta|du får det här|vill du inte längre|inte längre vill|du modtager denne"
    "|ønsker du ikke|du mottar denne|otrzymujesz t|otrzymali państwo|nie chcesz otrzymywać|saat tämän"
)

# Whoever wants to leave a list says so in a sentence.
LEAVING = listed(
    "aus dem verteiler|vom verteiler|funktioniert nicht|entfernen sie|remove my|remove us|take me off|does not work"
    "|doesn't work|not working|ne fonctionne pas|no funciona|non funziona|werkt niet|fungerar inte|virker ikke"
)

# A request: a sentence with one of these, and none of the next table.
PLEASE = listed(
    "please|bitte|s'il vous pla|s'il te pla|veuillez|merci de |por favor|per favore|per cortesia|alstublieft"
    "|a.u.b.|vänligen|snälla|venligst|vennligst|proszę|prosím|kérem|пожалуйста|lütfen"
)
# What machines ask for: to write to somebody else, to wait, to take note, not to answer.
POLITE = listed(
    "contact|call |write to|reach |please email|please e-mail|turn to|get in touch|be aware|patien|expect "
    "|allow |note that|direct |refer to|accept my apolog|bear with|not reply|not respond|not answer|wenden"
    "|kontakt|beachten|verständnis|geduld|schreiben sie| richten|antworten sie nicht|nicht antworten"
    "|nicht auf diese|adressez|adresser|appele|écri|noter que|ne pas|dirij|llame|llamar|escrib|no respond"
    "|no contest|rivolg|scriv|chiam|non rispond|contate|ligue|escrev|não respond| neem | bel | niet | ring "
    "| inte |ikke |skriv|kontaktować|pisać|nie odp|kontaktujte|neodpov|ne válasz|forduljon|обращ|не отвеч"
    "|send mail to|problem report|postmaster|administrator"
)
# ... unless it is the writer who waits for it.
BACK_TO_ME = listed(
    "contact me|call me|write to me|email me|e-mail me|reach me|rufen sie mich|kontaktieren sie mich|mich an"
    "|mit mir|mit uns|contactez-moi|appelez-moi|écrivez-moi|llámeme|llámame|contácteme|escríbame|contattatemi"
    "|chiamatemi|bel mij|bel me|ring mig|kontakta mig|kontakt mig"
)
# What customers write of, and answering machines and mail servers do not.
MATTERS = listed(
    "parcel|package|shipment|refund|courier|my order|the order|order number|invoice|deadline|my device"
    "|the device|my account|password|my card|the card|contract|appointment|delivery date|neighbo|paket"
    "|päckchen|sendung|lieferung|bestell|rechnung| frist|gerät|retoure|mein konto|passwort|meine karte"
    "|vertrag|termin|kündig|widerspr|widerruf|nachbar|colis|livraison|commande|facture|rembours|le délai"
    "|mon compte|contrat|rendez-vous|voisin|paquete|mi pedido|el pedido|factura|reembolso|mi cuenta|plazo"
    "|contrato|vecin|pacco|spedi|ordine|fattura|rimborso|il reso|scadenza|contratto|vicin|encomenda|fatura"
    "|devolu|prazo|pakket|pakje|bestelling|factuur|afspraak|buren|paketet|beställning|faktura|pakke"
    "|bestilling|paczk|zamówieni|umow|tilau|balík|balíč|objednáv|csomag|rendelés|посылк|заказ|kargo|sipariş"
)
# Somebody speaks of an automatic answer that he got.
AUTO_MENTIONS = listed(
    "your autom|your auto-|your auto r|your autor|your out of office|got an auto|got the auto|got this auto"
    "|received an auto|received the auto|get an auto|getting an auto|only an auto|just an auto"
    "|this automatic reply|these auto|ihre automat|ihrer automat|eure automat|deine automat|eine automat"
    "|ihre abwesenheits|ihrer abwesenheits|votre réponse auto|votre message auto|une réponse auto qu"
    "|su respuesta auto|tu respuesta auto|una respuesta auto|sua risposta auto|vostra risposta auto"
    "|tua risposta auto|una risposta auto|sua resposta auto|uma resposta auto|uw automat|jullie automat"
    "|een automat|ert automat|ett automat|jeres automat|deres automat|et automat|automatyczną odpowiedź"
    "|вашего авто|ваш авто"
)
AUTO_ADMISSIONS = listed(
    "dies ist eine automat|das ist eine automat|esta es una respuesta|questa è una risposta"
    "|esta é uma resposta|dit is een automat|detta är ett automat|det här är ett automat|dette er et automat"
    "|this is an auto"
)
# Beside `generated automatically` these make a business mail: a program printed what a person sends.
BUSINESS = listed(
    "attached|enclosed|purchase order|please confirm|anbei|im anhang|beigefügt|anliegend|bitte bestätigen"
    "|kündig|widerruf|widerspr|cancellation of|terminat|résili|ci-joint|pièce jointe|bon de commande|adjunt"
    "|orden de compra|allegat|in allegato|ordine d'acquisto|em anexo|anexo|bijgaand|bijlage|bifog|vedhæft"
    "|vedlagt|załącz|liitteenä|přílo|mellékel|во вложении|прилага|ekte "
)
