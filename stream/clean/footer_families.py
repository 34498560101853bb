"""Families of word starts by which notices and banners are known whose wording nobody has listed. Tables only.

A paragraph that has a word of each family of a rule, and speaks of no person, is such a notice. All in folded case.
"""

from stream.clean.lines import listed

Families = tuple[tuple[str, ...], ...]

_MAIL = listed(
    "mail|e-mail|email|message|nachricht|courriel|correo|mensaje|messaggio|mensagem|bericht|meddelande|wiadomo"
)
PRINT: Families = (
    listed("print|druck|ausdruck|imprim|stamp|afdruk|skriv|wydruk|tisk"),
    _MAIL,
    listed(
        "tree|forest|environment|planet|paper|green|umwelt|baum|bäume|papier|natur|arbre|environnement|planète|árbol"
        "|ambiente|papel|albero|carta|milieu|boom|miljö|miljø|träd|drzew|środowisk"
    ),
)
PRIVACY: Families = (
    listed(
        "dsgvo|gdpr|rgpd|avg|datenschutz|datenverarbeitung|privacy|confidentialité|privacidad|protección"
    ),
    listed(
        "internetseite|website|webseite|homepage|http|www|online|site|sitio|sito|policy|notice|erklärung"
    ),
    listed(
        "find|inform|see|read|lesen|siehe|hinweis|trouver|consult|encontr|trov|detail|more|mehr"
    ),
)
LIABILITY: Families = (
    listed("virus|viren|vírus|damage|schäden|error|content|inhalt"),
    listed("accept|liab|responsib|haft|verantwort|respons|aansprakelijk"),
    (*_MAIL, *listed("sender|absender|expéditeur|remitente|mittente|remetente|afzender|avsändare")),
)
# What a gateway's warning begins with, and what it warns of.
BANNER_LABELS = frozenset(
    listed(
        "external|caution|warning|attention|alert|notice|achtung|warnung|vorsicht|externe|extern|externer|hinweis"
        "|avertissement|prudence|advertencia|precaución|aviso|atención|attenzione|avviso|esterna|esterno|atenção"
        "|cuidado|externo|waarschuwing|varning|advarsel|uwaga|ostrzeżenie"
    )
)
BANNER: Families = (
    (
        *_MAIL,
        *listed(
            "sender|absender|expéditeur|remitente|mittente|remetente|afzender|avsändare|afsender|nadawc"
        ),
    ),
    listed(
        "link|attach|anhang|anhäng|anlagen|pièces|adjunt|allegat|anexo|bijlage|bilag|załącznik|outside|extern|organi"
        "|verif|validat|trust|impersonat|phish"
    ),
)


def holds_each(words: list[str], families: Families) -> bool:
    """Whether a text, in words, has a word of each family."""
    return all(any(word.startswith(family) for word in words) for family in families)
