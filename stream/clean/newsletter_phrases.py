"""The phrases by which `kinds` knows a newsletter that came without its headers: how its end tells to leave the list.

Tables only, in folded case (`str.casefold`). Languages: en de fr es it pt nl sv da nb fi pl cs hu ru tr.
"""

from stream.clean.lines import listed

# One of these words near the end guards the tables below.
UNSUBSCRIBE_WORDS = frozenset(
    listed(
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
