"""Fabricates sweep folders as a real sweep would leave them: several strategies and seeds, curves, metrics, failures.

The numbers follow the shape of real results (mono wins Mo., cross and hybrid win Cr.), so that pages can be looked at:
`python tests/reporting/fabricate.py FOLDER [KIND]` with KIND one of small, rich, alpha; all with values of questions.
"""

from __future__ import annotations

import csv
import json
import sys
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

XQUAD = ("ar", "de", "el", "en", "es", "hi", "ru", "th", "tr", "vi", "zh")
CLDR = ("ar", "de", "en", "hi", "ja", "ru", "sw", "zh")
COLUMNS = ["dataset", "setting", "query_language", "corpus_language", "metric", "cutoff", "value", "num_queries"]
CUT = [("map", ""), ("mrr", 10), ("ndcg", 10), ("recall", 10), ("recall", 100), ("success", 1)]
LEVELS = {"mono": (0.97, 0.11, 0.24, 9800.0), "cross": (0.95, 0.93, 0.92, 160.0), "hybrid": (0.965, 0.925, 0.91, 120.0)}
NONE = (0.42, 0.05, 0.06, 12000.0)


def metric_rows(dataset: str, languages: tuple[str, ...], level: tuple[float, ...], seed: int) -> list[list[Any]]:
    """All rows of a metrics.csv for one dataset, macro rows included (the exact means of the others)."""
    random = np.random.default_rng([seed, int(sum(level) * 1e4)])
    rows: list[list[Any]] = []

    def add(setting: str, pairs: list[tuple[str, str]], metric: str, cutoff: Any, values: np.ndarray) -> None:
        for (q, c), value in zip(pairs, values, strict=True):
            rows.append([dataset, setting, q, c, metric, cutoff, repr(float(value)), 200])
        rows.append(
            [dataset, setting, "macro", "macro", metric, cutoff, repr(float(np.mean(values))), 200 * len(pairs)]
        )

    pairs = {
        "monolingual": [(one, one) for one in languages],
        "cross-lingual": [(q, c) for q, c in product(languages, languages) if q != c],
        "multilingual": [(one, "all") for one in languages],
    }
    hard = {language: 0.06 * random.random() + (0.08 if language in ("th", "sw") else 0) for language in languages}
    for (setting, where), base in zip(pairs.items(), level[:3], strict=True):
        if not where:
            continue  # one language has no pairs
        drop = np.array([hard[q] + hard.get(c, 0.0) for q, c in where])
        for i, (metric, cutoff) in enumerate(CUT):
            noise = random.normal(0, 0.006, len(where))
            add(setting, where, metric, cutoff, np.clip(base * (1 - drop) + 0.006 * i + noise, 0.001, 1.0))
        add(
            setting,
            where,
            "contrastive_entropy",
            "",
            np.clip(1.5 - base + random.normal(0, 0.01, len(where)), 0.01, None),
        )
    distance = level[3] * (1 + 0.3 * random.random(len(languages)))
    for metric, values in (
        ("rank_distance", distance),
        ("rank_distance_median", distance * 0.6),
        ("rank_distance_share", distance / 18504),
        ("awrf", 1 - distance / 40000),
    ):
        add("multilingual", pairs["multilingual"], metric, "", values)
    return rows


def write_rows(file: Path, rows: list[list[Any]]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle).writerows([COLUMNS, *rows])


def write_json(file: Path, value: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(value), encoding="utf-8")


def curve(folder: Path, strategy: str, seed: int, steps: int) -> None:
    random = np.random.default_rng([seed, len(strategy)])
    lines = []
    floor = {"mono": (0.2, 2.5), "cross": (0.4, 0.45)}.get(strategy, (0.25, 0.5))
    for step in range(10, steps + 1, 10):
        fade = np.exp(-4 * step / steps)
        loss = 0.2 + 4.5 * fade + random.gamma(2, 0.05)
        row = {"step": step, "split": "train", "loss": loss, "lr": 1e-3, "gradient_norm": 1.0, "kind": strategy}
        lines.append(row | {"pairs_per_second": 2500.0, "padding_share": 0.1, "seconds": step / 20})
        if step % 100 == 0:
            mono, cross = floor[0] + 4 * fade, floor[1] + 4.3 * fade
            row = {"step": step, "split": "validation", "loss": (mono + cross) / 2, "mono": mono, "cross": cross}
            lines.append(row | {"seconds": 1.0})
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / "history.jsonl").write_text(text + '{"step": 12', encoding="utf-8")  # a kill cut the last line


