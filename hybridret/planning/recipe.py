"""How a point is trained: what decides, beside the model and the batch, whether it fits and how fast it is."""

from __future__ import annotations

from dataclasses import dataclass

A_NODE = 8  # GPUs of a usual machine: more devices are asked for as nodes


@dataclass(frozen=True)
class Recipe:
    """`devices`: processes in all, one GPU each; `sharded`: FSDP2, else every process holds everything (DDP, or one
    process). `precision` in Lightning's words: 32-true, bf16-mixed, 16-mixed, bf16-true or 64-true. `optimizer`: the
    last part of the target of `optim`, lower case, and `adam8bit` for torchao's. `adapter`: full or lora. `attention`:
    sdpa, eager, flash_attention_2 or packed; None: the model's own choice. The rest is as in `TrainingSettings`.
    """

    devices: int
    sharded: bool
    precision: str
    optimizer: str
    adapter: str
    chunk_size: int | None
    recompute: bool
    recompute_layers: bool
    compile: bool
    attention: str | None
    chunk_tokens: int | None = None

    def spell(self) -> str:
        """One line for people, in the order in which the choices matter."""
        spread = "FSDP2 over" if self.sharded else "DDP over"
        chunks = self.spell_chunks()
        recomputed = [word for word, used in (("chunks", self.recompute), ("layers", self.recompute_layers)) if used]
        parts = [
            "1 GPU" if self.devices == 1 else f"{spread} {self.devices} GPUs",
            self.precision,
            self.optimizer,
            "all weights" if self.adapter == "full" else self.adapter,
            chunks,
            *([f"recomputed {' and '.join(recomputed)}"] if recomputed else []),
            *(["compiled"] if self.compile else []),
            *([] if self.attention is None else [f"attention {self.attention}"]),
        ]
        return ", ".join(parts)

    def spell_chunks(self) -> str:
        """What a chunk holds at most."""
        limits = [
            *([] if self.chunk_size is None else [str(self.chunk_size)]),
            *([] if self.chunk_tokens is None else [f"{self.chunk_tokens} tokens"]),
        ]
        return f"chunks of {' or '.join(limits)}" if limits else "whole batch at once"

    def overrides(self) -> list[str]:
        """The command line overrides that choose this recipe; the backbone's attention is left as it is."""
        nodes = next(nodes for nodes in range(1, self.devices + 1) if _divides(nodes, self.devices))
        trainer = "fsdp" if self.sharded else "ddp" if self.devices > 1 else "gpu"
        size = "null" if self.chunk_size is None else str(self.chunk_size)
        return [
            f"trainer={trainer}",
            *([] if self.devices == 1 else [f"trainer.devices={self.devices // nodes}"]),
            *([] if nodes == 1 else [f"trainer.nodes={nodes}"]),
            f"trainer.precision={self.precision}",
            f"optim={self.optimizer}",
            f"adapter={self.adapter}",
            f"training.chunk_size={size}",
            *([] if self.chunk_tokens is None else [f"training.chunk_tokens={self.chunk_tokens}"]),
            f"training.recompute={str(self.recompute).lower()}",
            f"training.recompute_layers={str(self.recompute_layers).lower()}",
            f"training.compile={str(self.compile).lower()}",
        ]


def _divides(nodes: int, devices: int) -> bool:
    return devices % nodes == 0 and devices // nodes <= A_NODE
