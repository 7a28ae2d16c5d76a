"""A trained encoder as a model of mteb, whose tasks then run on it:

    mteb.evaluate(MtebModel(load_encoder(folder), "me/my-run", "1"), mteb.get_tasks(tasks=["SciFact"]))

Texts are encoded as elsewhere here: sorted by length, queries and passages with the prefixes and lengths that the
encoder was trained with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from hybridret.base.errors import UserError
from hybridret.base.progress import Progress, Quiet
from hybridret.base.settings import TextSettings
from hybridret.export.mteb_results import model_meta
from hybridret.retrieval.encode import TextEncoder, encode_texts


class MtebModel:
    """mteb's `EncoderProtocol` over anything with the `TextEncoder` protocol.

    name: ORGANISATION/MODEL. revision: identifies a version of the weights, such as a config hash.
    languages: our codes of the languages that it was trained on. batch_size: in texts, unless mteb passes another.
    precision: of the forward pass, fp32, bf16 or fp16.

    Raises UserError where mteb is not installed, and for a name that mteb does not accept.
    """

    def __init__(
        self,
        encoder: TextEncoder,
        name: str,
        revision: str,
        *,
        languages: Sequence[str] | None = None,
        batch_size: int = 64,
        precision: str = "fp32",
        progress: Progress | None = None,
    ) -> None:
        try:
            from mteb.models import ModelMeta
        except ImportError as error:
            raise UserError(
                f"A model for mteb needs mteb ({error}). Install it with: pip install 'hybridret[mteb]'"
            ) from error
        found = getattr(encoder.tokenization, "text", None)
        text = found if isinstance(found, TextSettings) else None
        meta = model_meta(
            name,
            revision,
            languages=languages,
            parameters=sum(parameter.numel() for parameter in encoder.parameters()),
            dimension=encoder.dimension,
            max_tokens=max(text.query_length, text.passage_length) if text else None,
            prefixes=bool(text.query_prefix or text.passage_prefix) if text else None,
        )
        self.mteb_model_meta = ModelMeta(**meta)
        self._encoder = encoder
        self._batch_size = batch_size
        self._precision = precision
        self._progress = progress or Quiet()

    def encode(
        self,
        inputs: Iterable[Mapping[str, Any]],
        *,
        task_metadata: Any,
        hf_split: str,
        hf_subset: str,
        prompt_type: Any = None,
        **options: Any,
    ) -> Tensor:
        """Unit vectors [n, D], fp32, of the texts in mteb's batches `inputs`, in their order.

        `prompt_type` query or document; without one (tasks that are no retrieval) texts are read as passages, because
        queries are cut short. Of mteb's encode_kwargs only `batch_size` is used. Raises UserError for a task that is
        not about text, and for embeddings in another precision.
        """
        if options.get("precision", "float32") not in (None, "float32"):
            raise UserError(f"encode_kwargs precision={options['precision']}: only float32 embeddings are made.")
        texts: list[str] = []
        for batch in inputs:
            if "text" not in batch:
                raise UserError(
                    f"{task_metadata.name} is not about text ({', '.join(batch)}), and this model reads text."
                )
            texts += batch["text"]
        vectors = encode_texts(
            self._encoder,
            texts,
            "query" if getattr(prompt_type, "value", prompt_type) == "query" else "passage",
            int(options.get("batch_size", self._batch_size)),
            self._progress,
            precision=self._precision,
        )
        return torch.from_numpy(vectors)

    def similarity(self, embeddings1: Any, embeddings2: Any) -> Tensor:
        """Cosines [n, m] of embeddings [n, D] and [m, D]; one vector [D] counts as n = 1."""
        return _unit(embeddings1) @ _unit(embeddings2).T

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> Tensor:
        """Cosines [n] of the rows of embeddings [n, D] and [n, D]."""
        return (_unit(embeddings1) * _unit(embeddings2)).sum(dim=-1)


def _unit(embeddings: Any) -> Tensor:
    rows = torch.as_tensor(embeddings).float()
    return F.normalize(rows if rows.ndim > 1 else rows[None], dim=-1)
