"""The attention of a transformers model: its kernel, and whether a decoder attends to later tokens.

Removing the causal mask of a decoder is the first step of LLM2Vec (BehnamGhader et al. 2024, arXiv 2404.05961).
transformers does it for `config.is_causal = False`, both in the mask and in the kernels. Older releases ignore this
value, so it is first tried on a text of two tokens. For the types in `LOOK_AHEAD` tests check that it works.

`packed` is implemented in this package (`encoders/packing.py`): no padding inside the network. For the types in `PACKS`
tests check that it gives the states of sdpa. Another model may add terms to its scores that packed rows do not have.
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from hybridret.base.errors import UserError
from hybridret.encoders.quiet_import import quiet_import

if TYPE_CHECKING:
    from transformers import PretrainedConfig

FLASH = "flash_attention_2"
PACKED = "packed"
Kernel = Literal["sdpa", "eager", "flash_attention_2", "packed"]
LOOK_AHEAD = frozenset({"gemma3_text", "llama", "mistral", "qwen2", "qwen3", "xglm"})
REASONS = {
    "bloom": "its position bias, ALiBi, grows with the position looked at: without a mask the end drowns the rest"
}
PACKS = frozenset({
    "bert", "eurobert", "gemma3_text", "llama", "mistral", "qwen2", "qwen3", "roberta", "xlm-roberta", "xlm-roberta-xl",
})  # fmt: skip
NO_PACKING = {
    "bloom": "its position bias, ALiBi, counts on from text to text, and transformers has no other attention for it",
    "mt5": "its position bias is added to the scores of a whole row",
    "xglm": "transformers has no other attention than eager for it",
}


def check_kernels_of(
    names: Iterable[object], source: object, choice: str = ", or choose a kind by yourself: backbone.attention=sdpa"
) -> None:
    """Raises UserError if a checkpoint's files name a kernel of the hub, `owner/name`, which is native code. `choice`:
    what else the user can do.
    """
    for name in names:
        if name is not None and "/" in str(name):
            raise UserError(
                f"{source} asks for {name} as its attention, code that would be fetched from the hub and run. Remove "
                f"attn_implementation from its config.json{choice}."
            )


def kernels_of(config: PretrainedConfig) -> list[object]:
    """The kinds of attention that are set in a config and in the configs inside it."""
    found: list[object] = [getattr(config, "_attn_implementation", None)]
    for name in getattr(config, "sub_configs", {}):
        if (inner := getattr(config, name, None)) is not None:
            found += kernels_of(inner)
    return found


def kernels_in(described: object) -> list[object]:
    """As `kernels_of`, for the content of a checkpoint's JSON file, for checkpoints that another package loads."""
    if isinstance(described, list):
        return [name for one in described for name in kernels_in(one)]
    if not isinstance(described, dict):
        return []
    own = [one for key, one in described.items() if str(key).endswith("attn_implementation")]
    named = [name for one in own for name in (one.values() if isinstance(one, dict) else [one])]
    return named + [name for one in described.values() for name in kernels_in(one)]


def check_installed(name: str | None) -> None:
    """Raises UserError if `name` needs a package that is not installed."""
    if name == FLASH and importlib.util.find_spec("flash_attn") is None:
        raise UserError(
            "backbone.attention=flash_attention_2 needs the package flash-attn and an NVIDIA GPU. Run pip install "
            "flash-attn --no-build-isolation, or set backbone.attention=sdpa, which needs nothing."
        )


def check_packs(config: PretrainedConfig, trust_remote_code: bool) -> None:
    """Raises UserError unless the model that `config` describes can read packed texts."""
    kind = str(config.model_type)
    if trust_remote_code:
        raise UserError(
            "backbone.attention=packed: code that comes with a checkpoint may count positions and attend in its own "
            "way. Set backbone.trust_remote_code=false, or backbone.attention=sdpa."
        )
    if kind not in PACKS:
        reason = f" ({NO_PACKING[kind]})" if kind in NO_PACKING else ""
        raise UserError(
            f"backbone.attention=packed: a {kind} model cannot read texts laid one behind the other here{reason}. Set "
            f"it to null for what transformers takes by itself. Models that can: {', '.join(sorted(PACKS))}."
        )


def portable(name: str | None) -> str | None:
    """The attention that replaces `name` in an encoder that must work everywhere: flash attention needs a GPU and 16
    bits; packing exists only in this package and needs the values of tensors, which the meta device does not have.
    """
    return {FLASH: None, PACKED: "sdpa"}.get(name or "", name)


def unsupported(name: str | None, config: PretrainedConfig, error: Exception) -> UserError | None:
    """The UserError for transformers' rejection of a kernel; None if `error` is about something else."""
    if name in (None, "eager") or "attention" not in str(error).lower():
        return None
    reason = " ".join(str(error).split())[:200]
    return UserError(
        f"backbone.attention={name}: a {config.model_type} model cannot use it here ({reason}). Set it to eager, or to "
        "null for what transformers takes by itself."
    )


def look_both_ways(config: PretrainedConfig) -> None:
    """Remove the causal mask of the decoder that `config` describes, in place.

    Raises UserError for a model type outside `LOOK_AHEAD` and for a release of transformers that cannot do it.
    """
    kind = str(config.model_type)
    if kind not in LOOK_AHEAD:
        reason = f" ({REASONS[kind]})" if kind in REASONS else ""
        raise UserError(
            f"backbone.bidirectional=true: a {kind} model has no causal mask that can be removed here{reason}. Set it "
            f"to false; an encoder reads both ways as it is. Decoders that can: {', '.join(sorted(LOOK_AHEAD))}."
        )
    if not _mask_can_go():
        import transformers

        raise UserError(
            f"backbone.bidirectional=true: transformers {transformers.__version__} cannot take the causal mask from a "
            "decoder. Run pip install -U transformers, or set it to false."
        )
    config.is_causal = False


@functools.cache
def _mask_can_go() -> bool:
    """Whether the first of two tokens attends to the second when `is_causal` is false."""
    with quiet_import():
        from transformers import LlamaConfig, LlamaModel

    config = LlamaConfig(
        vocab_size=4, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1, use_cache=False
    )
    config.is_causal = False
    import torch

    with torch.random.fork_rng(devices=[]), torch.inference_mode(), torch.device("cpu"):
        torch.manual_seed(0)
        first = LlamaModel(config)(input_ids=torch.tensor([[1, 2], [1, 3]])).last_hidden_state[:, 0]
    return not torch.equal(first[0], first[1])
