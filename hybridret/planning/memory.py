"""The memory of one device at the peak of a training step, by part."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Memory:
    """Bytes on each device in the moment when most is held.

    `gathered`: passages of all devices and their gradient; `other`: copies of weights and gradients in the precision of
    the forward pass, unsharded layers, and what single operations need for themselves. `optimizer`: its states, and the
    average of the weights where one is kept.
    """

    weights: int
    gradients: int
    optimizer: int
    activations: int
    logits: int
    gathered: int
    other: int

    @property
    def total(self) -> int:
        return (
            self.weights + self.gradients + self.optimizer + self.activations + self.logits + self.gathered + self.other
        )
