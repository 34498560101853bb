"""Says whether a line is only what a telephone or a mail program adds of itself: `Sent from my iPhone`."""

import re

from stream.clean.ends.phrases import (
    MOBILE_DEVICES,
    MOBILE_ENDS,
    MOBILE_EXCUSES,
    MOBILE_OFFERS,
    MOBILE_STARTS,
)

_MAX_LINE_CHARS = 720
_MAX_CHARS = 90
_MAX_WORDS = 13
_MAX_WORDS_AT_END = 9
_LINK = re.compile(r"\(?[<(\[]?https?:[^\s<>()\[\]]{1,500}[>)\]]?|[\[\]]")
_SURE_STARTS = ("sent from my ", "get outlook", "get [outlook", "von unterwegs gesendet")
_PLACES = ("von ", "via ", "from ", "mobil ", "unterwegs ", "per ")


def is_mobile_footer(line: str) -> bool:
    """Whether a line is only what a telephone or a mail program adds of itself."""
    if len(line) > _MAX_LINE_CHARS or (len(line) > _MAX_CHARS and "http" not in line):
        return False
    if "http" in line or "[" in line:
        line = _LINK.sub(" ", line)
    text = " ".join(line.split()).strip(" *_-–—.:()<>|!").casefold()
    is_tuta = text.startswith("sent with tuta; enjoy")
    if not text or len(text) > _MAX_CHARS or "?" in text or (";" in text and not is_tuta):
        return False
    if (
        "," in text
        and not any(word in text for word in MOBILE_EXCUSES)
        and " smartphone" not in text[text.rfind(",") :]
    ):
        return False  # but `Sent from my Verizon, Samsung Galaxy smartphone`
    words = text.split()
    if text.startswith(MOBILE_STARTS):
        return len(words) <= _MAX_WORDS and (text.startswith(_SURE_STARTS) or _names_device(text))
    if "outlook" in text and len(words) <= 6:
        is_system = "ios" in words or "android" in words
        return is_system and not MOBILE_OFFERS.isdisjoint((words[0], words[-1]))
    return (
        text.endswith(MOBILE_ENDS)
        and len(words) <= _MAX_WORDS_AT_END
        and (_names_device(text) or text.startswith(_PLACES))
    )


def _names_device(text: str) -> bool:
    return any(device in text for device in MOBILE_DEVICES)
