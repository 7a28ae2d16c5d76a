"""A corpus of two languages, its tokenizer and tiny encoders: everything in milliseconds, nothing downloaded."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
import torch

from hybridret.base.settings import TextSettings
from hybridret.encoders.dual import DualEncoder
from hybridret.encoders.scratch import Scratch

SIZES = {"tiny": {"width": 32, "layers": 2, "heads": 4, "lr": 3e-3}, "nano": {"width": 16, "layers": 1, "heads": 2}}


class TinyCorpus:
    """Sentences about numbers in English and Spanish."""

    def __init__(self, name: str = "numbers", count: int = 60) -> None:
        self.name = name
        self.count = count
        self.reads = 0

    def texts(self) -> Iterable[str]:
        self.reads += 1
        for number in range(self.count):
            yield f"What is the square of {number}? The square of {number} is {number**2}."
            yield f"¿Cuál es el cuadrado de {number}? El cuadrado de {number} es {number**2}."

    def fingerprint(self) -> str:
        return f"{self.name}-{self.count}"


@pytest.fixture
def corpus() -> TinyCorpus:
    return TinyCorpus()


@pytest.fixture
def text() -> TextSettings:
    return TextSettings(query_prefix="Query: ", passage_prefix="Passage: ", query_length=24, passage_length=32)


@pytest.fixture
def make_encoder(corpus: TinyCorpus, text: TextSettings) -> Callable[..., DualEncoder]:
    def make(size: str = "tiny", seed: int = 0, **options: object) -> DualEncoder:
        return Scratch(SIZES, vocabulary_size=300, max_positions=32, **options).encoder(size, text, corpus, seed)

    return make


@pytest.fixture
def encoder(make_encoder: Callable[..., DualEncoder]) -> DualEncoder:
    return make_encoder()


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)
