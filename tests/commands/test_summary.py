"""The table on the terminal holds the metrics that tables of the field have."""

from __future__ import annotations

import pytest

from hybridret.pipelines.terminal_summary import print_summary


def test_every_metric_that_was_measured_has_its_column(capsys: pytest.CaptureFixture[str]) -> None:
    values = {"map": 0.5, "mrr@10": 0.25, "recall@10": 0.125, "recall@100": 0.75, "ndcg@10": 0.375, "rank_distance": 9}
    print_summary({f"x/multilingual/{metric}": value for metric, value in values.items()})
    head, row = capsys.readouterr().out.splitlines()
    assert " ".join(head.split()) == "test set setting mAP MRR@10 R@10 R@100 nDCG@10 rank distance"
    assert row.split() == ["x", "multilingual", "0.500", "0.250", "0.125", "0.750", "0.375", "9"]
    print_summary({"x/monolingual/map": 0.5})
    assert "R@100" not in capsys.readouterr().out
