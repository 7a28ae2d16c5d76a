"""A metric is one file: nothing but that file names it, and it is evaluated, written and shown."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hybridret.metrics import registry
from hybridret.metrics.metric import MULTILINGUAL, CutMetric, LanguageMetric, Metric, Summary, WholeMetric
from hybridret.metrics.registry import known_metrics, table_metrics

ROOT = Path(__file__).resolve().parents[2]
EXPONENTIAL = '''"""nDCG with the gain 2^grade - 1."""

import numpy as np

from hybridret.metrics.metric import CutMetric


def exponential_ndcg(relevant, cutoff):
    gains = 2.0**relevant.grades - 1
    best = gains[np.lexsort((-gains, relevant.queries))]
    found = np.where(relevant.ranks <= cutoff, gains / np.log2(relevant.ranks + 1.0), 0.0)
    ideal = np.where(relevant.ordinals <= cutoff, best / np.log2(relevant.ordinals + 1.0), 0.0)
    return relevant.total(found) / relevant.total(ideal)


METRIC = CutMetric(
    name="exponential_ndcg",
    title="nDCG exp",
    position=35,
    values=exponential_ndcg,
    table="quality",
    overview=True,
    card=True,
    ending=(10,),
)
'''
# In a process of its own: the columns of a report are read from the files when it is imported.
EVALUATE = """
import sys
from pathlib import Path

import numpy as np

import hybridret.metrics

added, sweep, here, fabricate = map(Path, sys.argv[1:])
hybridret.metrics.__path__.append(str(added))
sys.path[:0] = [str(here), str(fabricate)]
from conftest import Given, random_collection
from fabricate import small
from rich.console import Console

from hybridret.base.progress import Quiet
from hybridret.base.settings import EvaluationSettings
from hybridret.evaluation.evaluate import evaluate
from hybridret.export.card_results import SHOWN
from hybridret.pipelines.terminal_summary import print_summary
from hybridret.reporting.collect import collect
from hybridret.reporting.summary import summary_table
from hybridret.reporting.write import write_report

small(sweep)
collection = random_collection(3)
matrix = np.random.default_rng(3).normal(size=(len(collection.query_ids), len(collection.passage_ids)))
settings = EvaluationSettings(
    batch_size=8, settings=["monolingual", "cross-lingual", "multilingual"], cutoffs=[10], entropy_temperature=0.05,
    entropy_sample=16, precision="fp32", full_ranks=100, depth=10, cache=None, cache_from=10, vectors="float32",
    trec=False, mteb=False,
)
found = evaluate(Given(matrix.astype(np.float32)), collection, settings, 1, Quiet())
for run in sweep.iterdir():
    if (run / "metrics.csv").is_file():
        found.write(run)
print_summary(found.macro())
whole = collect(sweep)
write_report(whole, sweep / "report")
Console(width=300).print(summary_table(whole))
print("card", *SHOWN)
"""


@pytest.mark.slow
def test_a_metric_is_one_file(tmp_path: Path) -> None:
    (tmp_path / "added").mkdir()
    (tmp_path / "added" / "exponential_ndcg.py").write_text(EXPONENTIAL)
    sweep = tmp_path / "sweep"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", EVALUATE, tmp_path / "added", sweep, ROOT / "tests/evaluation",
         ROOT / "tests/reporting"],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (run, *_) = (one.parent for one in sorted(sweep.glob("*/metrics.csv")))
    rows = [line.split(",") for line in (run / "metrics.csv").read_text().splitlines()]
    order = list(dict.fromkeys(row[4] for row in rows[1:] if row[1] == "multilingual"))
    assert order[:4] == ["map", "mrr", "ndcg", "exponential_ndcg"]
    macro = {row[1]: row for row in rows if row[2] == "macro" and row[4] == "exponential_ndcg"}
    assert list(macro) == ["monolingual", "cross-lingual", "multilingual"]
    of_ndcg = {row[1]: row for row in rows if row[2] == "macro" and row[4] == "ndcg"}
    for setting, row in macro.items():
        assert row[5] == "10"
        assert 0 < float(row[6]) < 1
        assert row[6] != of_ndcg[setting][6]  # grades of 1 and 2: another gain, another value
    head, *body = (sweep / "report" / "tables" / "main_toy.csv").read_text().splitlines()
    columns = head.split(",")
    assert columns[columns.index("Mo. MRR@10") + 2] == "Mo. nDCG exp@10", columns
    place = columns.index("Mul. nDCG exp@10")
    assert {float(line.split(",")[place]) for line in body if line.split(",")[place]} == {float(macro[MULTILINGUAL][6])}
    assert "nDCG exp@10" in (sweep / "report" / "report.html").read_text()
    ending, _, rest = done.stdout.partition("toy")
    assert re.search(r"MRR@10 +nDCG exp@10 +R@10", ending)
    *overview, card = rest.splitlines()
    assert any("nDCG exp@10" in line for line in overview)
    assert not any("nDCG@10" in line for line in overview)
    assert card == "card map mrr ndcg exponential_ndcg recall rank_distance"


def test_a_name_given_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "twin_of_recall.py").write_text(
        "from hybridret.metrics.metric import ScoredMetric\nMETRIC = ScoredMetric(name='recall', title='', position=1)"
    )
    registry.metrics.__path__.append(str(tmp_path))
    try:
        with pytest.raises(ValueError, match="two of 'recall'"):
            known_metrics()
    finally:
        registry.metrics.__path__.remove(str(tmp_path))
        del sys.modules["hybridret.metrics.twin_of_recall"]
    assert [one.name for one in known_metrics()].count("recall") == 1


def test_the_order_does_not_depend_on_names_of_files() -> None:
    positions = [one.position for one in known_metrics()]
    assert positions == sorted(set(positions))  # no two share one
    assert [one.name for one in known_metrics()] != sorted(one.name for one in known_metrics())
    assert list(table_metrics("quality")) == ["map", "mrr", "recall", "ndcg"]


@pytest.mark.parametrize("name", ["ndcg@10", "a/b", "", "two words"])
def test_a_name_that_result_json_could_not_tell_apart_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be the name of a metric"):
        Metric(name=name, title="x", position=1)
    with pytest.raises(ValueError, match="cannot be the name of a metric"):
        Metric(name="x", title="x", position=1, summaries=(Summary(name=name, title="x", of=lambda values, _: 0.0),))


def test_what_could_not_be_shown_is_refused() -> None:
    def nothing(*_: object) -> object:
        raise AssertionError

    with pytest.raises(ValueError, match="unknown settings \\['mixed'\\]"):
        WholeMetric(name="x", title="x", position=1, values=nothing, settings=("mixed",))
    with pytest.raises(ValueError, match="has no cutoffs"):
        CutMetric(name="x", title="x", position=1, values=nothing, settings=(MULTILINGUAL,), table="bias")
    with pytest.raises(ValueError, match="measure it there alone"):
        WholeMetric(name="x", title="x", position=1, values=nothing, table="bias")
    with pytest.raises(ValueError, match="multilingual and full"):
        LanguageMetric(name="x", title="x", position=1, values=nothing, full=False)
