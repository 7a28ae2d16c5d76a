"""Translation by transformers: encoder-decoder models, beam search, nothing sampled.

The tokens around a text are put there by us, from the tokens of the direction: the tokenizers of the families do it in
different ways, and in different ways from version to version.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

from hybridret.base.errors import UserError
from hybridret.translation.engines.engine import Decoding, Translation
from hybridret.translation.engines.token_texts import TokenTexts
from hybridret.translation.families import Direction

AROUND = 2  # the language and the end token


class Seq2SeqEngine:
    """A model of `AutoModelForSeq2SeqLM` with its tokenizer. Raises UserError where it cannot be loaded."""

    def __init__(self, folder: Path, tokens: TokenTexts, asked: Direction, decoding: Decoding, device: str) -> None:
        import torch
        from transformers import GenerationConfig

        types = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
        if decoding.precision not in types:
            raise UserError(f"--precision {decoding.precision} is for --engine ctranslate2; choose fp32, bf16 or fp16.")
        model = load_model(folder, types[decoding.precision])
        self._torch, self._model, self._tokens = torch, model.to(device).eval(), tokens
        tokenizer = tokens.tokenizer
        config, own = model.config, model.generation_config
        self._prefix = [tokenizer.convert_tokens_to_ids(token) for token in asked.prefix]
        self._eos, self._pad = int(tokenizer.eos_token_id), int(tokenizer.pad_token_id)
        self.limit = min(decoding.length, _positions(config)) - AROUND
        start = own.decoder_start_token_id
        self._generation = GenerationConfig(  # type: ignore[no-untyped-call]
            num_beams=decoding.beams,
            do_sample=False,
            max_new_tokens=self.limit,
            pad_token_id=self._pad,
            eos_token_id=self._eos,
            decoder_start_token_id=config.decoder_start_token_id if start is None else start,
            forced_bos_token_id=None if asked.forced is None else tokenizer.convert_tokens_to_ids(asked.forced),
            bad_words_ids=[*(own.bad_words_ids or []), [tokenizer.unk_token_id]],
        )
        # generate() fills what is None here from the model's own config: a language that it was saved with, a sampling
        model.generation_config = GenerationConfig()  # type: ignore[no-untyped-call]

    def size(self, piece: str) -> int:
        """The tokens of a piece, without those around it."""
        return len(self._tokens.ids(piece))

    def translate(self, pieces: Sequence[str]) -> list[Translation]:
        """One call of `generate` with the pieces as one padded batch."""
        torch = self._torch
        rows = [[*self._prefix, *self._tokens.ids(piece)[: self.limit], self._eos] for piece in pieces]
        width = max(map(len, rows))
        ids = torch.tensor([[*row, *[self._pad] * (width - len(row))] for row in rows])
        mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows])
        device = self._model.device
        try:
            with torch.inference_mode():
                found = self._model.generate(
                    input_ids=ids.to(device), attention_mask=mask.to(device), generation_config=self._generation
                )
        except torch.OutOfMemoryError as error:
            raise UserError(
                f"{device} has no room for {len(rows)} pieces of up to {width} tokens with --beams "
                f"{self._generation.num_beams}. Use a GPU with more memory, or a new --output with a lower "
                "--batch-tokens or --precision bf16."
            ) from error
        return [self._translation(row) for row in found.tolist()]

    def _translation(self, row: list[int]) -> Translation:
        """Of a row of `generate`: the first token starts the decoder, and is the end token in some families."""
        return Translation(self._tokens.text(row), self._eos not in row[1:])


def load_model(folder: Path, dtype: Any) -> Any:
    """The model in `folder` with weights of the torch type `dtype`, on the CPU: from safetensors where there are some,
    else from a .bin by torch's restricted unpickler, which runs no code.

    Raises UserError where they cannot be read, and for weights that are missing, which would be drawn at random.
    """
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForSeq2SeqLM
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        with torch.random.fork_rng(devices=[]):
            model, report = AutoModelForSeq2SeqLM.from_pretrained(
                str(folder), dtype=dtype, weights_only=True, trust_remote_code=False, output_loading_info=True
            )
    except UnpicklingError as error:  # its text advises to read the file without the guard
        raise UserError(
            f"The weights in {folder} (*.bin) are damaged, or hold more than numbers, which could be code: nothing of "
            "it was run. Copy them again, or take a copy of the model in safetensors."
        ) from error
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        raise UserError(
            f"The weights in {folder} cannot be loaded ({' '.join(str(error).split())[:300]}). Copy them again."
        ) from error
    if wrong := sorted(map(str, [*report["missing_keys"], *report["mismatched_keys"]])):
        raise UserError(
            f"The weights in {folder} are not those of a whole model: {', '.join(wrong[:3])} ({len(wrong)} in all) are "
            "missing or of another shape. Copy them again."
        )
    return model


def _positions(config: Any) -> int:
    """The most tokens that the positions of a model reach; relative positions have no end."""
    return int(getattr(config, "max_position_embeddings", None) or 1 << 20)
