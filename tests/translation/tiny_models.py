"""Tiny random models of each family, with tokenizers that are trained here: nothing comes from a hub."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import sentencepiece
import torch
from transformers import (
    M2M100Config,
    M2M100ForConditionalGeneration,
    M2M100Tokenizer,
    MarianConfig,
    MarianMTModel,
    MarianTokenizer,
    NllbTokenizer,
    PreTrainedTokenizerFast,
    T5Config,
    T5ForConditionalGeneration,
)
from transformers.models.m2m_100.tokenization_m2m_100 import FAIRSEQ_LANGUAGE_CODES

SENTENCES = [
    f"{start} {thing} {number} {end}"
    for start in ("The castle of", "A river near", "Who built the", "Nobody knows where")
    for thing in ("stone", "the old town", "Elena", "seven bridges", "winter")
    for number in ("1943", "twelve", "300")
    for end in ("stands on a hill.", "was found, they say.", "is it?", "ended in the year of rain.")
]
SIZES = {"d_model": 16, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 2}
SIZES |= {"decoder_attention_heads": 2, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32}


def make_model(family: str, folder: Path, **more: Any) -> Path:
    """A model of `family` in `folder`: nllb, m2m100, madlad400, opus (one pair) or opus_many."""
    folder.mkdir(parents=True)
    maker = {"nllb": _nllb, "m2m100": _m2m100, "madlad400": _madlad400, "opus": _opus, "opus_many": _opus_many}[family]
    torch.manual_seed(7)
    maker(folder, **more)
    return folder


def _nllb(folder: Path) -> None:
    pieces = _trained(folder, "bpe", []).pieces
    vocabulary = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3}
    for piece in pieces:
        vocabulary.setdefault(piece, len(vocabulary))
    merges = [
        (piece[:cut], piece[cut:])
        for piece in pieces
        for cut in range(1, len(piece))
        if piece[:cut] in vocabulary and piece[cut:] in vocabulary
    ]
    languages = ["eng_Latn", "deu_Latn", "zho_Hans", "arb_Arab", "fra_Latn", "por_Latn"]
    tokenizer = NllbTokenizer(vocab=vocabulary, merges=merges, extra_special_tokens=languages)
    _save_m2m(folder, tokenizer, len(tokenizer), len(vocabulary))


def _m2m100(folder: Path) -> None:
    pieces = _trained(folder, "unigram", []).pieces
    vocabulary = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3}
    for piece in pieces:
        vocabulary.setdefault(piece, len(vocabulary))
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    languages = [f"__{code}__" for code in FAIRSEQ_LANGUAGE_CODES["m2m100"]]
    files = (str(folder / "vocab.json"), str(folder / "trained.model"))
    tokenizer = M2M100Tokenizer(*files, additional_special_tokens=languages)
    _save_m2m(folder, tokenizer, len(vocabulary) + len(languages) + 8, len(vocabulary))  # 8 rows have no token


def _save_m2m(folder: Path, tokenizer: Any, rows: int, words: int) -> None:
    tokenizer.save_pretrained(folder)
    config = M2M100Config(
        vocab_size=rows, max_position_embeddings=128, pad_token_id=1, bos_token_id=0, eos_token_id=2,
        decoder_start_token_id=2, init_std=1.0, **SIZES,
    )  # fmt: skip
    model = M2M100ForConditionalGeneration(config)
    with torch.no_grad():  # a random model would write languages, and tokens that are none
        model.model.shared.weight[words:] *= 0.1
    model.save_pretrained(folder)


def _madlad400(folder: Path) -> None:
    from tokenizers import Tokenizer, decoders
    from tokenizers.models import Unigram
    from tokenizers.pre_tokenizers import Metaspace

    trained = _trained(folder, "unigram", ["<2de>", "<2pt>", "<2zh>", "<2en>"])
    vocabulary = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    vocabulary += [(piece, score) for piece, score in trained.scored if piece not in ("<s>", "</s>", "<unk>")]
    inner = Tokenizer(Unigram(vocabulary, unk_id=2))
    inner.pre_tokenizer, inner.decoder = Metaspace(), decoders.Metaspace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="</s>", pad_token="<pad>", unk_token="<unk>")
    tokenizer.save_pretrained(folder)
    config = T5Config(
        vocab_size=len(tokenizer), d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2, pad_token_id=0,
        eos_token_id=1, decoder_start_token_id=0, initializer_factor=3.0, feed_forward_proj="gated-gelu",
        tie_word_embeddings=False,
    )  # fmt: skip
    T5ForConditionalGeneration(config).save_pretrained(folder)


def _opus(folder: Path, languages: tuple[str, ...] = ()) -> None:
    pieces = _trained(folder, "unigram", []).pieces
    vocabulary = {"</s>": 0, "<unk>": 1}
    for piece in [*pieces, *languages]:
        vocabulary.setdefault(piece, len(vocabulary))
    vocabulary["<pad>"] = len(vocabulary)
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    for name in ("source.spm", "target.spm"):
        (folder / name).write_bytes((folder / "trained.model").read_bytes())
    pair = {} if languages else {"source_lang": "eng", "target_lang": "deu"}
    tokenizer = MarianTokenizer(
        str(folder / "source.spm"), str(folder / "target.spm"), str(folder / "vocab.json"), **pair
    )
    tokenizer.save_pretrained(folder)
    pad = vocabulary["<pad>"]
    config = MarianConfig(
        vocab_size=len(vocabulary), max_position_embeddings=128, pad_token_id=pad, eos_token_id=0,
        decoder_start_token_id=pad, init_std=1.0, **SIZES,
    )  # fmt: skip
    model = MarianMTModel(config)
    model.generation_config.bad_words_ids = [[pad]]
    model.generation_config.num_beams = 6
    model.save_pretrained(folder)


def _opus_many(folder: Path) -> None:
    _opus(folder, (">>deu<<", ">>por<<", ">>cmn_Hans<<"))


class _Trained:
    def __init__(self, file: Path) -> None:
        processor = sentencepiece.SentencePieceProcessor(model_file=str(file))
        count = processor.get_piece_size()
        self.scored = [(processor.id_to_piece(row), processor.get_score(row)) for row in range(count)]
        self.pieces = [piece for piece, _ in self.scored]


def _trained(folder: Path, kind: str, symbols: list[str]) -> _Trained:
    (folder / "trained.model").write_bytes(_sentencepiece(kind, tuple(symbols)))
    return _Trained(folder / "trained.model")


@cache
def _sentencepiece(kind: str, symbols: tuple[str, ...]) -> bytes:
    import io

    made = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES), model_writer=made, vocab_size=90, model_type=kind, num_threads=1,
        user_defined_symbols=list(symbols), character_coverage=1.0, minloglevel=3, hard_vocab_limit=False,
    )  # fmt: skip
    return made.getvalue()
