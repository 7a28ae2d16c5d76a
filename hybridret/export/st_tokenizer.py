"""The tokenizer of an exported encoder: it includes the steps that our tokenization adds to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hybridret.base.errors import UserError
from hybridret.base.files import read_json, write_json
from hybridret.encoders.tokenization import Tokenization, disk_errors

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

PROBES = ("", "a", "Wie groß ist 12 × 12?", "東京 はどこ? ", "ما هي العاصمة؟ " * 300)


def save_tokenizer(tokenization: Tokenization, target: Path) -> None:
    """Write the tokenizer's files into `target`, with padding on the right and the length of passages.

    Raises UserError where the written tokenizer gives other ids than `tokenization`.
    """
    from transformers import AutoTokenizer

    tokenization.save(target)
    tokenizer = AutoTokenizer.from_pretrained(str(target), local_files_only=True)
    tokenizer.padding_side = "right"
    tokenizer.model_max_length = tokenization.text.passage_length
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.convert_ids_to_tokens(tokenization.pad_id)
    writes_eos = tokenizer("")["input_ids"][-1:] == [tokenizer.eos_token_id]
    with disk_errors():
        tokenizer.save_pretrained(str(target))
    if tokenization.append_eos and not writes_eos:
        _append_eos(target / "tokenizer.json", str(tokenizer.eos_token), int(tokenizer.eos_token_id))
    _check_rows(tokenization, AutoTokenizer.from_pretrained(str(target), local_files_only=True))


def _append_eos(path: Path, eos: str, number: int) -> None:
    """Let the tokenizer itself add the end-of-text token after a text, which is cut to one token less.

    The token becomes the last part of the template that puts special tokens around a text. A tokenizer that adds
    them in another way is not changed, and then refused by `_check_rows`.
    """
    tokenizer = read_json(path)
    found = tokenizer["post_processor"]
    chain = [] if found is None else found["processors"] if found["type"] == "Sequence" else [found]
    if not chain or chain[-1]["type"] == "ByteLevel":
        first, second = ({"Sequence": {"id": name, "type_id": i}} for i, name in enumerate("AB"))
        bare = {"type": "TemplateProcessing", "single": [first], "pair": [first, second], "special_tokens": {}}
        chain = [*chain, bare]
    template = chain[-1]
    if template["type"] != "TemplateProcessing":
        return
    for form in ("single", "pair"):
        template[form].append({"SpecialToken": {"id": eos, "type_id": 0}})
    template["special_tokens"][eos] = {"id": eos, "ids": [number], "tokens": [eos]}
    tokenizer["post_processor"] = chain[0] if len(chain) == 1 else {"type": "Sequence", "processors": chain}
    write_json(path, tokenizer)


def _check_rows(tokenization: Tokenization, tokenizer: PreTrainedTokenizerBase) -> None:
    """Raise UserError where the saved tokenizer does not give the ids that the encoder was trained with."""
    text = tokenization.text
    for rows, prefix, length in (
        (tokenization.queries(PROBES), text.query_prefix, text.query_length),
        (tokenization.passages(PROBES), text.passage_prefix, text.passage_length),
    ):
        texts = [prefix + probe for probe in PROBES]
        found = tokenizer(texts, truncation=True, max_length=length)["input_ids"]
        for probe, ours, theirs in zip(PROBES, rows, found, strict=True):
            if list(theirs) != ours.tolist() and (probe or theirs):  # "" may have no token at all: we add one
                raise UserError(
                    f"The tokenizer {type(tokenizer).__name__} of this encoder cannot be exported: saved for "
                    f"sentence-transformers it gives other ids for {probe[:20]!r} "
                    f"(append_eos={str(tokenization.append_eos).lower()}). Nothing was written."
                )
