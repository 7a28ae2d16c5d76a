"""A sentence-transformers model instead of a dual encoder: its whole chain of modules, for evaluation only."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hybridret.base.errors import UserError
from hybridret.base.files import hash_json
from hybridret.encoders.counting import counted
from hybridret.encoders.plain_state import state_hash
from hybridret.encoders.st_tokenization import TASKS, StTokenization
from hybridret.encoders.tokenization import tokenizer_rules

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


class StEncoder(nn.Module):
    """ids [b, T], mask [b, T] of one task, as `StTokenization` makes them -> [b, D] fp32.

    `cosine`: the model's similarity is the cosine, and vectors have unit norm; otherwise it is the dot product, and the
    model's vectors are unchanged. Raises UserError for another similarity, and for a model without finite vectors.
    """

    def __init__(self, model: SentenceTransformer, query_prompt: str, passage_prompt: str) -> None:
        super().__init__()
        if model.similarity_fn_name not in ("cosine", "dot"):
            raise UserError(
                f"This sentence-transformers model compares vectors by {model.similarity_fn_name} distance; only "
                "models with cosine or dot product can be evaluated here."
            )
        self.body = model
        self.cosine = model.similarity_fn_name == "cosine"
        self.tokenization = StTokenization(model, query_prompt, passage_prompt)
        self.eval()
        with torch.inference_mode():
            probe = self(*self.tokenization.pad(self.tokenization.passages(["a"])))
        if probe.ndim != 2 or not bool(probe.isfinite().all()):
            raise UserError("This sentence-transformers model gives no finite vector for the text 'a'.")
        self.dimension = int(probe.shape[1])

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        task = int(input_ids[0, 0])
        if bool((input_ids[:, 0] != task).any()):
            raise ValueError("queries and passages in one batch")
        ids, mask = input_ids[:, 1:], attention_mask[:, 1:]
        features: dict[str, Any] = {"input_ids": ids, "attention_mask": mask}
        if self.tokenization.flat:
            lengths = mask.sum(dim=1)
            features = {"input_ids": ids[mask > 0], "offsets": lengths.cumsum(0) - lengths}
        features |= self.tokenization.constants[task]
        vectors: Tensor = self.body(features, task=TASKS[task])["sentence_embedding"]
        if self.body.truncate_dim is not None:
            vectors = vectors[:, : self.body.truncate_dim]
        with torch.autocast(vectors.device.type, enabled=False):
            return F.normalize(vectors.float(), dim=-1) if self.cosine else vectors.float()

    def train(self, mode: bool = True) -> StEncoder:
        """Raises UserError for `mode` True."""
        if mode:
            raise UserError(
                "backbone=sentence_transformers is for evaluation only (python -m hybridret.evaluate). To train the "
                "same checkpoint use backbone=huggingface with its pooling and text.query_prefix, text.passage_prefix."
            )
        return super().train(False)

    def parameters_counted(self) -> dict[str, int]:
        """Counts of parameters: `total`, `body` (total without the input embeddings) and `trainable`."""
        return counted(self)

    def input_embeddings(self) -> nn.Module:
        """The table of token embeddings; an empty module if the model has none."""
        inside = self.body.transformers_model
        table = inside.get_input_embeddings() if inside is not None else getattr(self.body[0], "embedding", None)
        return table if isinstance(table, nn.Module) else nn.Module()

    def identity(self) -> dict[str, str]:
        """All that a vector depends on beside its text, for keys of caches (docs/pitfalls.md#stale-caches)."""
        from sentence_transformers import __version__

        chain: list[Any] = [[type(module).__name__, getattr(module, "get_config_dict", dict)()] for module in self.body]
        inside = self.body.transformers_model
        config = inside.config.to_dict() if inside is not None else {}
        config.pop("_name_or_path", None)
        tokenizer = getattr(self.body.tokenizer, "backend_tokenizer", self.body.tokenizer)
        fast = hasattr(tokenizer, "to_str")
        written: Any = tokenizer_rules(tokenizer.to_str()) if fast else sorted(tokenizer.get_vocab().items())
        return {
            "weights": state_hash(self.body.state_dict()),
            "body": f"sentence-transformers {__version__}",
            "modules": hash_json([chain, config]),
            "text": json.dumps(vars(self.tokenization.text), sort_keys=True),
            "similarity": f"{self.body.similarity_fn_name}, {self.body.truncate_dim}",
            "tokenizer": hash_json(written),
        }
