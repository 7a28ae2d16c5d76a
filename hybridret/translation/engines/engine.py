"""The interface of what translates, and the settings that all engines share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple, Protocol

from annotated_types import Ge, Le

from hybridret.base.ranges import Count, checked

Precision = Literal["fp32", "bf16", "fp16", "int8"]


class Translation(NamedTuple):
    """A translated piece or text, and whether a part of it is missing: the model was cut off, or wrote nothing."""

    text: str
    truncated: bool


@checked("translate")
@dataclass(frozen=True)
class Decoding:
    """What the words of a translation depend on, beside the model. Nothing is sampled.

    beams: width of the beam search; 1 is greedy.
    length: tokens of a piece and of its translation at most.
    batch_tokens: tokens of a batch, padding included; it may change last bits, so it is one of the settings.
    precision: of the weights; int8 is for CTranslate2.
    """

    beams: Annotated[int, Ge(1), Le(64)] = 4
    length: Annotated[int, Ge(8)] = 256
    batch_tokens: Count = 4096
    precision: Precision = "fp32"


class Engine(Protocol):
    """A loaded model with one direction."""

    @property
    def limit(self) -> int:
        """The most tokens of a piece."""
        ...

    def size(self, piece: str) -> int:
        """The tokens of a piece."""
        ...

    def translate(self, pieces: Sequence[str]) -> list[Translation]:
        """The translations of a batch, in its order. The same batch has the same translations in every call."""
        ...


class ModelSource(Protocol):
    """A model that was found, not loaded yet."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """Name and content of the model, as JSON: two with the same identity translate alike."""
        ...

    def check(self, source: str, target: str) -> None:
        """Raise UserError where it does not translate from `source` into `target`; no weights are read."""
        ...

    def engine(self, source: str, target: str, decoding: Decoding, device: str) -> Engine:
        """Load it for a direction. `device`: as torch writes it (cpu, cuda:1)."""
        ...
