"""A transformers model as the body of a dual encoder: only the part that reads text, no pooler, head or decoder.

Positions are counted from the mask and passed to the model, so that the vector of a text does not depend on the side of
the padding (docs/pitfalls.md#padding). By default, models with absolute positions also count padding, or recognise
padding by its id.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from hybridret.base.errors import UserError
from hybridret.base.records import IntArray
from hybridret.encoders import packed_attention
from hybridret.encoders.attention import PACKED, check_kernels_of, kernels_of, portable, unsupported
from hybridret.encoders.dual import Body
from hybridret.encoders.host_lengths import known_lengths
from hybridret.encoders.packing import Packing
from hybridret.encoders.quiet_import import quiet_import

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel

DROPOUTS = (
    "hidden_dropout_prob", "attention_probs_dropout_prob", "dropout", "attention_dropout", "activation_dropout",
    "dropout_rate", "hidden_dropout", "embedding_dropout", "mlp_dropout", "attn_pdrop", "resid_pdrop", "embd_pdrop",
)  # fmt: skip


class HuggingFaceBody(Body):
    """ids [b, T], mask [b, T] -> last hidden states [b, T, hidden size].

    `encoder_part`: the model is only the encoder of an encoder-decoder.
    """

    kind: ClassVar[str] = "huggingface"
    takes_lengths: ClassVar[bool] = True

    def __init__(self, model: PreTrainedModel, trust_remote_code: bool = False, encoder_part: bool = False) -> None:
        super().__init__()
        # The loss does not use a pooler: unused weights are an error in DDP and distort the parameter count.
        if getattr(model, "pooler", None) is not None:
            setattr(model, "pooler", None)  # noqa: B010 -- a plain assignment does not fit the stubs
        self.model = model
        self.trust_remote_code = trust_remote_code
        self.encoder_part = encoder_part
        self.dimension = int(model.config.hidden_size)
        self._before_first = _padding_position(model)
        limit = getattr(model.config, "max_position_embeddings", None)
        self.positions = None if limit is None else int(limit) - self._before_first - 1
        # Code from a checkpoint may count positions in another way; models with relative positions have no argument.
        self._counts = not trust_remote_code and "position_ids" in inspect.signature(model.forward).parameters

    def forward(self, input_ids: Tensor, attention_mask: Tensor, lengths: IntArray | None = None) -> Tensor:
        if self.model.config._attn_implementation == PACKED:
            return self._packed(input_ids, attention_mask, lengths)
        given = {"position_ids": self._position_ids(attention_mask)} if self._counts else {}
        with known_lengths(lengths, input_ids.shape[1]):
            states: Tensor = self.model(input_ids=input_ids, attention_mask=attention_mask, **given).last_hidden_state
        return states

    def _packed(self, input_ids: Tensor, attention_mask: Tensor, lengths: IntArray | None) -> Tensor:
        """The same states, computed from one row of all tokens; zero at padding."""
        packing = Packing.of(attention_mask, lengths)
        states: Tensor = self.model(
            input_ids=packing.pack(input_ids),
            position_ids=packing.pack(self._position_ids(attention_mask)),
            packing=packing,
        ).last_hidden_state
        return packing.unpack(states, attention_mask)

    def _position_ids(self, mask: Tensor) -> Tensor:
        """[b, T]: tokens count from the padding position + 1; padding has the padding position, 0 where it is -1."""
        return (mask.long().cumsum(dim=1) * mask + self._before_first).clamp(min=0)

    def input_embeddings(self) -> nn.Module:
        return self.model.get_input_embeddings()

    def layers(self) -> nn.ModuleList:
        """The list of modules with the most parameters: every family of transformers has its blocks in one list."""
        lists = [module for module in self.model.modules() if isinstance(module, nn.ModuleList)]
        return max(lists, key=lambda blocks: sum(parameter.numel() for parameter in blocks.parameters()))

    def save_architecture(self, folder: Path) -> dict[str, Any]:
        self.model.config.save_pretrained(str(folder))
        return {
            "trust_remote_code": self.trust_remote_code,
            "encoder_part": self.encoder_part,
            "attention": portable(getattr(self.model.config, "_attn_implementation", None)),
        }

    def architecture_text(self) -> str:
        """The config as JSON: all that the states depend on beside the weights (mask, heads, rotary bases)."""
        described = self.model.config.to_dict()
        of_the_file = ("_name_or_path", "architectures", "dtype", "transformers_version")
        kept = {key: value for key, value in described.items() if key not in of_the_file}
        return json.dumps(kept, sort_keys=True, default=str)

    @classmethod
    def untrained(
        cls,
        config: PretrainedConfig,
        encoder_part: bool,
        attention: str | None = None,
        trust_remote_code: bool = False,
    ) -> HuggingFaceBody:
        """The body that `config` describes, in fp32, on torch's current device and from its current random state.

        Raises UserError when the model cannot use `attention`.
        """
        check_kernels_of([attention, *kernels_of(config)], config._name_or_path or "The config")
        options = {"dtype": torch.float32, "trust_remote_code": trust_remote_code, **kernel_option(attention)}
        try:
            with quiet():
                model = model_class(encoder_part).from_config(config, **options)
        except (ImportError, ValueError) as error:
            refusal = unsupported(attention, config, error)
            if refusal is None:
                raise
            raise refusal from error
        return cls(model, trust_remote_code, encoder_part)

    @classmethod
    def load_architecture(cls, folder: Path, saved: dict[str, Any], trust_remote_code: bool) -> HuggingFaceBody:
        """Raises UserError when the folder needs code from the hub and the caller does not trust it."""
        from transformers import AutoConfig

        remote, encoder_part = bool(saved["trust_remote_code"]), bool(saved["encoder_part"])
        untrusted = UserError(
            f"{folder}: this encoder runs code that came with its checkpoint. If you trust it, add trust=[remote_code] "
            "(search, publish and analyse: --trust remote_code; a new training: backbone.trust_remote_code=true)."
        )
        if remote and not trust_remote_code:
            raise untrusted
        try:
            config = AutoConfig.from_pretrained(str(folder), trust_remote_code=remote, local_files_only=True)
        except ValueError as error:
            if "trust_remote_code" not in str(error):
                raise
            raise untrusted from error
        with torch.random.fork_rng(devices=[]):
            # Folders of older versions have no entry for the attention.
            return cls.untrained(config, encoder_part, saved.get("attention"), remote)


def model_class(encoder_part: bool) -> Any:
    """The auto class for text to hidden states; `encoder_part`: only the encoder of an encoder-decoder (mT5)."""
    from transformers import AutoModel, AutoModelForTextEncoding

    return AutoModelForTextEncoding if encoder_part else AutoModel


def kernel_option(attention: str | None) -> dict[str, Any]:
    """The argument that makes transformers use `attention`; empty for None."""
    if attention == PACKED:
        packed_attention.register()
    return {} if attention is None else {"attn_implementation": attention}


def set_dropout(config: PretrainedConfig, dropout: float) -> None:
    """Set every dropout rate that `config` has. Raises UserError when it has none and `dropout` is not 0."""
    names = [name for name in DROPOUTS if isinstance(getattr(config, name, None), float | int)]
    if not names and dropout:
        raise UserError(f"backbone.dropout={dropout}: a {config.model_type} model has no dropout. Set it to null.")
    for name in names:
        setattr(config, name, dropout)


@contextmanager
def quiet() -> Iterator[None]:
    """Suppress transformers' progress bars and load reports; the caller checks what is important in them."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        with quiet_import():  # the first model imports transformers' quantizers, which import torchao
            yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def _padding_position(model: PreTrainedModel) -> int:
    """The position of padding, one before that of the first token: -1 unless the table of positions has a row for
    padding (RoBERTa: 514 rows for 512 tokens).
    """
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding) and module.padding_idx is not None:
            return module.padding_idx
    return -1
