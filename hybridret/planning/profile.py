"""The memory of encoding, chunk by chunk, from a step on fake tensors.

Two equal chunks go forward and backward as in `encoders/chunked.py`. The first of them in the backward pass makes the
gradients; the other, the last, adds to them and lets go of what both shared. From these two follow the peaks of any
number of chunks. Likewise bodies of two and of three layers stand for any depth: layers are alike, so every peak grows
by the same amount with each. Peaks are looked for separately at the first layer, at the last and where a chunk is
computed again, because which is highest depends on the depth.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves
from torch.utils.checkpoint import checkpoint

from hybridret.planning.fake import FakeBody
from hybridret.planning.tape import Record, live, tick

CHUNKS = 2
FEW = (2, 3)  # layers; with one alone, its input and that of the body would be the same tensor


@dataclass(frozen=True)
class Held:
    """Bytes by part: gradients of weights, and sums that wait to become one; copies of weights in the precision of the
    forward pass; gradients of looked-up embeddings; everything else.
    """

    gradients: float = 0.0
    copies: float = 0.0
    embedded: float = 0.0
    activations: float = 0.0

    @property
    def total(self) -> float:
        return self.gradients + self.copies + self.embedded + self.activations

    def __add__(self, other: Held) -> Held:
        return self._with(other, 1.0)

    def __sub__(self, other: Held) -> Held:
        return self._with(other, -1.0)

    def __mul__(self, times: float) -> Held:
        return Held()._with(self, times)

    def _with(self, other: Held, times: float) -> Held:
        mine, its = vars(self), vars(other)
        return Held(**{name: mine[name] + times * its[name] for name in mine})


@dataclass(frozen=True)
class ChunkProfile:
    """Bytes beside weights and optimizer states.

    `saved`: what a chunk leaves behind for the backward pass. `shared`: what all chunks need during the forward pass.
    `forward`: the most while a chunk is encoded, beyond `shared` and what earlier chunks saved. `first` and `last`: the
    most during the backward pass of a chunk by its turn, without what waiting chunks saved: when it is computed again,
    at the last layer, at the first. Chunks in between need no more than the first two of `last`.
    """

    saved: Held
    shared: Held
    forward: list[Held]
    first: list[Held]
    last: list[Held]

    def scaled(self, share: float) -> ChunkProfile:
        """Of chunks with `share` times as many texts, nearly: the peak may lie at another moment then."""

        def of(held: Held) -> Held:
            return Held(held.gradients, held.copies, held.embedded * share, held.activations * share)

        peaks = ([of(one) for one in peaks] for peaks in (self.forward, self.first, self.last))
        return ChunkProfile(of(self.saved), of(self.shared), *peaks)


def profile(
    fake: Callable[[int], FakeBody], depth: int, alike: bool, rows: int, tokens: int, recompute: bool, layers: bool
) -> ChunkProfile:
    """The profile of chunks of `rows` texts of `tokens` tokens in a body of `depth` layers.

    `fake(d)` is the body of its first d layers. Unless layers are `alike`, the whole body is run.
    """
    if not alike or depth <= FEW[-1]:
        return _measured(fake(depth), rows, tokens, recompute, layers)
    short, longer = (_measured(fake(few), rows, tokens, recompute, layers) for few in FEW)

    def grown(of_few: Held, of_more: Held) -> Held:
        return of_few + (of_more - of_few) * (depth - FEW[0])

    def candidates(name: str) -> list[Held]:
        return [grown(*pair) for pair in zip(getattr(short, name), getattr(longer, name), strict=True)]

    return ChunkProfile(
        grown(short.saved, longer.saved),
        grown(short.shared, longer.shared),
        candidates("forward"),
        candidates("first"),
        candidates("last"),
    )


def _measured(fake: FakeBody, rows: int, tokens: int, recompute: bool, recompute_layers: bool) -> ChunkProfile:
    with fake.running(recompute_layers):
        ids, mask = (torch.ones(rows, tokens, dtype=torch.int64) for _ in range(2))
        leaves = [fake.leaf(rows, tokens) for _ in range(CHUNKS)]
        with fake.mode.recording(fake.weights) as tape:
            marks = _Marks(tape)
            again = marks.noting_the_end(fake.vectors)
            encode = functools.partial(checkpoint, again, use_reentrant=False, preserve_rng_state=False)
            vectors: list[Tensor] = []
            with marks.on(*fake.layers()):
                ends = [tick(tape)]
                with fake.precision():
                    for chunk, leaf in enumerate(leaves):
                        marks.chunk = chunk
                        made = (encode if recompute else fake.vectors)(ids, mask, leaf)
                        marks.before_backward(made)
                        vectors.append(made)
                        ends.append(tick(tape))
                    whole = torch.cat(vectors)
                del made, vectors
                loss = whole.sum()
                del whole
                loss.backward()  # type: ignore[no-untyped-call]
    return _Read(tape, marks, fake, leaves, ends).profile()


class _Marks:
    """The clock at the borders of layers and chunks."""

    def __init__(self, tape: Record) -> None:
        self._tape = tape
        self.chunk = 0
        self.bottom_done: dict[int, int] = {}  # forward: the first layer is through
        self.top_begun: dict[int, int] = {}
        self.started: dict[int, int] = {}  # backward: of the chunk
        self.computed: list[int] = []  # whenever a chunk was, also again
        self.top_done: dict[int, int] = {}
        self.bottom_begun: dict[int, int] = {}

    def before_backward(self, vectors: Tensor) -> None:
        assert vectors.grad_fn is not None
        vectors.grad_fn.register_prehook(functools.partial(self._set, self.started, self.chunk))

    def noting_the_end(self, encode: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def noted(*args: Any) -> Tensor:
            try:
                return encode(*args)
            finally:  # computing again ends with an exception, when the last tensor that was saved is there
                self.computed.append(self._tape.clock)

        return noted

    @contextmanager
    def on(self, bottom: nn.Module, top: nn.Module) -> Iterator[None]:
        def before_top(_: nn.Module, args: Any, kwargs: Any) -> None:
            if self.chunk not in self.top_begun:
                self._set(self.top_begun, self.chunk)
                self._on_gradient((args, kwargs), self.top_done)

        def behind_bottom(_: nn.Module, args: Any, out: Any) -> None:
            if self.chunk not in self.bottom_done:
                self._set(self.bottom_done, self.chunk)
                self._on_gradient(out, self.bottom_begun)

        handles = (
            top.register_forward_pre_hook(before_top, with_kwargs=True),
            bottom.register_forward_hook(behind_bottom),
        )
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _on_gradient(self, values: Any, marks: dict[int, int]) -> None:
        for value in tree_leaves(values):
            if isinstance(value, Tensor) and value.requires_grad:
                value.register_hook(functools.partial(self._set, marks, self.chunk))  # type: ignore[no-untyped-call]
                return

    def _set(self, marks: dict[int, int], chunk: int, *_: Any) -> None:
        marks.setdefault(chunk, self._tape.clock)


class _Read:
    """The allocations on the tape, sorted into parts."""

    def __init__(
        self, tape: Record, marks: _Marks, fake: FakeBody, leaves: Sequence[Tensor | None], ends: list[int]
    ) -> None:
        self._tape, self._marks, self._ends = tape, marks, ends
        own = [one.grad for one in fake.weights if one.grad is not None]
        gradients = {tape.number(one) for one in own}
        embedded = {tape.number(leaf.grad) for leaf in leaves if leaf is not None and leaf.grad is not None}
        begun, border = marks.started[CHUNKS - 1], marks.started[CHUNKS - 2]
        kinds: dict[str, list[int]] = {"gradients": [], "copies": [], "embedded": [], "activations": []}
        for number, one in enumerate(tape.allocations):
            if ends[-1] < one.born <= begun:
                continue  # the vectors of all chunks and their gradient: counted with the loss
            if number in embedded:
                kind = "embedded"
            elif one.copy:
                kind = "copies"
            elif number in gradients or begun < one.born <= border < one.died:
                kind = "gradients"
            else:
                kind = "activations"
            kinds[kind].append(number)
        self._live = {kind: live(tape, numbers) for kind, numbers in kinds.items()}
        self._all = np.sum(list(self._live.values()), axis=0)

    def profile(self) -> ChunkProfile:
        ends, marks, clock = self._ends, self._marks, self._tape.clock
        after = [self._at(end) for end in ends]
        saved = after[2] - after[1]
        last = CHUNKS - 1
        forward = (
            (ends[last], marks.bottom_done.get(last, ends[-1])),
            (marks.top_begun.get(last, ends[last]), ends[-1]),
        )
        return ChunkProfile(
            saved,
            after[1] - saved,
            [self._most(*window) - after[last] for window in forward],
            [self._most(*window) - saved for window in self._backward(1, clock)],
            [self._most(*window) for window in self._backward(0, clock)],
        )

    def _backward(self, chunk: int, clock: int) -> list[tuple[int, int]]:
        """Computing again, the last layer, the first layer."""
        marks = self._marks
        start, stop = marks.started[chunk], marks.started.get(chunk - 1, clock)
        again = next((end for end in marks.computed if start < end <= stop), start)
        top = (again, marks.top_done.get(chunk, stop))
        return [(start, again), top, (max(marks.bottom_begun.get(chunk, again), again), stop)]

    def _at(self, clock: int) -> Held:
        return Held(**{kind: float(live[clock]) for kind, live in self._live.items()})

    def _most(self, start: int, stop: int) -> Held:
        window = slice(start + 1, max(stop, start + 1) + 1)
        return self._at(start + 1 + int(np.argmax(self._all[window])))
