"""Words of any language for BM25, without a language detector or a dictionary.

Letters, marks and digits make words; marks count because Hindi vowels are marks (Python's `\\w` drops them). Scripts
written without spaces give overlapping character bigrams, the usual stand-in for segmentation.
"""

from __future__ import annotations

import re
import unicodedata

# Han, kana, Thai, Lao, Myanmar, Khmer; after NFKC, so half-width kana and compatibility ideographs are folded already.
_UNSPACED = re.compile(
    "([々〇ぁ-ゖゝ-ヿㇰ-ㇿ㐀-䶿一-鿿豈-﫿\U00020000-\U0003ffffก-๏๐-๛\u0e80-\u0eff\u1000-\u109f\u1780-\u17ff]+)"
)


class _WordCharacters(dict[int, str | None]):
    """For `str.translate`: keeps letters, marks and digits, drops invisible joiners, makes the rest a space."""

    def __missing__(self, code: int) -> str | None:
        category = unicodedata.category(chr(code))
        value = chr(code) if category[0] in "LMN" else None if category == "Cf" else " "
        self[code] = value
        return value


_TABLE = _WordCharacters()


def words(text: str) -> list[str]:
    """The words of `text`, case folded and in Unicode's compatibility form (NFKC).

    >>> words("Die Straße, 1990!")
    ['die', 'strasse', '1990']
    >>> words("東京都 Tokyo")
    ['東京', '京都', 'tokyo']
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    folded = folded.replace("i\u0307", "i")  # Turkish capital dotted I folds to i plus a dot above
    found: list[str] = []
    for word in folded.translate(_TABLE).split():
        for position, part in enumerate(_UNSPACED.split(word)):
            if position % 2 and len(part) > 1:
                found.extend(part[i : i + 2] for i in range(len(part) - 1))
            elif part:
                found.append(part)
    return found
