"""What is known of the data that this project is tried with (skipped where it is absent)."""

from __future__ import annotations

from pathlib import Path

import pytest

from hybridret.base.settings import LeakSettings
from hybridret.data.benchmarks.mlqa_r import MlqaR
from hybridret.data.benchmarks.xquad_r import XquadR
from hybridret.data.cldr.source import CldrCorpus
from hybridret.data.jsonl import JsonlPairs
from hybridret.data.leaks.check import leak_table

pytestmark = pytest.mark.slow

SETTINGS = LeakSettings(check=True, allowed=1.0, threshold=0.8, permutations=128, near_up_to=None)


def test_squad_dev_shares_articles_with_xquad_r_but_no_text(real_data: Path) -> None:
    """48 articles, other paragraphs: one question was asked twice, in almost equal words."""
    source = JsonlPairs(str(real_data / "train"), files=["squad-dev.*"])
    table = leak_table(source, XquadR(str(real_data / "eval" / "xquad-r")).collections(source), SETTINGS)
    assert sum(row.exact for row in table.rows) == 0
    assert {row.side for row in table.rows} == {"questions"}
    (row,) = [row for row in table.rows if row.near]
    assert (row.language, row.near) == ("en", 2)
    assert {(one.benchmark.strip(), one.training) for one in row.examples} == {
        ("What year did Tesla die?", "In what year did Tesla die?")
    }
    assert [one.through_ids for one in table.rows if one is not row] == [2] * 10  # its translations


def test_a_held_out_part_shares_nothing(real_data: Path) -> None:
    source = JsonlPairs(str(real_data / "train"), files=["squad-dev.*"])
    assert leak_table(source, source.test(), SETTINGS).rows == ()


def test_one_tydi_passage_is_an_mlqa_context(real_data: Path) -> None:
    pytest.importorskip("pysbd")
    source = JsonlPairs(str(real_data / "train"), files=["tydiqa-goldp.en.*"], test_share=0.0)
    (mlqa,) = MlqaR(str(real_data / "eval" / "mlqa" / "dev"), languages=["en", "de"]).collections(source)
    table = leak_table(source, [mlqa], SETTINGS)
    (row,) = [row for row in table.rows if row.exact]
    assert (row.side, row.language, row.exact) == ("passages", "en", 1)
    (example,) = [one for one in row.examples if one.kind == "exact"]
    assert example.training.startswith("Gymnastics events have been contested at every Summer Olympic Games")


def test_the_built_in_corpus_shares_nothing() -> None:
    source = CldrCorpus(languages=["en", "ru"])
    table = leak_table(source, source.test(), SETTINGS)
    assert table.rows == ()
    assert table.near == {"questions": False, "passages": False}
