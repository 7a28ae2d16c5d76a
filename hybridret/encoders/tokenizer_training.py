"""A tokenizer trained on the run's own corpus, so that no download is needed; the same text gives the same tokenizer.

Byte-pair encoding (Sennrich et al. 2016, arXiv 1508.07909) is used and not the unigram model. `tokenizers` 0.23 trains
a unigram model from a hash map with random iteration order, so two runs on the same text differ in scores and in the
order of ids, even on one thread. Its training of byte pairs counts integers and breaks ties by id. Texts are normalised
to NFKC, spaces become part of the following piece, and punctuation marks are pieces of their own.

Tokenizers are cached by corpus, size and version of the rules in this file; if a cache file is broken, it is made anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

from annotated_types import Ge

from hybridret.base.errors import UserError
from hybridret.base.files import cache_folder, hash_json, read_json, write_json
from hybridret.base.range_words import Because
from hybridret.base.ranges import check_value

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

VERSION = 1
PAD, UNKNOWN, FIRST, LAST = "[PAD]", "[UNK]", "[CLS]", "[SEP]"
LONGEST_PIECE = 16  # characters; without a limit, whole phrases would be one piece in languages without spaces

VocabularySize = Annotated[int, Ge(100), Because("8000 is a good start.")]


class TextSource(Protocol):
    """The training data of a tokenizer: all texts, in a fixed order, and a hash of their content."""

    def texts(self) -> Iterable[str]: ...

    def fingerprint(self) -> str: ...


def trained_tokenizer(
    corpus: TextSource, vocabulary_size: int, prefixes: tuple[str, ...] = ()
) -> PreTrainedTokenizerFast:
    """The tokenizer of `corpus`, from the cache or newly trained; `[CLS] text [SEP]`, pairs `[CLS] text [SEP] context
    [SEP]`.

    `prefixes` are counted once per text, so that they become few tokens. It has at most `vocabulary_size` tokens, more
    only if the corpus has more different characters. If two processes find the cache empty, both train, get the same
    tokenizer, and write the file atomically. Raises UserError for an empty corpus or a vocabulary below 100.
    """
    check_value(VocabularySize, vocabulary_size, "backbone.vocabulary_size")
    path = cache_path(corpus, vocabulary_size, prefixes)
    text = _cached(path)
    if text is None:
        text = train(corpus, vocabulary_size, prefixes)
        write_json(path, {"sha256": _hash(text), "tokenizer": text})
    return _wrapped(text)


def cache_path(corpus: TextSource, vocabulary_size: int, prefixes: tuple[str, ...] = ()) -> Path:
    """The path of the cached tokenizer of `corpus`."""
    key = hash_json([VERSION, corpus.fingerprint(), vocabulary_size, list(prefixes)])
    return cache_folder() / "tokenizers" / f"{key}.json"


def _cached(path: Path) -> str | None:
    if not path.is_file():
        return None
    try:
        stored = read_json(path)
    except UserError:
        return None
    text = stored.get("tokenizer") if isinstance(stored, dict) else None
    return text if isinstance(text, str) and _hash(text) == stored.get("sha256") else None


def train(corpus: TextSource, vocabulary_size: int, prefixes: tuple[str, ...] = ()) -> str:
    """The JSON of a `tokenizers.Tokenizer`, trained without the cache; the same in every process."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE(unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Metaspace(), pre_tokenizers.Punctuation()])
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary_size,
        special_tokens=[PAD, UNKNOWN, FIRST, LAST],
        max_token_length=LONGEST_PIECE,
        show_progress=False,
    )
    count = 0

    def texts() -> Iterator[str]:
        nonlocal count
        for text in corpus.texts():
            count += 1
            yield text
            yield from prefixes

    tokenizer.train_from_iterator(texts(), trainer)
    if not count:
        raise UserError(
            "The corpus has no training text, so no tokenizer can be trained. Check data and its languages."
        )
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{FIRST} $A {LAST}",
        pair=f"{FIRST} $A {LAST} $B {LAST}",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in (FIRST, LAST)],
    )
    return str(tokenizer.to_str())


def _wrapped(text: str) -> PreTrainedTokenizerFast:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=Tokenizer.from_str(text), pad_token=PAD, unk_token=UNKNOWN, cls_token=FIRST, sep_token=LAST
    )


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
