"""Axes, directions and marks, by cases small enough to know the answer: nothing may be swapped unseen."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from hybridret.reporting import tables as t
from hybridret.reporting.charts.registry import dataset_plots
from hybridret.reporting.charts.tradeoff import tradeoff
from hybridret.reporting.collect import Sweep, collect

# (query language, corpus language) -> mAP: reading German is hard, reading English is easy.
PAIRS = {("de", "de"): 0.5, ("de", "en"): 0.8, ("en", "de"): 0.1, ("en", "en"): 0.9}
# strategy -> macro of Mo. and Cr., and the contrastive entropy of Mo.
LEVELS = {"mono": (0.9, 0.2, 0.3), "cross": (0.4, 0.3, 0.6), "hybrid": (0.8, 0.28, 0.4)}


@pytest.fixture(scope="module")
def sweep(fabricate: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    folder = tmp_path_factory.mktemp("hand")
    for strategy, (mono, cross, entropy) in LEVELS.items():
        path = fabricate.run(folder, strategy, 1, datasets={"d": ("de", "en")})
        rows = [
            ["d", "monolingual" if q == c else "cross-lingual", q, c, "map", "", value, 10]
            for (q, c), value in PAIRS.items()
        ]
        rows += [["d", "monolingual", "macro", "macro", "map", "", mono, 20]]
        rows += [["d", "cross-lingual", "macro", "macro", "map", "", cross, 20]]
        rows += [["d", "monolingual", "macro", "macro", "contrastive_entropy", "", entropy, 20]]
        fabricate.write_rows(path / "metrics.csv", rows)
    return collect(folder)


def test_monolingual_is_x_and_cross_lingual_is_y(sweep: Sweep) -> None:
    points = tradeoff(sweep, "d", "map", 0).set_index("configuration")
    assert {name: (row["mono"], row["cross"]) for name, row in points.iterrows()} == {
        name: level[:2] for name, level in LEVELS.items()
    }


def test_the_written_scatter_has_the_same_axes(sweep: Sweep) -> None:
    (axes,) = dataset_plots(sweep, "d")["scatter"][0].draw().axes
    found = {one.get_label(): tuple(np.asarray(one.get_offsets())[0]) for one in axes.collections}
    assert found == {name: level[:2] for name, level in LEVELS.items()}
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Monolingual mAP", "Cross-lingual mAP")


def test_rows_of_pairs_are_query_languages(sweep: Sweep) -> None:
    table = t.pair_table(sweep, "d", "mono")
    assert table is not None
    languages = [column.title for column in table.columns[1:]]
    read = {
        (row[0].value, corpus): cell.value
        for row in table.rows
        for corpus, cell in zip(languages, row[1:], strict=True)
    }
    assert read == PAIRS
    heat = dataset_plots(sweep, "d")["pairs"][0].draw().axes[0]
    grid = np.asarray(heat.images[0].get_array())
    down, right = ([text.get_text() for text in labels] for labels in (heat.get_yticklabels(), heat.get_xticklabels()))
    assert {(down[i], right[j]): value for (i, j), value in np.ndenumerate(grid)} == PAIRS
    assert (heat.get_ylabel(), heat.get_xlabel()) == ("query language", "corpus language")


def test_languages_are_those_of_the_query(sweep: Sweep) -> None:
    table = t.language_table(sweep, "d")
    assert table is not None
    row = next(row for row in table.rows if (row[0].value, row[1].value) == ("mono", "Cr."))
    assert [cell.value for cell in row[2:]] == [0.8, 0.1]  # de, en


def test_the_lowest_entropy_is_the_best(sweep: Sweep) -> None:
    table = t.entropy_table(sweep, "d")
    assert table is not None
    assert {row[0].value: row[1].position for row in table.rows} == {"mono": 1, "hybrid": 2, "cross": 0}
