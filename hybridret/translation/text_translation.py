"""Translations of texts: each text in pieces, all pieces in batches by length, and the texts together again."""

from __future__ import annotations

from collections.abc import Sequence

from hybridret.base.progress import Advance
from hybridret.translation.batches import batches_by_length
from hybridret.translation.engines.engine import Engine, Translation
from hybridret.translation.pieces import pieces_of


def translate_texts(
    texts: Sequence[str], source: str, target: str, engine: Engine, batch_tokens: int, advance: Advance
) -> list[Translation]:
    """The translations of `texts`, in their order; `advance` counts texts, by their tokens.

    The batches depend on `texts` alone, so the same texts have the same translations wherever and whenever it is.
    """
    sizes: dict[str, int] = {}

    def fits(piece: str) -> bool:
        if piece not in sizes:
            sizes[piece] = engine.size(piece)
        return sizes[piece] <= engine.limit

    parts = [pieces_of(text, source, fits) for text in texts]
    distinct = list(dict.fromkeys(piece for part in parts for piece in part.texts))
    known: dict[str, Translation] = {}
    lengths = [sizes[piece] if piece in sizes else engine.size(piece) for piece in distinct]
    done, shown, whole = 0, 0, max(1, sum(lengths))
    for batch in batches_by_length(lengths, batch_tokens):
        pieces = [distinct[index] for index in batch]
        known.update(zip(pieces, engine.translate(pieces), strict=True))
        done += sum(lengths[index] for index in batch)
        advance(len(texts) * done // whole - shown)
        shown = len(texts) * done // whole
    found = []
    for part in parts:
        translations = [known[piece] for piece in part.texts]
        joined = part.joined([one.text for one in translations], target)
        lost = any(map(_is_lost, part.texts, translations))
        found.append(Translation(joined, lost or any(one.truncated for one in translations)))
    return found


def _is_lost(piece: str, found: Translation) -> bool:
    """Whether the model wrote nothing for a piece with a word: of a long text no filter would see it."""
    return not found.text.strip() and any(map(str.isalnum, piece))
