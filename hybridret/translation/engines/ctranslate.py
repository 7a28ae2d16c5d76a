"""Translation by CTranslate2, several times as fast on a processor: the model is converted once, into the cache."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from hybridret.base.errors import UserError
from hybridret.base.files import cache_folder, folder_beside, hash_json
from hybridret.base.progress import Quiet
from hybridret.runs.lock import enter_when_free, exclusive
from hybridret.translation.engines.engine import Decoding, Translation
from hybridret.translation.engines.seq2seq import AROUND, load_model
from hybridret.translation.engines.token_texts import TokenTexts
from hybridret.translation.families import Direction

TYPES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16", "int8": "int8"}


class ConvertedEngine:
    """A converted model with the tokenizer of the original. Raises UserError where it cannot be converted or loaded."""

    def __init__(
        self,
        folder: Path,
        identity: Mapping[str, Any],
        tokens: TokenTexts,
        asked: Direction,
        decoding: Decoding,
        device: str,
    ) -> None:
        import ctranslate2

        kind = TYPES[decoding.precision]
        where, _, index = device.partition(":")
        self._texts, self._asked, self._decoding = tokens, asked, decoding
        self._end = str(tokens.tokenizer.eos_token)
        self.limit = decoding.length - AROUND
        converted = _converted(folder, identity, kind)
        try:
            self._translator = ctranslate2.Translator(
                str(converted),
                device=where,
                device_index=int(index or 0),
                compute_type=kind,
                inter_threads=1,
                intra_threads=int(os.environ.get("OMP_NUM_THREADS", "0")),
            )
        except (RuntimeError, ValueError) as error:
            raise UserError(
                f"CTranslate2 cannot load {folder} as {decoding.precision} on {device} ({error}). Choose another "
                "--precision, or --engine transformers."
            ) from error

    def size(self, piece: str) -> int:
        """The tokens of a piece, without those around it."""
        return len(self._tokens(piece))

    def translate(self, pieces: Sequence[str]) -> list[Translation]:
        """One call with the pieces as one batch."""
        forced = self._asked.forced
        found = self._translator.translate_batch(
            [[*self._asked.prefix, *self._tokens(piece)[: self.limit], self._end] for piece in pieces],
            target_prefix=None if forced is None else [[forced]] * len(pieces),
            beam_size=self._decoding.beams,
            max_input_length=0,
            max_decoding_length=self.limit,
            return_end_token=True,
            disable_unk=True,
        )
        return [self._translation(one.hypotheses[0]) for one in found]

    def _translation(self, tokens: list[str]) -> Translation:
        ids = self._texts.tokenizer.convert_tokens_to_ids(tokens)
        return Translation(self._texts.text(ids), self._end not in tokens)

    def _tokens(self, piece: str) -> list[str]:
        return list(self._texts.tokenizer.convert_ids_to_tokens(self._texts.ids(piece)))


def _converted(folder: Path, identity: Mapping[str, Any], kind: str) -> Path:
    """The folder of the converted model, made where there is none; of two processes one converts."""
    from ctranslate2.converters import TransformersConverter

    made = cache_folder() / "ctranslate2" / hash_json([identity["content"], identity["version"], kind], 24)
    with ExitStack() as stack:
        lock = made.with_suffix(".lock")
        enter_when_free(stack, lambda: exclusive(lock), Quiet(), "wait for another process that converts the model")
        if not made.is_dir():
            load_model(folder, "auto")  # raises for what the converter would fill with random numbers
            with folder_beside(made) as temporary:
                try:
                    TransformersConverter(str(folder)).convert(str(temporary), quantization=kind, force=True)
                except (ValueError, RuntimeError, KeyError, AttributeError, TypeError) as error:
                    what = " ".join(str(error).split())[:300]
                    raise UserError(
                        f"CTranslate2 cannot convert {identity['model']} ({what}). Use --engine transformers."
                    ) from error
                temporary.rename(made)
    return made
