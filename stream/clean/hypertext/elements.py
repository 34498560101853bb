"""Takes the attributes of an HTML element and gives `markup` what they say: hidden, quoted, signed, kept as typed.

The table of mail programs is here: by which ids, classes and names each of them marks history and signatures. Names
are read without the prefixes that programs put before them when they quote a page (`x_` Outlook, `m_123` Gmail,
`ydp…`, `yiv…` Yahoo, `v1` Roundcube).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from stream.clean.lines import listed

Role = Literal["signature", "attribution", "history", "quote", "container", "headers", "none"]
"""`container` holds an attribution, quotes and answers between them; `headers` is where Outlook draws its line."""

NONE, VISIBILITY, FONT, COLOUR = 1, 2, 4, 8
"""Why text is hidden: for good, or until an element within says otherwise."""

_NAMES: dict[Role, str] = {
    "signature": (
        "gmail_signature|gmail_signature_prefix|moz-signature|moz-txt-sig|applemailsignature|signature"
        "|ms-outlook-mobile-signature|ms-outlook-ios-signature|_mailautosig|protonmail_signature_block"
        "|protonmail_signature_block-user|protonmail_signature_block-proton|messagesignaturesection|bloop_sign"
        "|composer_signature|k9mail-signature|-x-evo-signature|-x-evo-signature-wrapper|_rc_sig|__sig_pre__"
        "|__sig_post__|edo-signature|front-signature|missive_signature|odoo_signature_wrapper"
    ),
    "attribution": "gmail_attr|moz-cite-prefix|reply-intro|airmail_on",
    "history": (
        "divrplyfwdmsg|appendonsend|stopspelling|mail-editor-reference-message-container|zwchr|replysplit"
        "|ms-outlook-mobile-reference-message|__divider__"
    ),
    "quote": (
        "yahoo_quoted|yqtdbase|olk_src_body_section|protonmail_quote|tutanota_quote|zmail_extra|skiff_quote"
        "|inoteshistory"
    ),
    "container": "gmail_quote|messagereplysection",
}
_ROLES: dict[str, Role] = {
    name: role for role, names in _NAMES.items() for name in names.split("|")
}
_PREFIX = re.compile(r"(?:x_|m_-?\d+|ydp[0-9a-f]{4,16}|yiv\d+|v\d(?=[a-z]))+")

# Parts of the names above and of the styles below: a page without any of them has no attribute to be read, and so has
# an element whose attributes hold none of those that the page holds.
_NAME_HINTS = listed(
    "gmail_|moz-|sig|rplyfwdmsg|appendonsend|stopspelling|reference-message|quote|yqtd|olk_src|zmail_extra"
    "|inoteshistory|reply|airmail_on|zwchr|__divider__"
)
_STYLE_HINTS = listed(
    "hidden|display|visibility|opacity|height:0|height: 0|width:0|width: 0|font-size:0|font-size: 0|font-size:.0|font:0"
    "|font: 0|transparent|background|white-space|border-top"
)
_ATTRIBUTE = re.compile(r"""([^\s=/"'>]++)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'>]++)))?""")
_DECLARATION = re.compile(r"([a-z-]++)\s*+:([^;]*+)")
_ZERO = re.compile(r"[+-]?(?:0++(?:\.0*+)?|\.0++)\s*(?:[a-z]{1,4}|%)?")
_SHORTHAND_SIZE = re.compile(r"(?<![\w.#])(\d*\.?\d+(?:px|pt|rem|em|%|in|cm|mm)?)(?=[\s/]|$)")
_RGB = re.compile(r"rgba?\(\s*(\d{1,3})[\s,]+(\d{1,3})[\s,]+(\d{1,3})\s*[,)/]")
_WORD_LINE = re.compile(r"padding:\s*3(?:\.0)?pt 0")
_BOXES = frozenset(
    listed("div|p|center|section|article|header|footer|h1|h2|h3|h4|h5|h6|blockquote|ul|ol")
)
_MAX_CHARS = 4_000


@dataclass(frozen=True, slots=True)
class Effect:
    """What an element does to the text within it.

    Args:
        role: which part of a mail it is.
        shown: reasons of hiding that end here. hidden: reasons that begin here.
        is_preformatted: line ends mean what they say; None where it says nothing of them.
    """

    role: Role = "none"
    shown: int = 0
    hidden: int = 0
    is_preformatted: bool | None = None


NO_EFFECT = Effect()


def hints_of(attributes: Iterable[str]) -> tuple[str, ...]:
    """Which of the names and styles that matter occur in any of the attributes of a page."""
    distinct = "\n".join(set(attributes)).lower()
    hints = (
        _NAME_HINTS if any(sign in distinct for sign in (" id", "class", "name", "data-")) else ()
    )
    if "style" in distinct or "hidden" in distinct:
        hints += _STYLE_HINTS
    return tuple(hint for hint in hints if hint in distinct)


def effect_of(name: str, attributes: str) -> Effect:
    """What an element's attributes do.

    Args:
        name: of the element, in small letters: a size says something of a box, nothing of a table's cell.
        attributes: as written; only the first 4,000 characters count.
    """
    role: Role = "none"
    values: dict[str, str] = {}
    for found in _ATTRIBUTE.finditer(attributes[:_MAX_CHARS].lower()):
        key = found[1]
        value = found[2] or found[3] or found[4] or ""
        values.setdefault(key, value)
        if key in ("id", "class", "name", "data-marker", "data-smartmail") and role == "none":
            role = _role_of(value, key)
    hidden = NONE if "hidden" in values else 0
    shown = FONT if name == "font" and "size" in values else 0
    style = values.get("style")
    if not style:
        return Effect(role, shown, hidden) if role != "none" or shown or hidden else NO_EFFECT
    styles = {
        key: value.replace("!important", "").strip() for key, value in _DECLARATION.findall(style)
    }
    if role == "none" and "border-top" in styles and _WORD_LINE.search(style):
        role = "headers"
    font_shown, font_hidden = _font(styles)
    colour_shown, colour_hidden = _colour(styles, values)
    hidden |= _box(name, styles) | font_hidden | colour_hidden
    shown |= (
        font_shown | colour_shown | (VISIBILITY if styles.get("visibility") == "visible" else 0)
    )
    space = styles.get("white-space")
    return Effect(
        role, shown, hidden, None if space is None else space.startswith(("pre", "break"))
    )


def _role_of(value: str, key: str) -> Role:
    for word in value.split():
        bare = _PREFIX.sub("", word, count=1) if word[0] in "xmyv" else word
        role = _ROLES.get(bare)
        if role is None and "yahoo_quoted" in bare:
            role = "quote"
        if role is None and bare.startswith("bloop_sign_"):
            role = "signature"
        if role is None and bare == "quote" and key == "name":
            role = "quote"  # GMX and WEB.DE
        if role is not None:
            return role
    return "none"


def _box(name: str, styles: dict[str, str]) -> int:
    """Hidden as a whole: not shown, invisible, or of no size with the overflow cut off."""
    if styles.get("display") == "none" or _is_zero(styles.get("opacity")):
        return NONE
    if styles.get("visibility") in ("hidden", "collapse"):
        return VISIBILITY
    is_box = name in _BOXES or styles.get("display") in ("block", "inline-block")
    if not is_box or styles.get("display", "").startswith("table"):
        return 0
    is_flat = any(
        _is_zero(styles.get(key)) for key in ("max-height", "height", "max-width", "width")
    )
    overflow = (
        styles.get("overflow", "") + styles.get("overflow-y", "") + styles.get("overflow-x", "")
    )
    return NONE if is_flat and ("hidden" in overflow or "clip" in overflow) else 0


def _is_zero(value: str | None) -> bool:
    return value is not None and _ZERO.fullmatch(value) is not None


def _font(styles: dict[str, str]) -> tuple[int, int]:
    """Letters of size 0 are hidden until an element within gives them a size of its own, as newsletters do."""
    size = styles.get("font-size")
    if size is None and "font" in styles:
        found = _SHORTHAND_SIZE.search(styles["font"])
        size = found[1] if found else None
    if size is None:
        return 0, 0
    if _is_zero(size):
        return 0, FONT
    is_relative = size.endswith(("em", "%", "ex")) and not size.endswith("rem")
    return (0 if is_relative or size in ("inherit", "larger", "smaller") else FONT), 0


def _colour(styles: dict[str, str], values: dict[str, str]) -> tuple[int, int]:
    """Letters in the colour of the ground that the same element gives them, with no picture behind."""
    colour = styles.get("color")
    ground = styles.get("background-color") or styles.get("background") or values.get("bgcolor")
    if colour is None and ground is None:
        return 0, 0
    has_picture = "background" in values or any("url(" in value for value in styles.values())
    is_clipped = any(key.endswith("background-clip") for key in styles)
    if colour == "transparent":
        return (COLOUR, 0) if is_clipped else (0, COLOUR)
    same = colour is not None and ground is not None and _rgb(colour) == _rgb(ground) is not None
    return (0, COLOUR) if same and not has_picture else (COLOUR, 0)


def _rgb(colour: str) -> str | None:
    """A colour as six digits, None for what is no plain colour."""
    if colour in ("white", "black"):
        return "ffffff" if colour == "white" else "000000"
    if colour.startswith("#") and len(colour) == 7:
        return colour[1:]
    if colour.startswith("#") and len(colour) == 4:
        return "".join(char * 2 for char in colour[1:])
    found = _RGB.fullmatch(colour)
    return "".join(f"{int(part):02x}" for part in found.groups()) if found else None
