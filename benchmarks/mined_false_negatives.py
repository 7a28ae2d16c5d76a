"""The share of false negatives among mined ones, and what each rule of `hybridret.mine` takes away.

    python benchmarks/mined_false_negatives.py --data ../shared/data/train --csv docs/results/mined_false_negatives.csv
        # squad-dev in 8 languages, BM25 and MiniLM, half an hour on two busy cores

Every training question of the files searches the passages of each language: in that language, and in another one that
is drawn. Up to ten passages are kept under each set of rules. A kept passage is false in two senses, which are counted
apart: it is the paragraph of the answer, in any wording or language (its passage group); or it is another paragraph
whose text contains the answer string in the language of the passage (after NFKC, case folded). Some answers are so
short that they stand in any text: `random` shows how often, with ten passages drawn for each question.
"""

from __future__ import annotations

import argparse
import gzip
import json
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from hybridret.base.bars import Bars
from hybridret.base.records import BoolArray, IntArray, ParallelPairs
from hybridret.data.jsonl import JsonlPairs
from hybridret.data.prepared.source import PreparedSource
from hybridret.encoders.dual import DualEncoder
from hybridret.mining.asking import asking_languages
from hybridret.mining.candidates import chosen, in_window, mixed, too_close
from hybridret.mining.distinct import DistinctPassages, distinct_passages, groups_of_rows
from hybridret.mining.known import KnownAnswers
from hybridret.mining.shard import Miner, Shard
from hybridret.retrieval.bm25 import Bm25
from hybridret.retrieval.dense import Dense

