"""A body in a recipe, measured on fake tensors. Measurements are kept: a sweep asks for the same ones often."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import torch
from torch import nn

from hybridret.encoders.dual import Body
from hybridret.planning.fake import AUTOCAST, FakeBody, held
from hybridret.planning.flops import Flops, flops
from hybridret.planning.modes import followed
from hybridret.planning.profile import ChunkProfile, profile
from hybridret.planning.recipe import Recipe

Measured = TypeVar("Measured")
_KEPT: WeakKeyDictionary[Body, dict[Any, Any]] = WeakKeyDictionary()
_UNCHANGED: WeakKeyDictionary[Body, _Structure] = WeakKeyDictionary()


@dataclass(frozen=True)
class _Structure:
    """What measurements depend on: `state` has shape, dtype and `requires_grad` of each parameter. `alike`: layers."""

    depth: int
    alike: bool
    state: tuple[Any, ...]

    @classmethod
    def of(cls, body: Body) -> _Structure:
        layers = list(body.layers())
        # The first may differ (mT5's holds the position bias of all): it is there in every body that is measured.
        kinds = {tuple((one.shape, one.requires_grad) for one in layer.parameters()) for layer in layers[1:]}
        state = tuple((one.shape, one.dtype, one.requires_grad) for one in body.parameters())
        return cls(len(layers), len(kinds) == 1, state)


@contextmanager
def unchanged(body: Body) -> Iterator[None]:
    """Nobody changes `body` in the block: it is walked through once. Otherwise by each `Encoding`."""
    outer = body in _UNCHANGED
    if not outer:
        _UNCHANGED[body] = _Structure.of(body)
    try:
        yield
    finally:
        if not outer:
            del _UNCHANGED[body]


@contextmanager
def _no_collecting() -> Iterator[None]:
    """Python's collector finds nothing in thousands of small tensors, and takes a quarter of the time to do so."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


class Encoding:
    """`body` with `pooling` in `recipe`."""

    def __init__(self, body: Body, pooling: str, recipe: Recipe) -> None:
        self._body, self._pooling, self._recipe = body, pooling, recipe
        self._structure = _UNCHANGED.get(body) or _Structure.of(body)
        autocast = AUTOCAST.get(recipe.precision)
        # FSDP2 gathers weights in the precision of the forward pass, so that nothing is left to cast.
        self._cast = autocast if recipe.sharded else None
        self._autocast = None if recipe.sharded else autocast
        # One gradient of the table for all chunks (`TableGradient`), which cannot be had of shards.
        self.table_shared = isinstance(body.input_embeddings(), nn.Embedding) and not recipe.sharded

    def used(self, parameter: nn.Parameter) -> torch.dtype:
        """The dtype in which the forward pass finds `parameter`."""
        return self._cast or held(parameter, self._recipe.precision)

    def profile(self, rows: int, tokens: int, recompute: bool, like: int | None = None) -> ChunkProfile:
        """Of chunks of `rows` texts; `like`: scaled from chunks of so many, which a search measures once."""
        if like is not None and like != rows:
            return self.profile(like, tokens, recompute).scaled(rows / like)
        layers = self._recipe.recompute_layers

        def measured(slow: bool) -> ChunkProfile:
            fake = self._fake(self.table_shared, recompute, slow)
            return profile(fake, self._structure.depth, self._structure.alike, rows, tokens, recompute, layers)

        key = ("profile", self._pooling, self._cast, self._recipe.precision, rows, tokens, recompute, layers)
        return self._once(key, measured)

    def flops(self, tokens: int, recompute: bool, layers: bool) -> Flops:
        def counted(slow: bool) -> Flops:
            return flops(self._fake(False, False, slow), self._structure.depth, self._structure.alike, tokens, layers)

        plain = self._once(("flops", tokens, layers), counted)
        return Flops(plain.forward, plain.step + plain.forward) if recompute else plain

    def _fake(self, given: bool, own_casts: bool, slow: bool) -> Callable[[int], FakeBody]:
        def fake(depth: int) -> FakeBody:
            return FakeBody(self._body, self._pooling, depth, self.used, self._autocast, given, own_casts, slow)

        return fake

    def _once(self, key: Any, make: Callable[[bool], Measured]) -> Measured:
        kept = _KEPT.setdefault(self._body, {})
        key = (key, self._structure.state)
        if key not in kept:
            with _no_collecting():
                kept[key] = followed(make)
        found: Measured = kept[key]
        return found
