"""Losses of tokenisation per language: the share of texts that are cut, and the share of tokens that are unknown.

A tokenizer trained on other languages, or a length that fits English only, biases a comparison between languages, and
the loss does not show it. So every run records these shares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hybridret.encoders.tokenization import Tokenization


def truncated_share(tokenization: Tokenization, texts: Sequence[str], prefix: str, length: int) -> float:
    """The share of `texts` that do not fit in `length` tokens with `prefix` and special tokens; 0 for no texts."""
    whole = tokenization.untruncated([prefix + text for text in texts])
    return sum(len(ids) + tokenization.specials() > length for ids in whole) / max(len(whole), 1)


def unknown_share(tokenization: Tokenization, texts: Sequence[str]) -> float:
    """The share of unknown tokens among all tokens of the bare, uncut `texts`; 0 if the tokenizer has no such token."""
    unknown = tokenization.tokenizer.unk_token_id
    whole = tokenization.untruncated(texts)
    count = sum(len(ids) for ids in whole)
    # Tokenizers without an unknown token often give another token as such (byte-level BPE: the end of text).
    return sum(ids.count(unknown) for ids in whole) / max(count, 1) if unknown is not None else 0.0


def shares(
    tokenization: Tokenization, queries: Mapping[str, Sequence[str]], passages: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, float]]:
    """Per language: query_truncated, passage_truncated, query_unknown, passage_unknown, each in 0..1.

    `queries` and `passages` map a language to its texts. Contexts of passages are not counted, as they may be cut.
    """
    text = tokenization.text
    return {
        language: {
            "query_truncated": truncated_share(
                tokenization, queries.get(language, ()), text.query_prefix, text.query_length
            ),
            "passage_truncated": truncated_share(
                tokenization, passages.get(language, ()), text.passage_prefix, text.passage_length
            ),
            "query_unknown": unknown_share(tokenization, queries.get(language, ())),
            "passage_unknown": unknown_share(tokenization, passages.get(language, ())),
        }
        for language in sorted({*queries, *passages})
    }
