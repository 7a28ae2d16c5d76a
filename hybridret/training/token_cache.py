"""Token rows of texts that were seen before: from the second epoch on nothing is tokenised again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hybridret.encoders.tokenization import IntArray32

ROW_OVERHEAD = 160  # bytes of an array object and its place in the table


class TokenCache:
    """Rows by text, up to `limit` bytes. When it is full it keeps what it has and forgets nothing: every text of an
    epoch comes once in random order, so which texts are kept does not matter, and evicting would only cost.
    """

    def __init__(self, tokenise: Callable[[Sequence[str]], list[IntArray32]], limit: int) -> None:
        self._tokenise, self._room = tokenise, limit
        self._rows: dict[str, IntArray32] = {}

    def rows(self, texts: Sequence[str]) -> list[IntArray32]:
        """One row per text, as `tokenise` gives it; the unknown ones are tokenised in one call."""
        missing = [text for text in dict.fromkeys(texts) if text not in self._rows]
        fresh = dict(zip(missing, self._tokenise(missing), strict=True)) if missing else {}
        for text, row in fresh.items():
            self._room -= row.nbytes + ROW_OVERHEAD
            if self._room < 0:
                self._room += row.nbytes + ROW_OVERHEAD
                break
            self._rows[text] = row
        return [fresh[text] if text in fresh else self._rows[text] for text in texts]