KEPT, DEPTH = 10, 130
Answers = dict[tuple[str, str], str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/train"))
    parser.add_argument("--files", default="squad-dev.*")
    parser.add_argument("--languages", nargs="+")
    parser.add_argument("--questions", type=int, default=500, help="of each language, for the encoder; BM25: all")
    parser.add_argument("--retrievers", nargs="+", default=["BM25", "MiniLM"])
    parser.add_argument("--cache", type=Path, help="where to keep vectors; another start with it goes on")
    parser.add_argument("--csv", type=Path, help="where to write the table, too")
    options = parser.parse_args()
    source = PreparedSource(JsonlPairs(path=str(options.data), files=[options.files], languages=options.languages))
    (pairs,) = source.training()
    answers = read_answers(options.data, options.files)
    found: list[pd.DataFrame] = []
    for name in options.retrievers:
        retriever = Bm25() if name == "BM25" else dense(options.cache)
        for language in sorted(pairs.languages, key=lambda code: (code != "en", code)):
            passages = distinct_passages(pairs, language, groups_of_rows(pairs))
            for queries in ("same", "cross"):
                limit = options.questions if name == "MiniLM" else None
                rows = counted(pairs, passages, queries, retriever, answers, limit)
                found.append(pd.DataFrame(rows).assign(retriever=name, queries=queries))
            table = pd.concat(found).groupby(["retriever", "queries", "rules"], sort=False).sum().reset_index()
            if options.csv is not None:
                table.to_csv(options.csv, index=False)
            print(f"up to {name} {language}", flush=True)
    print(markdown(table))


def dense(cache: Path | None) -> Dense:
    """Search with MiniLM; the vectors of a language are kept where there is a cache."""
    encoder = minilm()
    return Dense(encoder, 64, cache=cache, cache_from=0 if cache else 50_000, key=encoder.identity())


def minilm() -> DualEncoder:
    """all-MiniLM-L6-v2 as `backbone=minilm` has it."""
    from omegaconf import OmegaConf

    from hybridret.components.evaluate_components import EvaluateComponents
    from hybridret.config.compose import points
    from hybridret.config.validate import read_evaluate_settings, resolved

    (point,) = points(["backbone=minilm", "name=x"], multirun=False, root="mine")
    assert point.config is not None
    keys = [str(key) for key in point.config if key not in ("hydra", "name", "checkpoint", "trust", "mining")]
    return EvaluateComponents(read_evaluate_settings(resolved(OmegaConf.masked_copy(point.config, keys)))).encoder()


def read_answers(folder: Path, files: str) -> Answers:
    """The answer of each question, by id and language, normalised."""
    found = {}
    for path in sorted(folder.glob(files)):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                found[row["qid"], row["lang"]] = plain(row["answer"])
    return found


def plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def counted(
    pairs: ParallelPairs,
    passages: DistinctPassages,
    queries: str,
    retriever: Miner,
    answers: Answers,
    limit: int | None,
) -> Iterator[dict[str, object]]:
    """For `limit` questions, drawn by a hash (None: all), under each set of rules: what is kept, and how much of it is
    false in each sense.
    """
    language = passages.language
    asking = asking_languages(pairs, language, queries, 1)
    known = KnownAnswers(pairs, passages, np.unique(asking[asking >= 0]))
    questions = np.flatnonzero(asking >= 0)
    questions = np.sort(questions[np.argsort(mixed(0, questions.astype(np.uint64)), kind="stable")[:limit]])
    collection = Shard(pairs, passages, known, questions, asking[questions]).collection()
    asked, depth = np.arange(len(questions)), min(DEPTH, len(passages))
    hits = retriever.search(collection, asked, 0, len(passages), depth, Bars())
    positives = passages.of_question[questions]
    best = retriever.pair_scores(collection, asked, positives, Bars())[:, None]
    best = np.where(np.isneginf(best), np.float32(0), best)
    there = hits.passages >= 0
    own_text = hits.passages == positives[:, None]
    if queries == "cross":  # what a tool sees that knows the pair of the question's own language alone
        own_text = np.zeros_like(there)
    answered = known.answers(questions, asking[questions], hits.passages)
    close = too_close(hits.scores, best, None, 0.05)
    far = too_close(hits.scores, best, None, 0.1)
    valid = there & ~answered
    kept = {
        "best 10": there,
        "without the pair's own text": there & ~own_text,
        "without known answers": valid,
        "and ranks 10 to 100": in_window(valid, 10, 100),
        "and relative margin .05": in_window(valid, 1, 100) & ~close,
        "and relative margin .1": in_window(valid, 1, 100) & ~far,
        "and ranks 10 to 100, margin .05": in_window(valid, 10, 100) & ~close,
    }
    texts = [plain(str(text)) for text in passages.texts]
    wanted = [answers[pairs.question_ids[question], language] for question in questions.tolist()]
    group = pairs.passage_groups[questions][:, None]
    for rules, one in kept.items():
        columns = chosen(one, KEPT)
        rows = np.where(columns < 0, -1, np.take_along_axis(hits.passages, np.maximum(columns, 0), axis=1))
        yield {"rules": rules, **false(rows, passages, group, texts, wanted)}
    random = mixed(1, questions.astype(np.uint64)[:, None], np.arange(KEPT, dtype=np.uint64)) % np.uint64(len(passages))
    yield {"rules": "random", **false(random.astype(np.int64), passages, group, texts, wanted)}


def false(
    rows: IntArray, passages: DistinctPassages, group: IntArray, texts: list[str], wanted: list[str]
) -> dict[str, int]:
    """Counts for passages `rows` [q, n], -1 where there is none."""
    own: BoolArray = (rows >= 0) & (passages.groups[rows] == group)
    contains = sum(
        wanted[row] in texts[rows[row, column]]
        for row, column in zip(*(axis.tolist() for axis in np.nonzero((rows >= 0) & ~own)), strict=True)
    )
    return {"questions": len(rows), "kept": int((rows >= 0).sum()), "paragraph": int(own.sum()), "answer": contains}


def markdown(table: pd.DataFrame) -> str:
    lines = [
        "| retriever | queries | rules | kept for a question | the answer's paragraph | contains the answer |",
        "| :-- | :-- | :-- | --: | --: | --: |",
    ]
    for row in table.itertuples():
        shares = (f"{100 * count / max(row.kept, 1):.2f}%" for count in (row.paragraph, row.answer))
        lines.append(
            f"| {row.retriever} | {row.queries} | {row.rules} | {row.kept / row.questions:.1f} | {' | '.join(shares)} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
