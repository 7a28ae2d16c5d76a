"""Text to ids by a sentence-transformers model's own rules: its prompts, lengths and chat template.

The ids of a text depend on whether it is a query or a passage, and so may pooling (which may leave out prompt tokens)
and the modules that run (Router). The ids do not show which of the two they are. So the first id of a row is the task,
and the encoder removes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridret.base.errors import UserError
from hybridret.base.settings import TextSettings
from hybridret.encoders.tokenization import IntArray32, Tokens, padded

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

TASKS = ("query", "document")  # the first id of a row is the index of its task here
SLICE = 256  # texts that the model's own tokenization pads together
ENDLESS = 1 << 30  # the length of models without a limit
KNOWN = {"input_ids", "attention_mask", "token_type_ids", "modality", "prompt_length", "offsets"}


class StTokenization:
    """The rules of `model` with these prompts. A passage and its context are joined into one text, because models of
    this kind have no text pairs. Raises UserError for a model whose input is more than ids and a mask.
    """

    def __init__(self, model: SentenceTransformer, query_prompt: str, passage_prompt: str) -> None:
        self._model = model
        self._prompts = (query_prompt, passage_prompt)
        probes = [self._features(task, ["a"]) for task in range(len(TASKS))]
        strange = sorted({name for probe in probes for name in probe} - KNOWN)
        typed = any(bool(probe["token_type_ids"].any()) for probe in probes if "token_type_ids" in probe)
        if strange or typed or not all("input_ids" in probe for probe in probes):
            what = f"needs {', '.join(strange)}" if strange else "uses token types" if typed else "reads no token ids"
            raise UserError(
                f"The first module of this sentence-transformers model, {type(model[0]).__name__}, {what}: only text "
                "models that read token ids and a mask can be evaluated here."
            )
        #: Whether the first module takes all ids of a batch in one row, with offsets (StaticEmbedding).
        self.flat = "offsets" in probes[0]
        #: For each task: the input of the modules beside ids and mask.
        self.constants = [
            {key: value for key, value in probe.items() if key in ("modality", "prompt_length")} for probe in probes
        ]
        #: Has the ids of the unknown token and of padding.
        self.tokenizer: Any = _special_ids(model.tokenizer) if self.flat else model.tokenizer
        longest = [_length(getattr(model[0], name, None)) for name in ("query_length", "document_length")]
        whole = _length(model.max_seq_length)
        self.text = TextSettings(query_prompt, passage_prompt, *(min(whole, length) for length in longest))

    def queries(self, texts: Sequence[str]) -> list[IntArray32]:
        """One row per query: its task, then its ids."""
        return self._rows(0, texts)

    def passages(self, texts: Sequence[str], contexts: Sequence[str] | None = None) -> list[IntArray32]:
        """One row per passage, followed by its context: its task, then its ids."""
        if contexts is not None:
            texts = [f"{text} {context}".strip() for text, context in zip(texts, contexts, strict=True)]
        return self._rows(1, texts)

    def pad(self, rows: Sequence[IntArray32], length: int | None = None) -> Tokens:
        """Right-pad `rows` to the longest of them, or to `length`. Raises ValueError when a row is longer than that."""
        return padded(rows, self.tokenizer.pad_token_id or 0, length)

    def untruncated(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of bare texts: no prompt, no special tokens, nothing cut."""
        if not len(texts):
            return []
        if self.flat:
            encodings = self._model.tokenizer.encode_batch(list(texts), add_special_tokens=False)
            return [encoding.ids for encoding in encodings]
        ids: list[list[int]] = self.tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"]
        return ids

    def specials(self) -> int:
        """The number of tokens of a row that are neither text nor prompt."""
        return len(self._rows(1, ["a"], prompted=False)[0]) - 1 - len(self.untruncated(["a"])[0])

    def _rows(self, task: int, texts: Sequence[str], prompted: bool = True) -> list[IntArray32]:
        rows: list[IntArray32] = []
        for start in range(0, len(texts), SLICE):
            features = self._features(task, list(texts[start : start + SLICE]), prompted)
            ids = features["input_ids"].numpy()
            if "offsets" in features:
                parts = np.split(ids, features["offsets"].numpy()[1:])
            else:
                parts = [row[kept] for row, kept in zip(ids, features["attention_mask"].numpy() > 0, strict=True)]
            rows += [np.r_[task, part].astype(np.int32) for part in parts]
        return rows

    def _features(self, task: int, texts: list[str], prompted: bool = True) -> dict[str, Any]:
        prompt = self._prompts[task] if prompted else ""
        return self._model.preprocess(texts, prompt=prompt, task=TASKS[task])


def _special_ids(tokenizer: Any) -> SimpleNamespace:
    """The special ids of a `tokenizers.Tokenizer`, under transformers' names of them."""
    unknown = getattr(tokenizer.model, "unk_token", None)
    return SimpleNamespace(unk_token_id=tokenizer.token_to_id(unknown) if unknown else None, pad_token_id=0)


def _length(value: float | None) -> int:
    return ENDLESS if value is None or value > ENDLESS else int(value)
