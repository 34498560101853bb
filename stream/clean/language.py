"""Names the language of cleaned text, or says that the text is too short to tell. The one file that knows py3langid."""

import functools
import threading

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from stream.clean.lines import listed

LANGUAGES = listed("en|de|fr|es|it|pt|nl|sv|da|no|fi|pl|cs|hu|ro|el|tr|ru|uk|ar|he|ja|zh|ko")
_MAX_CHARS = 240
_MIN_LETTERS = 4
# Below it, single words of the ten languages were named wrongly as often as not ("card": es 0.10, "Hello": fi 0.17).
_MIN_CONFIDENCE = 0.5
_loading = threading.Lock()


@functools.cache
def _load() -> LanguageIdentifier:
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(LANGUAGES)
    return identifier


def language_of(subject: str, body: str) -> str | None:
    """The language as an ISO 639-1 code, None where the text does not say.

    Thread-safe: the model is loaded once (0.6 s, at the first mail) and only read afterwards.
    """
    text = (body if len(body) >= _MAX_CHARS // 4 else f"{subject}\n{body}")[:_MAX_CHARS].strip()
    if sum(map(str.isalpha, text)) < _MIN_LETTERS:
        return None
    with _loading:
        identifier = _load()
    # py3langid carries no types.
    best: tuple[str, float] = identifier.classify(text)  # pyright: ignore[reportUnknownVariableType]
    return best[0] if best[1] >= _MIN_CONFIDENCE else None