def run(
    folder: Path,
    strategy: str,
    seed: int,
    *,
    alpha: float | None = None,
    size: str = "tiny",
    body: int = 55_000,
    level: tuple[float, ...] | None = None,
    datasets: dict[str, tuple[str, ...]] | None = None,
    trained: bool = True,
    backbone: str = "scratch",
    data: str = "cldr",
    steps: int = 1200,
    config: dict[str, Any] | None = None,
) -> Path:
    """Write one finished run directory and return its path."""
    level = level or LEVELS.get(strategy, NONE)
    datasets = datasets or {"cldr_combinations": CLDR}
    parts = [
        f"batching-{strategy}",
        *([f"alpha-{alpha}"] if alpha is not None else []),
        f"model-{size}",
        f"seed-{seed}",
    ]
    path = folder / ",".join(parts if trained else [f"backbone-{backbone}", f"seed-{seed}"])
    rows = [row for name, languages in datasets.items() for row in metric_rows(name, languages, level, seed)]
    write_rows(path / "metrics.csv", rows)
    batching = {"_target_": f"hybridret.batching.{strategy}.X"} | ({"alpha": alpha} if alpha is not None else {})
    settings = {
        "seed": seed,
        "batching": batching,
        "model": {"size": size},
        "optim": {"lr": 0.003},
        "trainer": {"workers": seed},
    }
    settings |= config or {}
    (path / "config.yaml").write_text(json.dumps(settings), encoding="utf-8")  # JSON is YAML
    write_json(
        path / "environment.json",
        {"versions": {"torch": "2.13.0", "hybridret": "0.1.0"}, "hardware": {"cpu": "x86_64", "cores": 2}},
    )
    write_json(path / "status.json", {"state": "finished", "phase": "evaluate", "done": 1, "total": 1, "reason": None})
    size = "none" if backbone == "bm25" else size  # as the program writes it
    if trained:
        curve(path, strategy, seed, steps)
    shares = {"query_truncated": 0.0, "passage_truncated": 0.013, "query_unknown": 0.0, "passage_unknown": 0.0004}
    mix = {
        "kinds": {"mono": 590, "cross": 610} if strategy == "hybrid" else {strategy: steps},
        "alpha": 0.4917,
        "languages": {} if strategy == "cross" else {"de": 100, "en": 300},
        "language_pairs": {} if strategy == "mono" else {"de": {"en": 70, "ru": 50}, "en": {"de": 60}},
    }
    training = {
        "steps": steps, "best_step": steps - 100, "best_validation_loss": 0.31,
        "pairs_per_second": 2611.2, "padding_share": 0.08,
        "seconds": 61.2, "stopped": "steps", "mix": mix,
    }  # fmt: skip
    metrics = {f"{r[0]}/{r[1]}/{r[4]}" + (f"@{r[5]}" if r[5] else ""): float(r[6]) for r in rows if r[2] == "macro"}
    write_json(
        path / "result.json",
        {
            "version": 1, "run": path.name, "sweep": folder.name, "alpha": alpha,
            "strategy": strategy if trained else None, "seed": seed,
            "backbone": backbone, "size": size, "config_hash": "0123", "finished": "2026-01-02T03:04:05+00:00",
            "parameters": {"total": body + 512_000, "body": body, "trainable": body + 512_000}
            if backbone != "bm25" else None,
            "training": training if trained else None, "metrics": metrics,
            "tokens": dict.fromkeys(next(iter(datasets.values())), shares) if backbone != "bm25" else {},
            "data": {"name": data, "fingerprint": "a1b2c3d4e5f60718", "licence": "Unicode License v3"},
            "notes": {name: {"pool": "18,504 passages"} for name in datasets},
        },
    )  # fmt: skip
    return path


