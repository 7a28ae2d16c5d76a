"""Text to token ids, by rules that belong to the checkpoint: prefixes, lengths, the end-of-text token.

See docs/pitfalls.md#text-settings.

Padding is always on the right and done here, whatever `tokenizer.padding_side` is. If a passage has a context (the
paragraph of a sentence), both are encoded as a text pair, and the context is cut first. Token type ids are not used.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hybridret.base.errors import UserError
from hybridret.base.records import IntArray
from hybridret.base.settings import TextSettings

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

IntArray32 = NDArray[np.int32]


@contextmanager
def disk_errors() -> Iterator[None]:
    """Turns the bare Exception that the Rust code of tokenizers raises for a full disk into an OSError."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        if found := re.search(r"\(os error (\d+)\)", str(error)):
            raise OSError(int(found[1]), os.strerror(int(found[1]))) from error
        raise


class Tokens(NamedTuple):
    """Right-padded rows: `input_ids` and `attention_mask`, both [b, T] int64; the mask is 1 on tokens, 0 on padding."""

    input_ids: Tensor
    attention_mask: Tensor


class TokensOfHost(NamedTuple):
    """`Tokens` on a device, whose `lengths` [b] the host knows."""

    input_ids: Tensor
    attention_mask: Tensor
    lengths: IntArray


def padded(rows: Sequence[IntArray32], pad_id: int, length: int | None) -> Tokens:
    """`rows` followed by `pad_id`, up to the longest row or to `length`. Raises ValueError for a longer row."""
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    longest = int(lengths.max(initial=1))
    width = longest if length is None else length
    if longest > width:
        raise ValueError(f"a row of {longest} tokens does not fit in {width}")
    mask = np.arange(width) < lengths[:, None]
    ids = np.full((len(rows), width), pad_id, dtype=np.int64)
    if len(rows):
        ids[mask] = np.concatenate(rows)
    return Tokens(torch.from_numpy(ids), torch.from_numpy(mask.astype(np.int64)))


def tokenizer_rules(written: str) -> dict[str, Any]:
    """What a tokenizer.json says but for truncation and padding, which are those of its last call and change no later
    one: every call sets its own. Raises ValueError where it is no JSON.
    """
    rules: dict[str, Any] = json.loads(written)
    return {name: value for name, value in rules.items() if name not in ("truncation", "padding")}


class Tokenization:
    """A fast tokenizer together with the text settings that its encoder was trained with.

    `append_eos`: every row ends with the tokenizer's end-of-text token, which is appended after the text has been cut
    to one token less, unless the tokenizer adds it itself. Raises UserError when there is no such token or when a
    length leaves no room for text.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, text: TextSettings, append_eos: bool = False) -> None:
        if not tokenizer.is_fast:
            raise UserError(
                f"The tokenizer {type(tokenizer).__name__} is not a fast one. Choose a checkpoint that has "
                "a tokenizer.json."
            )
        self.tokenizer = tokenizer
        self.text = text
        self.append_eos = append_eos
        self._frame = list(tokenizer("")["input_ids"])
        self._pair_specials = int(tokenizer.num_special_tokens_to_add(pair=True))
        # Tested with text: XGLM's tokenizer begins rows with this token, so an empty row would also end with it.
        self._own_eos = append_eos and list(tokenizer("a")["input_ids"])[-1:] != [tokenizer.eos_token_id]
        if append_eos and tokenizer.eos_token_id is None:
            raise UserError("backbone.append_eos=true, but the tokenizer has no end-of-text token. Set it to false.")
        for key, length in (("query_length", text.query_length), ("passage_length", text.passage_length)):
            least = len(self._frame) + int(self._own_eos) + 1
            if length < least:
                raise UserError(f"text.{key}={length} leaves no room for text: this tokenizer needs at least {least}.")

    @property
    def pad_id(self) -> int:
        """The id of padding; 0 if the tokenizer has none (the mask hides it)."""
        found = self.tokenizer.pad_token_id
        return 0 if found is None else int(found)

    def queries(self, texts: Sequence[str]) -> list[IntArray32]:
        """One row of ids per query, at most `query_length` tokens each."""
        return self._singles(self.text.query_prefix, texts, self.text.query_length)

    def passages(self, texts: Sequence[str], contexts: Sequence[str] | None = None) -> list[IntArray32]:
        """One row of ids per passage, at most `passage_length` tokens each.

        With `contexts` (same length as `texts`, "" for none) a row is the pair of the passage and as much of its
        context as fits; a passage that fills the row alone is encoded, and cut, as without a context.
        """
        if contexts is None:
            return self._singles(self.text.passage_prefix, texts, self.text.passage_length)
        if len(contexts) != len(texts):
            raise ValueError(f"{len(texts)} passages, {len(contexts)} contexts")
        lengths = [len(ids) for ids in self._ids([self.text.passage_prefix + text for text in texts], False)]
        room = self.text.passage_length - int(self._own_eos) - self._pair_specials
        pairs = [i for i, length in enumerate(lengths) if length < room and contexts[i]]
        paired = set(pairs)
        alone = [i for i in range(len(texts)) if i not in paired]
        rows: dict[int, IntArray32] = dict(zip(alone, self.passages([texts[i] for i in alone]), strict=True))
        if pairs:
            ids = self.tokenizer(
                [self.text.passage_prefix + texts[i] for i in pairs],
                [contexts[i] for i in pairs],
                truncation="only_second",
                max_length=self.text.passage_length - int(self._own_eos),
                return_attention_mask=False,
                return_token_type_ids=False,
            )["input_ids"]
            rows.update(zip(pairs, (self._finished(row) for row in ids), strict=True))
        return [rows[i] for i in range(len(texts))]

    def pad(self, rows: Sequence[IntArray32], length: int | None = None) -> Tokens:
        """Right-pad `rows` to the longest of them, or to `length`. Raises ValueError when a row is longer than that."""
        return padded(rows, self.pad_id, length)

    def untruncated(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of bare texts: no prefix, no special tokens, nothing cut."""
        return self._ids(texts, False)

    def specials(self) -> int:
        """The number of special tokens in a row of a single text."""
        return len(self._frame) + int(self._own_eos)

    def save(self, folder: Path) -> None:
        """Write the tokenizer's files. The settings are saved in `encoder.json` (`encoders/folder.py`).

        The same bytes whatever was tokenized last. Raises OSError, also for a full disk.
        """
        self.tokenizer.backend_tokenizer.no_truncation()
        self.tokenizer.backend_tokenizer.no_padding()
        with disk_errors():
            self.tokenizer.save_pretrained(str(folder))

    def _singles(self, prefix: str, texts: Sequence[str], length: int) -> list[IntArray32]:
        if not len(texts):
            return []
        ids = self._ids([prefix + text for text in texts], True, length - int(self._own_eos))
        return [self._finished(row) for row in ids]

    def _ids(self, texts: Sequence[str], specials: bool, length: int | None = None) -> list[list[int]]:
        if not len(texts):
            return []
        ids: list[list[int]] = self.tokenizer(
            list(texts),
            add_special_tokens=specials,
            truncation=length is not None,
            max_length=length,
            return_attention_mask=False,
            return_token_type_ids=False,
            verbose=False,  # no warning about long texts: they are counted or cut here
        )["input_ids"]
        return ids

    def _finished(self, ids: list[int]) -> IntArray32:
        # Pooling needs at least one token, also for an empty text and a tokenizer without special tokens.
        tail = [self.tokenizer.eos_token_id] if self._own_eos else [] if ids else [self.pad_id]
        return np.array([*ids, *tail], dtype=np.int32)
