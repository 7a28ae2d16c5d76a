"""A transformers model as the body of a dual encoder: only the part that reads text, no pooler, head or decoder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from hybridret.encoders.dual import Body
from hybridret.errors import UserError

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel

DROPOUTS = (
    "hidden_dropout_prob", "attention_probs_dropout_prob", "dropout", "attention_dropout", "activation_dropout",
    "dropout_rate", "hidden_dropout", "embedding_dropout", "mlp_dropout", "attn_pdrop", "resid_pdrop", "embd_pdrop",
)  # fmt: skip


class HuggingFaceBody(Body):
    """ids [b, T], mask [b, T] -> last hidden states [b, T, hidden size]; `encoder_part`: of an encoder-decoder."""

    kind: ClassVar[str] = "huggingface"

    def __init__(self, model: PreTrainedModel, trust_remote_code: bool = False, encoder_part: bool = False) -> None:
        super().__init__()
        # A pooler is not on the way to the loss: unused weights stop DDP and blur the parameter count.
        if getattr(model, "pooler", None) is not None:
            setattr(model, "pooler", None)  # noqa: B010 -- a plain assignment does not fit the stubs
        self.model = model
        self.trust_remote_code = trust_remote_code
        self.encoder_part = encoder_part
        self.dimension = int(model.config.hidden_size)
        self.positions = _positions(model)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        states: Tensor = self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return states

    def input_embeddings(self) -> nn.Module:
        return self.model.get_input_embeddings()

    def save_architecture(self, folder: Path) -> dict[str, Any]:
        self.model.config.save_pretrained(str(folder))
        return {"trust_remote_code": self.trust_remote_code, "encoder_part": self.encoder_part}

    @classmethod
    def load_architecture(cls, folder: Path, saved: dict[str, Any], trust_remote_code: bool) -> HuggingFaceBody:
        """Raises UserError when the folder needs code from the hub and the caller does not trust it."""
        from transformers import AutoConfig

        remote, encoder_part = bool(saved["trust_remote_code"]), bool(saved["encoder_part"])
        if remote and not trust_remote_code:
            raise UserError(
                f"{folder}: this encoder runs code that came with its checkpoint. If you trust it, set "
                "backbone.trust_remote_code=true."
            )
        config = AutoConfig.from_pretrained(str(folder), trust_remote_code=remote, local_files_only=True)
        with torch.random.fork_rng(devices=[]), quiet():
            model = model_class(encoder_part).from_config(config, dtype=torch.float32, trust_remote_code=remote)
        return cls(model, remote, encoder_part)


def model_class(encoder_part: bool) -> Any:
    """The auto class for text into hidden states; `encoder_part`: of an encoder-decoder (mT5) only the encoder."""
    from transformers import AutoModel, AutoModelForTextEncoding

    return AutoModelForTextEncoding if encoder_part else AutoModel


def set_dropout(config: PretrainedConfig, dropout: float) -> None:
    """Set every dropout rate that `config` has. Raises UserError when it has none."""
    names = [name for name in DROPOUTS if isinstance(getattr(config, name, None), float | int)]
    if not names and dropout:
        raise UserError(f"backbone.dropout={dropout}: a {config.model_type} model has no dropout. Set it to null.")
    for name in names:
        setattr(config, name, dropout)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers from printing bars and load reports; what matters in them is checked by the caller."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def _positions(model: PreTrainedModel) -> int | None:
    limit = getattr(model.config, "max_position_embeddings", None)
    if limit is None:
        return None
    for name, module in model.named_modules():
        # RoBERTa counts positions from padding_idx + 1: 514 rows read 512 tokens.
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding) and module.padding_idx is not None:
            return int(limit) - module.padding_idx - 1
    return int(limit)
