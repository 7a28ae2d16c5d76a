"""The weights of a body without adapters, the form in saved encoders: these load and run without peft."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor, nn

BASE = ".base_layer."  # peft's name for the layer that an adapter wraps


def plain_state(body: nn.Module) -> dict[str, Tensor]:
    """`merge` of the body's own state."""
    return merge(body.state_dict(), body)


def merge(state: Mapping[str, Tensor], body: nn.Module) -> dict[str, Tensor]:
    """The weights in `state` as those of a body without adapters: LoRA's matrices are multiplied and added in fp32 or
    better. `state` has the names and shapes of `body`'s own state. `body` is used for its structure and is not changed.

    A tied tensor is kept under one name, the first in the alphabet. Without adapters the tensors are those of `state`,
    unchanged; with adapters they are in fp32 or better and on the CPU.
    """
    scales = _scales(body)
    tied = _tied(body)
    plain: dict[str, Tensor] = {}
    for name, tensor in state.items():
        layer, _, rest = name.rpartition(BASE) if BASE in name else ("", "", name)
        if name in tied or _adapter_of(name) in scales:
            continue
        if scales and tensor.is_floating_point():
            tensor = tensor.to(torch.promote_types(tensor.dtype, torch.float32))
            if layer in scales and rest == "weight":
                for adapter, scale in scales[layer].items():
                    wide, tall = (
                        state[f"{layer}.lora_{part}.{adapter}.weight"].to(tensor.device, tensor.dtype) for part in "AB"
                    )
                    tensor = tensor + scale * (tall @ wide)
        plain[name.replace(BASE, ".")] = tensor.cpu() if scales else tensor
    return plain


def state_hash(state: Mapping[str, Tensor]) -> str:
    """The SHA-256 of tensors with their names, types and shapes, in 64 hex digits."""
    digest = hashlib.sha256()
    for name, tensor in sorted(state.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _scales(body: nn.Module) -> dict[str, dict[str, float]]:
    """Name of each peft layer in `body` -> adapter -> its scale."""
    return {
        name: dict(module.scaling)
        for name, module in body.named_modules()
        if hasattr(module, "base_layer") and hasattr(module, "lora_A")
    }


def _adapter_of(name: str) -> str:
    """The layer to which the adapter tensor `name` belongs; "" if `name` is not part of an adapter."""
    return name.partition(".lora_")[0] if ".lora_" in name else ""


def _tied(body: nn.Module) -> set[str]:
    """All names but one of each parameter that has several."""
    names: dict[int, list[str]] = {}
    for name, parameter in body.named_parameters(remove_duplicate=False):
        names.setdefault(id(parameter), []).append(name)
    return {name for group in names.values() for name in sorted(group)[1:]}
