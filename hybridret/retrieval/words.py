"""Words of any language for BM25, without a language detector or a dictionary.

A word is a sequence of letters, marks and digits; marks count because Hindi vowels are marks (Python's `\\w` drops
them). Scripts without spaces between words give overlapping pieces, the usual substitute for segmentation: single
characters and pairs in Han, kana and Hangul (a Korean word includes its particles), three characters in Thai and its
neighbours, whose letters carry less information. Arabic letters lose vowel signs and spelling variants, as in Lucene's
normalizers for Arabic and Persian. The rules were chosen and measured on the same questions (docs/log.md, 2026-11-24).
"""

from __future__ import annotations

import re
import unicodedata

# Applied after NFKC, which has already folded half-width kana, single Hangul letters and compatibility ideographs.
_CHARACTERS = re.compile(  # the first group: Han, kana, Hangul; the second: Thai, Lao, Myanmar, Khmer
    "([\u3005\u3007\u3041-\u3096\u309d-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff"
    "\U00020000-\U0003ffff]+)|([\u0e00-\u0e3a\u0e40-\u0e4e\u0e50-\u0e59\u0e80-\u0eff\u1000-\u109f\u1780-\u17ff]+)"
)
_ARABIC = {ord(letter): "ا" for letter in "أإآٱ"} | {ord("ى"): "ي", ord("ی"): "ي", ord("ک"): "ك", ord("ة"): "ه"}
_UNWRITTEN = (*range(0x064B, 0x0653), 0x0670, 0x0640)  # Arabic vowel signs, which most texts leave out, and tatweel


class _WordCharacters(dict[int, str | None]):
    """For `str.translate`: keeps letters, marks and digits, drops invisible joiners, turns all others into spaces."""

    def __missing__(self, code: int) -> str | None:
        category = unicodedata.category(chr(code))
        value = chr(code) if category[0] in "LMN" else None if category == "Cf" else " "
        self[code] = value
        return value


_TABLE = _WordCharacters(_ARABIC | dict.fromkeys(_UNWRITTEN))


def words(text: str) -> list[str]:
    """The words of `text`, case folded and in Unicode's compatibility form (NFKC).

    >>> words("Die Straße, 1990!")
    ['die', 'strasse', '1990']
    >>> words("東京都 Tokyo")
    ['東', '京', '都', '東京', '京都', 'tokyo']
    """
    if text.isascii():
        return text.lower().translate(_TABLE).split()
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    folded = folded.replace("i\u0307", "i")  # Turkish capital dotted I folds to i plus a dot above
    spaced = folded.translate(_TABLE).split()
    if _CHARACTERS.search(folded) is None:
        return spaced
    found: list[str] = []
    for word in spaced:
        for position, part in enumerate(_CHARACTERS.split(word)):  # words, first group and second group in turn
            if not part:
                continue
            if position % 3 == 1:
                found += part
                found += [part[i : i + 2] for i in range(len(part) - 1)]
            elif position % 3 == 2 and len(part) > 3:
                found += [part[i : i + 3] for i in range(len(part) - 2)]
            else:
                found.append(part)
    return found
