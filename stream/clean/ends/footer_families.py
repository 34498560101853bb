"""Families of word starts by which notices and banners are known whose wording nobody has listed. Tables only.

A paragraph that has a word of each family of a rule, and speaks of no person, is such a notice. All in folded case.
"""

from stream.clean.ends.footer_phrases import IMPRINT_TALK
from stream.clean.ends.phrases import PLEAS
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

# Of these a mail speaks that is about the particulars of a company.
COMPANY_WORDS = listed(
    "invoice|billing|company|imprint|bank|director|rechnung|firm|impressum|geschäftsführ|unternehmensdaten|factur"
    "|société|entreprise|empresa|fattura|azienda|fatura|factuur|bedrijf|faktura|fakturę|företag"
)
CHANGES = IMPRINT_TALK - PLEAS - frozenset(listed("hallo|hello|dear"))
ACCOUNT_WORDS = listed("iban|sort code|account|konto|blz|compte|cuenta|conto|conta|rekening")
LEGAL_FORMS = frozenset(
    listed(
        "gmbh|ag|kg|ohg|ug|e.k|e.v|ltd|limited|inc|llc|corp|plc|sarl|sas|s.a|s.l|s.r.l|srl|b.v|n.v|ab|a/s|o.o"
    )
)


def holds_each(words: list[str], families: Families) -> bool:
    """Whether a text, in words, has a word of each family."""
    return all(any(word.startswith(family) for word in words) for family in families)
