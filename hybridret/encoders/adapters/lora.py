"""LoRA (Hu et al., arXiv 2106.09685) with peft: the weights of the body are frozen, and beside each linear layer two
small matrices of rank r are trained. Only these need gradients and optimizer states.

peft injects its layers into the body instead of wrapping it, so that the body keeps its class, its forward and its
architecture; `plain_state` returns the weights of the same body without these layers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import MinLen

from hybridret.base.errors import UserError, nearest
from hybridret.base.range_words import Because
from hybridret.base.ranges import Count, Dropout, Positive, checked
from hybridret.encoders.quiet_import import quiet_import

if TYPE_CHECKING:
    from torch import Tensor, nn

    from hybridret.encoders.dual import Body


@checked("adapter")
class LoRA:
    """`alpha` / `rank` scales the product of the small matrices; `dropout` applies to their input. `targets`: endings
    of the names of linear layers inside the body's layers; null: all. `frozen`: fp32 or bf16 for frozen matrices.

    Trained weights stay in fp32. Under autocast the residual stream of hidden states stays in fp32 too (FSDP2 computes
    everything in bf16). Raises UserError for invalid values.
    """

    name = "lora"

    def __init__(
        self,
        rank: Count,
        alpha: Annotated[Positive, Because("adapter.alpha / adapter.rank is a scale.")],
        dropout: Dropout,
        targets: Annotated[list[str], MinLen(1), Because("Name linear layers, or null for all.")] | None,
        frozen: Literal["fp32", "bf16"],
    ) -> None:
        self.rank, self.alpha, self.dropout, self.targets, self.frozen = rank, alpha, dropout, targets, frozen

    def apply(self, body: Body, seed: int) -> None:
        """Put the small matrices into `body` and freeze all other weights. Their values depend only on `seed`; the
        caller's random state does not change. Raises UserError for a target that matches no linear layer.
        """
        import torch  # here and below: a wrong rank is rejected before torch is imported

        names = self._chosen(linear_layers(body))
        with quiet_import():
            from peft import LoraConfig, inject_adapter_in_model
        config = LoraConfig(
            r=self.rank,
            lora_alpha=self.alpha,
            lora_dropout=self.dropout,
            target_modules="|".join(re.escape(name) for name in names),  # peft matches a pattern with the full name
            bias="none",
        )
        mode = body.training
        with torch.random.fork_rng(devices=[]), torch.device(next(body.parameters()).device):
            torch.manual_seed(seed)
            inject_adapter_in_model(config, body)
        body.train(mode)
        if self.frozen == "bf16":
            _keep_in_bf16(body)

    def check_precision(self, precision: str) -> None:
        """Raises UserError for frozen bf16 matrices without bf16-mixed: only autocast converts their fp32 input."""
        if self.frozen == "bf16" and precision != "bf16-mixed":
            raise UserError(
                f"adapter.frozen=bf16 needs trainer.precision=bf16-mixed, not {precision}. Set one of the two: "
                "adapter.frozen=fp32 goes with every precision."
            )

    def _chosen(self, names: list[str]) -> list[str]:
        if self.targets is None:
            return names
        for target in self.targets:
            if not any(_ends_with(name, target) for name in names):
                known = {name.rpartition(".")[2] for name in names}
                raise UserError(
                    f"adapter.targets: no linear layer of this backbone is called '{target}'. {nearest(target, known)}"
                )
        return [name for name in names if any(_ends_with(name, target) for target in self.targets)]


def linear_layers(body: Body) -> list[str]:
    """The names in `body` of all linear layers inside its repeated layers."""
    from torch import nn

    inside = {id(module) for module in body.layers().modules()}
    return [name for name, module in body.named_modules() if id(module) in inside and isinstance(module, nn.Linear)]


def _ends_with(name: str, target: str) -> bool:
    return name == target or name.endswith(f".{target}")


def _keep_in_bf16(body: Body) -> None:
    """Convert the frozen matrices of linear layers and the embedding table, which are nearly all weights, to bf16."""
    import torch
    from torch import nn

    table = body.input_embeddings()
    for module in body.modules():
        weight = getattr(module, "weight", None)
        meant = isinstance(module, nn.Linear) or module is table
        if meant and isinstance(weight, nn.Parameter) and not weight.requires_grad:
            weight.data = weight.data.to(torch.bfloat16)  # in place: tied weights stay tied
    table.register_forward_hook(_in_fp32)


def _in_fp32(module: nn.Module, given: object, rows: Tensor) -> Tensor:
    """Embeddings in fp32: layers add to them, and in bf16 small summands would be lost."""
    return rows.float()