def searched(rows: list[list[Any]], depth: int = 1000) -> list[list[Any]]:
    """The rows as a pool would give them that was searched: mAP cut at the depth, nothing that needs full ranks."""
    return [
        [*row[:5], depth if row[4] == "map" else row[5], *row[6:]] for row in rows if not row[4].startswith("rank_")
    ]


def unfinished(
    folder: Path, name: str, state: str, reason: str | None, done: int = 300, total: int | None = 1200
) -> Path:
    phase = "" if state == "queued" else "train"
    status = {"state": state, "phase": phase, "done": done, "total": total, "reason": reason}
    write_json(folder / name / "status.json", status)
    return folder / name


def queued(folder: Path, name: str) -> Path:
    """A point whose turn has not come: nothing is known of its length yet."""
    return unfinished(folder, name, "queued", None, 0, None)


def point(overrides: list[str], run: str | None, state: str, reason: str | None = None) -> dict[str, Any]:
    """A row of the points in sweep.json."""
    rest = {"seconds": 1.0, "exit_code": None, "same_as": None}
    return {"number": 0, "overrides": overrides, "run": run, "state": state, "reason": reason, **rest}


def rest(folder: Path) -> None:
    """Files that a report must pass over."""
    (folder / ".launcher").mkdir(parents=True, exist_ok=True)
    (folder / "logs").mkdir(exist_ok=True)
    (folder / "logs" / "notes.txt").write_text("nothing")
    (folder / "summary.txt").write_text("anything")


def small(folder: Path, seeds: int = 3) -> Path:
    """Three strategies x seeds on the generated corpus, an untrained row, BM25, one failed and one skipped point."""
    for strategy, seed in product(("mono", "cross", "hybrid"), range(1, seeds + 1)):
        run(folder, strategy, seed, alpha=0.5 if strategy == "hybrid" else None)
    run(folder, "none", 1, trained=False, level=(0.3, 0.02, 0.03, 12000.0))
    run(folder, "none", 1, trained=False, backbone="bm25", level=NONE, body=0)
    unfinished(folder, "batching-mono,seed-9", "failed", "The loss was not finite at step 300 <b>& more</b>.")
    unfinished(folder, "model-10b,seed-1", "skipped", "backbone 'scratch' has no size '10b'.", 0)
    rest(folder)
    return folder


def rich(folder: Path) -> Path:
    """Two sizes, an added evaluation on XQuAD-R that replaces nothing, in-domain notes."""
    small(folder)
    for strategy, seed in product(("mono", "cross", "hybrid"), (1, 2)):
        m, c, p, d = LEVELS[strategy]
        better = (min(m + 0.01, 1), min(c + 0.03, 1), min(p + 0.04, 1), d * 0.7)
        run(
            folder,
            strategy,
            seed,
            alpha=0.5 if strategy == "hybrid" else None,
            size="small",
            body=209_000,
            level=better,
        )
    for strategy in ("mono", "cross", "hybrid"):
        alpha = ["alpha-0.5"] if strategy == "hybrid" else []
        path = folder / ",".join([f"batching-{strategy}", *alpha, "model-tiny", "seed-1"])
        m, c, p, d = LEVELS[strategy]
        later = path / "evaluations" / "xquad_r"
        write_rows(later / "metrics.csv", metric_rows("xquad_r", XQUAD, (0.6 * m, 0.5 * c, 0.45 * p, d / 3), 1))
        result = json.loads((path / "result.json").read_text())
        result |= {
            "notes": {"xquad_r": {"in-domain": "XQuAD's articles are in the training data."}},
            "finished": "2026-02-01T00:00:00+00:00",
        }
        write_json(later / "result.json", result)
    return folder


