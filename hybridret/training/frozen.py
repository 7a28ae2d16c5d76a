"""Frozen weights are not written into every `last.ckpt`: for a body of 10b with LoRA that would be 20 GB every few
hundred steps, although the config alone determines these weights. A fingerprint replaces them: without it, a resume
with other frozen weights would go unnoticed (docs/pitfalls.md#resume).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from hybridret.base.errors import UserError
from hybridret.encoders.plain_state import state_hash

FINGERPRINT = "frozen.sha256"  # beside the tensors of a saved state: 32 bytes


class Frozen:
    """The weights of `module` that take no gradient. They are hashed at the first use of `fingerprint`, which takes
    a second for 1 GB: use it before FSDP2 shards them.
    """

    def __init__(self, module: nn.Module) -> None:
        weights = {
            name: parameter
            for name, parameter in module.named_parameters(remove_duplicate=False)
            if not parameter.requires_grad
        }
        self.names = frozenset(weights)
        self._weights = weights

    @cached_property
    def fingerprint(self) -> str:
        """Their SHA-256; empty where nothing is frozen."""
        weights, self._weights = self._weights, {}  # whole weights must not stay in memory beside their shards
        return state_hash(weights) if weights else ""

    def trained_state(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """`state` without the frozen weights, with their fingerprint; where nothing is frozen, `state` unchanged."""
        if not self.names:
            return dict(state)
        digest = torch.frombuffer(bytearray.fromhex(self.fingerprint), dtype=torch.uint8)
        return {name: tensor for name, tensor in state.items() if name not in self.names} | {FINGERPRINT: digest}

    def complete_state(self, saved: Mapping[str, Tensor], state: Mapping[str, Any]) -> dict[str, Any]:
        """`saved`, a result of `trained_state`, completed with the frozen weights of `state`, the module's own.

        Raises UserError where other frozen weights were left out of `saved`.
        """
        if FINGERPRINT not in saved and self.names <= saved.keys():  # of a sharded training, which keeps them
            return dict(saved)
        return self.checked(saved) | {name: tensor for name, tensor in state.items() if name in self.names}

    def checked(self, saved: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """`saved`, from `trained_state`, without the fingerprint. Raises UserError where this is of other weights."""
        trained = dict(saved)
        digest = trained.pop(FINGERPRINT, None)
        held = bytes(digest.tolist()).hex() if digest is not None else ""
        if held != self.fingerprint:
            raise UserError(
                f"checkpoints/last.ckpt was trained beside other frozen weights (SHA-256 {held[:12] or 'of none'}, now "
                f"{self.fingerprint[:12] or 'of none'}): the adapter, the backbone's checkpoint or the seed changed. "
                "Restore them, or delete it to start from step 0."
            )
        return trained
