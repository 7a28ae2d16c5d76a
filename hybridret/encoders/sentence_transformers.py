"""Backbone family for models in the format of sentence-transformers, unchanged, for evaluation only.

The package itself runs their pooling, prompts, lengths, normalisation and further modules. As for any backbone here,
weights are read from safetensors files only, in fp32, and a missing weight is an error
(docs/pitfalls.md#missing-weights).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybridret.base.errors import UserError
from hybridret.base.settings import TextSettings
from hybridret.encoders.checkpoint import checkpoint_source, one_line
from hybridret.encoders.quiet_import import quiet_import
from hybridret.encoders.sizes import size_entry

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

    from hybridret.encoders.st_encoder import StEncoder
    from hybridret.encoders.tokenizer_training import TextSource

OWNER = "sentence-transformers"  # the owner for hub names without one
TRUST = "If you trust its code, set backbone.trust_remote_code=true."


class SentenceTransformers:
    """`sizes`: name -> {checkpoint, revision (optional)}, as in `HuggingFace`.

    A query gets the model's prompt `query`, a passage its prompt `document`, `passage` or `corpus`; if the model has
    none of these, its default prompt. `query_prompt` and `passage_prompt` replace these prompts; "" means no prompt.
    """

    def __init__(
        self,
        sizes: dict[str, Any],
        query_prompt: str | None = None,
        passage_prompt: str | None = None,
        trust_remote_code: bool = False,
    ) -> None:
        self.sizes = sizes
        self.query_prompt = query_prompt
        self.passage_prompt = passage_prompt
        self.trust_remote_code = trust_remote_code

    def encoder(self, size: str, text: TextSettings, corpus: TextSource | None, seed: int) -> StEncoder:
        """The model of `size` on the CPU. `corpus`, `seed` and the lengths in `text` are not used: the model has its
        own.

        Raises UserError when the package is not installed, the size is unknown, the model is unavailable or incomplete,
        and for prefixes in `text`.
        """
        entry = size_entry(self.sizes, size, frozenset({"checkpoint"}), frozenset({"revision"}))
        if text.query_prefix or text.passage_prefix:
            raise UserError(
                "text.query_prefix and text.passage_prefix do not reach a sentence-transformers model: set "
                "backbone.query_prompt and backbone.passage_prompt instead."
            )
        from safetensors import SafetensorError  # here: wrong settings are rejected before torch is imported

        from hybridret.encoders.st_encoder import StEncoder
        from hybridret.encoders.st_files import checked_files, prompts_of

        checkpoint = str(entry["checkpoint"])
        revision = entry.get("revision")
        source = checkpoint_source(checkpoint)
        if not Path(source).is_dir() and "/" not in source:
            source = f"{OWNER}/{source}"
        try:
            config = checked_files(checkpoint, source, revision)
            model = self._model(checkpoint, source, revision)
            query, passage = prompts_of(config)
            return StEncoder(
                model,
                query if self.query_prompt is None else self.query_prompt,
                passage if self.passage_prompt is None else self.passage_prompt,
            )
        except UserError:
            raise
        except (OSError, SafetensorError) as error:
            raise UserError(_unreachable(checkpoint, source, error)) from error
        except (ValueError, RuntimeError, ImportError, KeyError, TypeError, AttributeError) as error:
            hint = (
                " If you trust its code, set backbone.trust_remote_code=true." if "trust_remote" in str(error) else ""
            )
            raise UserError(
                f"The sentence-transformers model {checkpoint} cannot be used: {one_line(error)}{hint}"
            ) from error

    def _model(self, checkpoint: str, source: str, revision: str | None) -> SentenceTransformer:
        import torch

        try:
            with quiet_import():
                from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise UserError(
                "backbone=sentence_transformers needs the package sentence-transformers, which is not installed (or is "
                "broken). Install it with: pip install 'hybridret[st]'"
            ) from error
        # transformers draws missing weights before it reports them: protect the caller's random state.
        with torch.random.fork_rng(devices=[]), _reports() as messages:
            model = SentenceTransformer(
                source,
                device="cpu",
                revision=revision,
                trust_remote_code=self.trust_remote_code,
                local_files_only=Path(source).is_dir(),
                model_kwargs={"use_safetensors": True, "dtype": torch.float32},
            )
        missing = [line.split("|")[0].strip() for text in messages for line in text.splitlines() if "| MISSING" in line]
        wrong = [name for name in missing if "pooler" not in name]
        if wrong:
            raise UserError(
                f"The sentence-transformers model {checkpoint} does not hold all its weights: {', '.join(wrong[:3])} "
                f"({len(wrong)} in all) are missing. Copy it again."
            )
        if untrusted := [text for text in messages if "is not trusted" in text]:
            raise UserError(
                f"The sentence-transformers model {checkpoint} would run with another function than its own: "
                f"{untrusted[0]} {TRUST}"
            )
        return model.float()


@contextmanager
def _reports() -> Iterator[list[str]]:
    """Collect the warnings of transformers and sentence-transformers during loading, and print nothing."""
    from transformers.utils import logging as transformers_logging

    messages: list[str] = []

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(record.getMessage())

    bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    collect = Collect(logging.WARNING)
    loggers = [logging.getLogger(name) for name in ("transformers", "sentence_transformers")]
    before = [(one, one.level, one.handlers[:], one.propagate) for one in loggers]
    for one in loggers:
        one.handlers, one.propagate = [collect], False
        one.setLevel(logging.WARNING)
    try:
        yield messages
    finally:
        for one, level, handlers, propagate in before:
            one.handlers, one.propagate = handlers, propagate
            one.setLevel(level)
        if bars:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def _unreachable(checkpoint: str, source: str, error: Exception) -> str:
    if Path(source).is_dir():
        return (
            f"The sentence-transformers folder {source} cannot be loaded: {one_line(error)} It must hold modules.json, "
            "the folders that it names, and model.safetensors (pickled weights are not read)."
        )
    return (
        f"The sentence-transformers model {checkpoint} is neither a folder nor in the local hub cache, and the hub did "
        f"not deliver it: {one_line(error)} On a connected machine run `hf download {source}`, then copy that cache "
        "here and set HF_HOME to it, or give the folder as backbone.checkpoint."
    )
