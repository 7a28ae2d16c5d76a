"""Texts and token ids, without the tokens that a tokenizer puts around a text: those are ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hybridret.translation.families import Family


class TokenTexts:
    """A tokenizer of transformers, for the texts of translations."""

    def __init__(self, tokenizer: Any, family: Family) -> None:
        self.tokenizer = tokenizer
        languages = family.languages(vocabulary_of(tokenizer)).values()
        # some tokenizers count their languages as special tokens, others do not
        self._dropped = {*tokenizer.all_special_ids, *map(tokenizer.convert_tokens_to_ids, languages)}

    def ids(self, piece: str) -> list[int]:
        """The tokens of a text."""
        return list(self.tokenizer(piece, add_special_tokens=False, verbose=False)["input_ids"])

    def text(self, ids: Sequence[int]) -> str:
        """The text of what a model wrote."""
        kept = [number for number in ids if number not in self._dropped]
        return str(self.tokenizer.decode(kept, clean_up_tokenization_spaces=False)).strip()


def vocabulary_of(tokenizer: Any) -> list[str]:
    """All tokens, those of languages included."""
    return [*tokenizer.get_vocab(), *getattr(tokenizer, "lang_token_to_id", {})]
