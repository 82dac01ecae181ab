"""Whether a text is surely in another language than the one wanted.

Asked of py3langid, which works offline, in 0.2 ms a text. It is optional and imported only where it is used.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Any

from data_prep.errors import PrepareError

# With these two, 7 of 27,411 pairs (context and reply) of Cornell count as not English and none of 25,351 of
# DailyDialog; of pairs in 24 other languages, where they are long enough, 93 to 100 in 100 do.
_LEAST_BYTES = 18
"""Fewest bytes in UTF-8 of the letters of different words that are judged: four short words, six Chinese characters."""
_TIMES_LIKELIER = 20.0
"""How many times likelier another language must be than the one wanted, for both sides of a pair together."""
# A foreign reply to a long English context: by both together 29 in 100 are told where it is French, and 52 where it is
# Chinese; by each side 95 and 98. Of 30,000 pairs of Cornell that takes 7, where 6 went; of 7,000 of DailyDialog none.
_OF_ONE_SIDE = 100.0
"""The same for one side of a pair: a short text tells less, and there are two of them to be wrong about."""

_WELL_KNOWN = ("ar", "de", "en", "es", "fa", "fr", "hi", "it", "ja", "ko", "nl", "pl", "pt", "ru", "tr", "uk", "zh")
_NO_LANGUAGE = "zxx"
# Addresses, numbers, names with digits, placeholders: no words of any language. (CJK text around them is kept.)
_NO_WORDS = re.compile(r"(?<![!-~])[!-~]*?[\d@/\\_\[\]<>][!-~]*")
_LAUGHTER = re.compile(r"([^\W\d_]{1,3})\1{2,}", re.IGNORECASE)


class LanguageFilter:
    """Tells texts that are surely in another language. Can be pickled: it travels to worker processes.

    Short texts, names, numbers and interjections pass: they may be said in any language.
    """

    def __init__(self, wanted: str) -> None:
        """``wanted`` is an ISO 639-1 code, such as ``en``."""
        self.wanted = wanted.strip().lower()
        known = set(_identifier().labels) - {_NO_LANGUAGE}
        if self.wanted not in known:
            raise PrepareError(
                f"language {wanted!r} is not known; give one of the {len(known)} codes that are, such as "
                + ", ".join(_WELL_KNOWN)
            )

    def is_foreign_side(self, text: str) -> bool:
        """Whether one side of a pair is by itself surely in another language."""
        return self.speaks_other(text, _OF_ONE_SIDE)

    def speaks_other(self, text: str, times: float = _TIMES_LIKELIER) -> bool:
        """Whether the text is surely in another language: long enough, and that one so many times likelier."""
        said = _LAUGHTER.sub(r"\1", _NO_WORDS.sub(" ", text))
        words = "".join(set(said.lower().split()))
        letters = "".join(c for c in words if unicodedata.category(c)[0] in "LM")
        if len(letters.encode("utf-8", "ignore")) < _LEAST_BYTES:
            return False
        likeliest, chance = _identifier().classify(said)
        if likeliest in (self.wanted, _NO_LANGUAGE):
            return False
        return bool(chance > times * dict(_identifier().rank(said))[self.wanted])


@cache  # 100 MB and half a second, once in each process
def _identifier() -> Any:
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier
    except ImportError:
        raise PrepareError(
            'to tell languages apart, py3langid is needed: pip install "chatbot[language]", in a checkout ".[language]"'
        ) from None
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
