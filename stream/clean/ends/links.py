"""Says whether a line is only a link of the kind that stands below a name: a picture's place, social media, a calendar.

A pure question about one line, put by `footers` and `closings`.
"""

import re

from stream.clean.ends.footer_phrases import OFFERS, SOCIAL_NAMES, SOCIAL_WORDS

_MAX_LINE_CHARS = 400
_MAX_WORDS_CHARS = 150
_MAX_OFFER_WORDS = 10
_LINK = re.compile(r"[<(\[]?https?:[^\s<>()\[\]]{1,500}[>)\]]?")
_PLACEHOLDER = re.compile(
    r"\[(?:cid|image|inline image|bild|imagen|immagine|afbeelding|logo)\b[^\]]{0,200}\]|<?cid:[^\s>]{1,200}>?"
    r"|[<\[]?https?:[^\s<>\[\]]{1,400}\.(?:png|jpe?g|gif|svg)[>\]]?|!\[[^\]]{0,200}\]\([^)]{0,400}\)"
    r"|\[[^\]]{0,300}(?:automatically generated|automatisch generiert|générée automatiquement"
    r"|generada automáticamente|generata automaticamente|gerada automaticamente)[^\]]{0,60}\]",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"[\w'’.-]+")
_OFFER_WORDS = frozenset(phrase.split()[0] for phrase in OFFERS)


def link_rule(line: str) -> str:
    """The rule by which a line is such a link, in words for a person; empty if it is none."""
    has_link = "http" in line
    if not line or len(line) > _MAX_LINE_CHARS:
        return ""
    if line[0] in "[<!hc" and not _PLACEHOLDER.sub("", line).strip(" |·•-"):
        return "image placeholder"
    if not has_link and (len(line) > _MAX_WORDS_CHARS or line[-1] in "?:"):
        return ""
    folded = _LINK.sub(" ", line).casefold() if has_link else line.casefold()
    words = _TOKEN.findall(folded)
    if not SOCIAL_NAMES.isdisjoint(words) and SOCIAL_WORDS.issuperset(words):
        return "social media"
    if not has_link and "www." not in folded and "calendly" not in folded:
        return ""  # `Termin vereinbaren bitte`
    return "scheduling or review link" if _is_offer(words, folded) else ""


def _is_offer(words: list[str], folded: str) -> bool:
    return (
        len(words) <= _MAX_OFFER_WORDS
        and not _OFFER_WORDS.isdisjoint(words)
        and "?" not in folded
        and folded.lstrip(" *>»-").startswith(OFFERS)
    )
