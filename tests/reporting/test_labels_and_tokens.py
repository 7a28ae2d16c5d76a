"""What stands there without training is called by its name; token shares of added evaluations by theirs."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

from hybridret.reporting.charts.plot_style import plot_styles
from hybridret.reporting.collect import collect
from hybridret.reporting.sweep_facts import facts
from hybridret.reporting.tables_runs import token_tables
from hybridret.reporting.write import write_report

LANGUAGES = ("de", "en")


def untrained(fabricate: ModuleType, folder: Path, backbone: str, size: str = "small") -> None:
    options = {"datasets": {"d": LANGUAGES}, "trained": False}
    path = fabricate.run(folder, "none", 1, backbone=backbone, size=size, **options)
    path.rename(path.with_name(f"{backbone}-{size}"))


def test_an_untrained_backbone_is_called_by_its_name(fabricate: ModuleType, tmp_path: Path) -> None:
    fabricate.run(tmp_path, "mono", 1, datasets={"d": LANGUAGES})
    for backbone in ("bm25", "minilm"):
        untrained(fabricate, tmp_path, backbone)
    sweep = collect(tmp_path)
    assert sweep.runs["configuration"].tolist() == ["mono", "BM25", "minilm, not trained"]
    assert next(fact.text for fact in facts(sweep).data if fact.name == "backbone and size") == (
        "scratch tiny, bm25, minilm small"
    )
    look = plot_styles(sweep.runs)
    assert look["BM25"].colour == look["minilm, not trained"].colour != look["mono"].colour
    assert len({one.mark for one in look.values()}) == 3


def test_sizes_of_one_untrained_backbone_are_told_apart(fabricate: ModuleType, tmp_path: Path) -> None:
    untrained(fabricate, tmp_path, "bm25")
    for size in ("base", "small"):
        untrained(fabricate, tmp_path, "e5", size)
    sweep = collect(tmp_path)
    assert sweep.runs["configuration"].tolist() == ["BM25", "e5, base, not trained", "e5, small, not trained"]
    assert sweep.runs["family"].tolist() == ["BM25", *["e5, not trained"] * 2]


def test_bm25_says_what_it_does_to_words(fabricate: ModuleType, tmp_path: Path) -> None:
    keys: dict[str, dict[str, object]] = {"a": {}, "b": {"stemmer": False}, "d": {"k1": 0.9}}
    keys["c"] = {"stemmer": True, "stopwords": True}
    for name, own in keys.items():
        untrained(fabricate, tmp_path, "bm25", name)
        path = tmp_path / f"bm25-{name}" / "config.yaml"
        config = json.loads(path.read_text())
        fabricate.write_json(path, config | {"backbone": {**config.get("backbone", {}), **own}})
        result = tmp_path / f"bm25-{name}" / "result.json"
        fabricate.write_json(result, json.loads(result.read_text()) | {"size": None})
    labels = collect(tmp_path).runs.set_index("run")["configuration"].to_dict()
    assert labels == {
        "bm25-a": "BM25",  # before there were such keys
        "bm25-b": "BM25",
        "bm25-c": "BM25, stemmer, stopwords",
        "bm25-d": "BM25, k1=0.9",
    }
    alone = tmp_path / "alone"
    alone.mkdir()
    (tmp_path / "bm25-c").rename(alone / "bm25-c")
    assert collect(alone).runs["configuration"].tolist() == ["BM25, stemmer, stopwords"]


def add(fabricate: ModuleType, run: Path, name: str, dataset: str, tokens: object, finished: str) -> None:
    later = run / "evaluations" / name
    fabricate.write_rows(later / "metrics.csv", fabricate.metric_rows(dataset, LANGUAGES, (0.5, 0.5, 0.5, 3.0), 1))
    result = json.loads((run / "result.json").read_text())
    fabricate.write_json(later / "result.json", result | {"tokens": tokens, "finished": finished})


def shares(truncated: float) -> dict[str, dict[str, float]]:
    one = {"query_truncated": 0.0, "passage_truncated": truncated, "query_unknown": 0.0, "passage_unknown": 0.0}
    return dict.fromkeys(LANGUAGES, one)


def test_token_shares_of_added_evaluations_are_shown_by_name(fabricate: ModuleType, tmp_path: Path) -> None:
    runs = [fabricate.run(tmp_path / "sweep", "mono", seed, datasets={"d": LANGUAGES}) for seed in (1, 2)]
    for run in runs:
        add(fabricate, run, "long", "mldr", shares(0.75), "2027-01-01")
    own = json.loads((runs[0] / "result.json").read_text())["tokens"]
    add(fabricate, runs[0], "old", "xquad_r", own, "2027-01-02")  # written before evaluations had shares of their own
    add(fabricate, runs[0], "first", "miracl", shares(0.25), "2027-01-03")
    add(fabricate, runs[0], "again", "miracl", shares(0.5), "2027-01-04")  # replaces all of `first`
    sweep = collect(tmp_path / "sweep")
    tables = {table.name: table for table in token_tables(sweep)}
    assert {name: table.caption for name, table in tables.items()} == {
        "tokens": "Backbone scratch (2 runs)",
        "tokens_evaluation_again": "Evaluation again, backbone scratch (1 run)",
        "tokens_evaluation_long": "Evaluation long, backbone scratch (2 runs)",
    }
    assert [row[-1].value for row in tables["tokens_evaluation_long"].rows] == [0.75, 0.75]
    assert [row[-1].value for row in tables["tokens_evaluation_again"].rows] == [0.5, 0.5]
    page = write_report(sweep.only(["d"]), tmp_path / "report").read_text(encoding="utf-8")
    assert "Evaluation long, backbone scratch (2 runs)" in page
    assert "75.0 %" in page