def alpha(folder: Path) -> Path:
    """The alpha grid of hybrid, two seeds."""
    for value, seed in product((0.0, 0.25, 0.5, 0.75, 1.0), (1, 2)):
        share = 1 - (1 - value) ** 3
        level = (0.95 + 0.02 * value, 0.93 - 0.8 * value**6, 0.92 - 0.65 * value**6, 150 + 9000 * value**8)
        run(folder, "hybrid", seed, alpha=value, level=(*level[:2], level[2] - 0.01 * share, level[3]))
    return folder


def many(folder: Path, count: int = 500) -> Path:
    """`count` runs of 100 configurations on XQuAD-R: mono, cross and 18 alphas of hybrid x 5 sizes, then seeds."""
    kinds: list[tuple[str, float | None]] = [("mono", None), ("cross", None)]
    kinds += [("hybrid", round((i + 1) / 19, 2)) for i in range(18)]
    for i, (seed, size, (strategy, alpha)) in enumerate(product(range(1, count // 100 + 2), range(5), kinds)):
        if i >= count:
            break
        m, c, p, d = LEVELS[strategy]
        level = (m - 0.02 * (5 - size), c - 0.01 * (5 - size), p, d)
        options: dict[str, Any] = {"size": f"{size + 1}m", "body": 40_000 * 3**size, "datasets": {"xquad_r": XQUAD}}
        run(folder, strategy, seed, alpha=alpha, level=level, **options)
    return folder


def questions(run_folder: Path, count: int = 40) -> Path:
    """Write `queries.parquet` for a run, and its metrics.csv again so that both agree. Questions are as hard in every
    run and language; noise is of the run."""
    path = run_folder / "metrics.csv"
    table = pd.read_csv(path, keep_default_na=False)
    kept = table[(table["query_language"] != "macro") & ~table["metric"].str.startswith("rank_distance_")]
    level = kept["value"].astype(float).to_numpy()[:, None]
    size = np.maximum(1.0, level)
    hard = np.random.default_rng(7).normal(0, 0.15, count)
    noise = np.random.default_rng([*"/".join(run_folder.parts[-3:]).encode()]).normal(0, 0.05, (len(kept), count))
    top = np.where((size > 1) | (kept["metric"] == "contrastive_entropy").to_numpy()[:, None], 5 * size, 1.0)
    values = np.clip(level + size * (np.where(size > 1, -hard, hard) + noise), 0, top)
    queries = kept[COLUMNS[:6]].loc[kept.index.repeat(count)].reset_index(drop=True)
    queries["cutoff"] = pd.to_numeric(queries["cutoff"]).fillna(0).astype(int)
    queries["question"] = [f"q{number}" for number in range(count)] * len(kept)
    queries["query_id"] = queries["question"] + "-" + queries["query_language"]
    queries["value"] = values.ravel()
    text = [name for name in queries.columns if name not in ("cutoff", "value")]
    queries[text] = queries[text].astype("category")
    keys = COLUMNS[:6]
    queries[[*keys, "query_id", "question", "value"]].to_parquet(run_folder / "queries.parquet", index=False)
    means = queries.groupby(keys, observed=True, sort=False)["value"].agg(["mean", "size"]).reset_index()
    rows = [[*row[:5], row[5] or "", repr(float(row[6])), row[7]] for row in means.itertuples(index=False)]
    groups = ["dataset", "setting", "metric", "cutoff"]
    for key, own in means.groupby(groups, observed=True, sort=False):
        dataset, setting, metric, cutoff = key
        value = [repr(float(own["mean"].mean())), int(own["size"].sum())]
        rows.append([dataset, setting, "macro", "macro", metric, cutoff or "", *value])
    write_rows(path, rows)
    return run_folder


def questioned(folder: Path, count: int = 40) -> Path:
    """`questions` for every run of a sweep and its added evaluations."""
    for file in sorted(folder.glob("*/**/metrics.csv")):
        questions(file.parent, count)
    return folder


if __name__ == "__main__":
    kinds = {"small": small, "rich": rich, "alpha": alpha}
    questioned(kinds[sys.argv[2] if len(sys.argv) > 2 else "small"](Path(sys.argv[1])))
