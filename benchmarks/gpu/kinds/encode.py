"""Encoding: passages of one length for FLOP/s; passages of mixed lengths in fixed order, ours, and by
sentence-transformers with the same weights in the same process.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gpu.networks import encoder as network
from gpu.networks import mixed, texts
from gpu.stopwatch import forget_peak, peak_bytes, timed
from hybridret.base.progress import Quiet
from hybridret.encoders.dual import DualEncoder
from hybridret.retrieval.encode import encode_rows, encode_texts, forward_precision, inference


def run(options: Mapping[str, Any], device: str) -> dict[str, Any]:
    """Passages/s of `count` passages; `forward`: of the forward pass alone, tokens ready."""
    torch.set_float32_matmul_precision("highest")
    tokens, count, size, precision = (options[key] for key in ("tokens", "count", "batch_size", "precision"))
    forget_peak(device)
    encoder = network(options, device, tokens, tokens)
    encoder.eval()
    equal, ragged = texts([tokens] * count, 1), texts(mixed(count, tokens, 2), 3)

    def ours(given: list[str]) -> None:
        encode_texts(encoder, given, "passage", size, Quiet(), precision=precision)

    ours(equal[:size])  # kernels are loaded and chosen
    rows = encoder.tokenization.passages(equal)
    lengths = [len(row) for row in encoder.tokenization.passages(ragged)]
    found: dict[str, Any] = {"passages": count, "tokens": tokens, "batch_size": size, "precision": precision}
    with inference(encoder, precision):
        forward = timed(lambda: encode_rows(encoder, rows, size, lambda _: None), device)
    found["passages_per_second_forward"] = count / forward
    found["passages_per_second"] = count / timed(lambda: ours(equal), device)
    found["peak_bytes"] = peak_bytes(device)
    ours(ragged[: 2 * size])
    found["mixed_tokens_on_average"] = float(np.mean(lengths))
    found["mixed_passages_per_second"] = count / timed(lambda: ours(ragged), device)
    fixed = count / timed(lambda: in_order(encoder, ragged, size, precision, device), device)
    found["mixed_passages_per_second_fixed_order"] = fixed
    return found | _rival(encoder, ragged, size, precision, device, tokens)


def in_order(encoder: DualEncoder, given: list[str], size: int, precision: str, device: str) -> Tensor:
    """[n, D]: batches of `size` texts as they come, each padded to its longest."""
    rows = encoder.tokenization.passages(given)
    parts = []
    with inference(encoder, precision):
        for start in range(0, len(rows), size):
            ids, mask = encoder.tokenization.pad(rows[start : start + size])
            parts.append(encoder(ids.to(device), mask.to(device)))
        return torch.cat(parts).cpu()


def _rival(
    encoder: DualEncoder, given: list[str], size: int, precision: str, device: str, tokens: int
) -> dict[str, Any]:
    try:
        import sentence_transformers  # noqa: F401
    except ImportError as error:
        return {"sentence_transformers": f"not measured: {error}"}
    rival = rival_of(encoder, device, tokens)
    with forward_precision(device, precision) if precision != "fp32" else nullcontext():
        rival.encode(given[:size], batch_size=size, show_progress_bar=False)
        seconds = timed(lambda: rival.encode(given, batch_size=size, show_progress_bar=False), device)
        theirs = rival.encode(given[:size], batch_size=size, show_progress_bar=False)
    mine = encode_texts(encoder, given[:size], "passage", size, Quiet(), precision=precision)
    return {
        "mixed_passages_per_second_sentence_transformers": len(given) / seconds,
        "least_cosine_with_sentence_transformers": float((np.asarray(theirs) * mine).sum(axis=1).min()),
    }


def rival_of(encoder: DualEncoder, device: str, tokens: int) -> Any:
    """The same network as a SentenceTransformer: loaded from a folder with one layer, then given our weights."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Normalize, Pooling, Transformer
    from transformers import AutoModel

    model: nn.Module = encoder.body.model
    config = type(model.config).from_dict(model.config.to_dict() | {"num_hidden_layers": 1})
    with tempfile.TemporaryDirectory() as folder:
        AutoModel.from_config(config).save_pretrained(folder)
        encoder.tokenization.tokenizer.save_pretrained(folder)
        loaded = Transformer(folder, max_seq_length=tokens)
    name = next(name for name, child in loaded.named_children() if type(child) is type(model))
    setattr(loaded, name, model)
    return SentenceTransformer(modules=[loaded, Pooling(encoder.dimension, "mean"), Normalize()], device=device)
