"""Only repetitions of one measurement are averaged: what is a seed, another configuration, or the same run twice."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from hybridret.reporting.charts import alpha as alpha_chart
from hybridret.reporting.charts import size as size_chart
from hybridret.reporting.collect import Sweep, collect
from hybridret.reporting.tables import main_table

DATASET = "d"
LANGUAGES = ("de", "en")


def drawn(
    monkeypatch: pytest.MonkeyPatch, sweep: Sweep, module: ModuleType
) -> dict[str, list[tuple[float, float, float]]]:
    """The lines of the first figure of a chart as label -> [(x, mean, standard deviation)]."""
    lines: dict[str, list[tuple[float, float, float]]] = {}
    new_axes = module.new_axes

    def spied() -> object:
        figure, axes = new_axes()

        def errorbar(x, y, yerr, label, **look) -> None:
            lines[label] = [tuple(map(float, point)) for point in zip(x, y, yerr, strict=True)]

        axes.errorbar = errorbar
        return figure, axes

    monkeypatch.setattr(module, "new_axes", spied)
    monkeypatch.setattr(module, "legend_below", lambda figure, axes: None)
    module.CHART.plots(sweep, DATASET)[0].draw()
    return lines


def add(fabricate: ModuleType, folder: Path, tag: str, strategy: str, seed: int, **options) -> Path:
    """A finished run on `DATASET`, its folder named by `tag` besides."""
    path = fabricate.run(folder, strategy, seed, **{"datasets": {DATASET: LANGUAGES}} | options)
    return path.rename(path.with_name(f"{tag},{path.name}"))


def test_size_lines_do_not_average_over_learning_rates(fabricate, tmp_path: Path, monkeypatch) -> None:
    for lr, quality in ((0.1, 0.9), (0.2, 0.5)):
        for size, body in (("tiny", 55_000), ("small", 209_000)):
            level = (quality, quality, quality, 9.0)
            for seed in (1, 2):
                add(fabricate, tmp_path, f"{lr}", "mono", seed, size=size, body=body, level=level,
                    config={"optim": {"lr": lr}})  # fmt: skip
    lines = drawn(monkeypatch, collect(tmp_path), size_chart)
    assert set(lines) == {"mono, lr=0.1", "mono, lr=0.2"}
    assert [x for x, _, _ in lines["mono, lr=0.1"]] == [55_000, 209_000]
    assert max(spread for line in lines.values() for *_, spread in line) < 0.1


def test_size_lines_are_named_without_the_size(rich: Path) -> None:
    assert collect(rich).runs.query("trained")["family"].unique().tolist() == ["mono", "cross", "hybrid α=0.5"]


def test_mono_and_hybrid_of_alpha_1_are_one_run(fabricate, tmp_path: Path, monkeypatch) -> None:
    for seed in (1, 2):
        for value in (0.5, 1.0):
            add(fabricate, tmp_path, "", "hybrid", seed, alpha=value, level=fabricate.LEVELS["mono"])
        for strategy in ("mono", "cross"):
            add(fabricate, tmp_path, "", strategy, seed)
    sweep = collect(tmp_path)
    line = drawn(monkeypatch, sweep, alpha_chart)["Mo."]
    assert [x for x, _, _ in line] == [0.0, 0.5, 1.0]  # cross stands in at 0
    values = sweep.metrics.query("configuration == 'hybrid α=1' and metric == 'map' and setting == 'monolingual'")
    values = values.loc[values["query_language"] == "macro", "value"]
    assert line[2][1:] == pytest.approx((values.mean(), values.std()))
    assert values.std() > np.std([*values, *values], ddof=1)  # what counting them twice would give


def test_a_point_that_was_run_twice_counts_once(fabricate, tmp_path: Path, monkeypatch) -> None:
    for value in (0.0, 0.5, 1.0):
        add(fabricate, tmp_path, "once", "hybrid", 1, alpha=value)
    add(fabricate, tmp_path, "twice", "hybrid", 1, alpha=0.5, level=(0.1, 0.1, 0.1, 9.0))
    assert [spread for *_, spread in drawn(monkeypatch, collect(tmp_path), alpha_chart)["Mo."]] == [0, 0, 0]


def test_runs_evaluated_in_other_languages_are_no_seeds(fabricate, tmp_path: Path) -> None:
    for seed, languages in ((1, LANGUAGES), (2, LANGUAGES), (3, ("de", "en", "ru"))):
        add(fabricate, tmp_path, "", "mono", seed, datasets={DATASET: languages})
        add(fabricate, tmp_path, "", "none", seed, datasets={DATASET: languages}, trained=False)
    table = main_table(collect(tmp_path), DATASET)
    assert [(row[0].value, row[1].value) for row in table.rows] == [
        ("mono, 3 languages", 1),
        ("mono, languages=de+en", 2),
        ("scratch, not trained, 3 languages", 1),
        ("scratch, not trained, languages=de+en", 2),
    ]


@pytest.mark.parametrize(
    ("key", "values", "names"),
    [
        ("entropy_sample", (64, 256), ["mono, entropy_sample=64", "mono, entropy_sample=256"]),
        ("cutoffs", ([1], [1, 10, 100]), ["mono, cutoffs=1", "mono, 3 cutoffs"]),
        ("batch_size", (8, 64), ["mono", "mono"]),
    ],
)
def test_settings_of_the_evaluation(fabricate, tmp_path: Path, key: str, values, names: list[str]) -> None:
    for seed, value in enumerate(values, 1):
        add(fabricate, tmp_path, "", "mono", seed, config={"evaluation": {key: value}})
    assert sorted(collect(tmp_path).runs["configuration"]) == sorted(names)


def test_options_of_a_benchmark(fabricate, tmp_path: Path) -> None:
    for seed, rules in ((1, "ours"), (2, "like_lareqa")):
        add(fabricate, tmp_path, "", "mono", seed, config={"eval": {"mlqa_r": {"sentences": rules}}})
    assert collect(tmp_path).runs["configuration"].tolist() == ["mono, sentences=like_lareqa", "mono, sentences=ours"]


def test_one_benchmark_more_does_not_split_a_row(fabricate, tmp_path: Path) -> None:
    heldout, more = {"heldout": {"x": 1}}, {"heldout": {"x": 1}, "xquad_r": {"languages": ["ar", "zh"]}}
    both = {DATASET: LANGUAGES, "xquad_r": ("ar", "zh")}
    add(fabricate, tmp_path, "", "mono", 1, config={"eval": heldout})
    add(fabricate, tmp_path, "", "mono", 2, config={"eval": more}, datasets=both)
    later = add(fabricate, tmp_path, "", "mono", 3, config={"eval": heldout})
    fabricate.write_rows(
        later / "evaluations" / "x" / "metrics.csv",
        fabricate.metric_rows("xquad_r", ("ar", "zh"), (0.5, 0.5, 0.5, 3.0), 1),
    )
    fabricate.write_json(later / "evaluations" / "x" / "result.json", json.loads((later / "result.json").read_text()))
    sweep = collect(tmp_path)
    assert sweep.runs["configuration"].tolist() == ["mono"] * 3
    assert sweep.extra == ()
    assert [main_table(sweep, name).rows[0][1].value for name in (DATASET, "xquad_r")] == [3, 2]


def test_a_later_evaluation_in_other_languages_splits(fabricate, tmp_path: Path) -> None:
    for seed, languages in ((1, ("ar", "zh")), (2, ("ar", "en"))):
        path = add(fabricate, tmp_path, "", "mono", seed)
        rows = fabricate.metric_rows("xquad_r", languages, (0.5, 0.5, 0.5, 3.0), 1)
        fabricate.write_rows(path / "evaluations" / "x" / "metrics.csv", rows)
        fabricate.write_json(path / "evaluations" / "x" / "result.json", json.loads((path / "result.json").read_text()))
    assert collect(tmp_path).runs["configuration"].tolist() == [
        "mono, xquad_r languages=ar+en",
        "mono, xquad_r languages=ar+zh",
    ]
