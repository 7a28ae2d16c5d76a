from __future__ import annotations

import sys
import types
from typing import Any

import pytest

from hybridret.base.errors import UserError
from hybridret.retrieval.indexes.faiss_common import load_faiss, to_device
from hybridret.retrieval.indexes.faiss_flat import FaissFlat
from hybridret.retrieval.indexes.faiss_hnsw import FaissHnsw


def test_without_faiss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    for make in (load_faiss, FaissFlat, lambda: FaissHnsw(8, 8, 8, 0)):
        with pytest.raises(UserError, match=r"hybridret\[cpu\].*hybridret\[gpu\]"):
            make()


def gpu_faiss(gpus: int) -> Any:
    """faiss with this many GPUs, as far as we call it."""
    return types.SimpleNamespace(
        get_num_gpus=lambda: gpus,
        StandardGpuResources=lambda: "resources",
        index_cpu_to_gpu=lambda resources, number, index: (resources, number, index),
    )


def test_gpu_where_faiss_has_one_and_the_device_is_one() -> None:
    assert to_device(gpu_faiss(1), "index", "cuda", 10) == ("resources", 0, "index")
    assert to_device(gpu_faiss(2), "index", "cuda:1", 10) == ("resources", 1, "index")
    assert to_device(gpu_faiss(1), "index", "cpu", 10) == "index"
    assert to_device(gpu_faiss(0), "index", "cuda", 10) == "index"


def test_a_gpu_finds_no_more_than_it_can() -> None:
    with pytest.raises(UserError, match="at most 2048"):
        to_device(gpu_faiss(1), "index", "cuda", 2049)
    assert to_device(gpu_faiss(0), "index", "cuda", 5000) == "index"
