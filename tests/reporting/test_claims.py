"""Claims judged on a sweep: sentences, table, and what the command returns."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from hybridret.analyse import main
from hybridret.analysis.claims.read import PAPER, read_claims
from hybridret.reporting.answers.claims import claims_frame, find, judged_in_groups
from hybridret.reporting.collect import collect
from hybridret.reporting.evidence import Evidence

FILE = """claims:
  - {{name: true_one, kind: changes, says: Cross is less biased., metric: rank_distance, setting: multilingual,
     of: [cross], against: mono, direction: lower, by: 0.5}}
  - {{name: false_one, kind: best, says: Mono is best across languages., metric: map, setting: cross-lingual,
     of: mono, among: [cross], required: {required}}}
"""


def test_the_papers_claims_are_judged_in_each_group(questioned: Path) -> None:
    found = find(Evidence([collect(questioned)]))
    assert found is not None
    frame = found.frames["claims"]
    biased = frame[frame["claim"] == "less_biased"]
    assert set(zip(biased["dataset"], biased["size"], strict=True)) == {
        ("cldr_combinations", "tiny"), ("cldr_combinations", "small"), ("xquad_r", "tiny"),
    }  # fmt: skip
    assert set(biased["ruling"]) == {"supported"}
    assert (biased["high"] < -0.2).all()
    assert frame.set_index("claim").at["gap_shrinks", "reason"] == "a trend needs three sizes, and there are 2"
    assert len(found.sentences) == 1 + frame["claim"].nunique()
    assert all(one.text.endswith(".") for one in found.sentences)
    assert not found.broken


def test_without_strategies_there_is_nothing_to_judge(alpha: Path) -> None:
    # No values of single questions at all.
    assert find(Evidence([collect(alpha)])) is None


@pytest.mark.parametrize(("required", "code"), [("true", 1), ("false", 0)])
def test_a_required_claim_that_is_refuted_fails_the_command(
    required: str, code: int, questioned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "claims.yaml"
    file.write_text(FILE.format(required=required))
    options = ["--claims", str(file), "--only", "claims", "--output", str(tmp_path / "out")]
    assert main([str(questioned), *options]) == code
    output = capsys.readouterr()
    assert "Supported in 3 of 3 comparisons: “Cross is less biased.”" in output.out
    assert "Refuted in 3 of 3 comparisons: “Mono is best across languages.”" in output.out
    assert ("Refuted, and required: false_one" in output.err) == bool(code)
    frame = pd.read_csv(tmp_path / "out" / "claims.csv")
    assert frame.groupby("claim")["ruling"].unique().map(list).to_dict() == {
        "true_one": ["supported"], "false_one": ["refuted"],
    }  # fmt: skip


def test_a_claim_is_on_plain_batches(fabricate: ModuleType, tmp_path: Path) -> None:
    sweep = tmp_path / "pairs"
    for strategy, seed in product(("mono", "cross", "hybrid"), (1, 2)):
        fabricate.run(sweep, strategy, seed, alpha=0.5 if strategy == "hybrid" else None)
    for seed in (3, 4):
        batching = {"_target_": "hybridret.batching.hybrid.X", "alpha": 0.5, "pairs": "english"}
        worse = (0.5, 0.3, 0.2, 9000.0)
        fabricate.run(sweep, "hybrid", seed, alpha=0.5, level=worse, config={"batching": batching})
    found = find(Evidence([collect(fabricate.questioned(sweep))]))
    assert found is not None
    rows = found.frames["claims"].set_index("claim")
    assert rows.at["hybrid_best_multilingual", "ruling"] != "not tested"
    assert not rows["what"].str.contains("english").any()
    assert "is one configuration here" in rows.at["alpha_is_flat", "reason"]


def test_a_grid_of_plain_batches_has_no_other_ones_in_it(fabricate: ModuleType, tmp_path: Path) -> None:
    sweep = tmp_path / "grid"
    for alpha, pairs, seed in ((0.4, "all", 1), (0.4, "english", 2), (0.5, "english", 3), (0.6, "all", 4)):
        batching = {"_target_": "hybridret.batching.hybrid.X", "alpha": alpha, "pairs": pairs}
        fabricate.run(sweep, "hybrid", seed, alpha=alpha, config={"batching": batching})
    found = find(Evidence([collect(fabricate.questioned(sweep, count=8))]))
    assert found is not None
    row = found.frames["claims"].set_index("claim").loc["alpha_is_flat"]
    assert (row["contrasts"], row["what"]) == (1, "hybrid α=0.4 − hybrid α=0.6")


def test_what_only_another_sweep_varies_is_no_condition(fabricate: ModuleType, tmp_path: Path) -> None:
    for strategy, alpha in (("mono", None), ("hybrid", 0.5)):
        fabricate.run(tmp_path / "still", strategy, 1, alpha=alpha)
        for seed, rate in ((1, 0.001), (2, 0.003)):
            fabricate.run(tmp_path / "rates", strategy, seed, alpha=alpha, config={"optim": {"lr": rate}})
    evidence = Evidence([collect(fabricate.questioned(tmp_path / name, count=8)) for name in ("still", "rates")])
    found = find(evidence)
    assert found is not None
    rows = found.frames["claims"].set_index("claim").loc["hybrid_keeps_monolingual"]
    assert rows["backbone"].tolist() == ["scratch", "scratch, lr=0.001", "scratch, lr=0.003"]


def test_claims_that_say_nothing_of_the_runs(questioned: Path, tmp_path: Path) -> None:
    file = tmp_path / "claims.yaml"
    file.write_text(
        "claims:\n  - {name: a, kind: best, says: S., metric: map, setting: multilingual, of: x_x, among: [mono]}\n"
        "  - {name: b, kind: best, says: S., metric: f1, setting: multilingual, of: mono, among: [cross]}\n"
        "  - {name: c, kind: best, says: S., metric: map, setting: multilingual, of: mono, among: [cross],\n"
        "     datasets: [d]}\n"
    )
    found = find(Evidence([collect(questioned)], claims=file))
    assert found is not None
    reasons = found.frames["claims"]["reason"].tolist()
    assert reasons[0] == "no run of x_x"
    assert reasons[1] == "multilingual f1 was not measured for single questions on cldr_combinations"
    assert reasons[2] == "no run was evaluated on d"
    assert found.sentences[0].text == "None of 3 claims could be tested."
    assert all(one.text.startswith("Not tested:") for one in found.sentences[1:])


def test_p_values_are_corrected_for_all_claims_and_groups(questioned: Path) -> None:
    evidence = Evidence([collect(questioned)])
    found = find(evidence)
    assert found is not None
    tested = found.frames["claims"].query("ruling != 'not tested'")
    one = next(iter(read_claims(PAPER)))
    alone = claims_frame([(one, judged) for judged in judged_in_groups(evidence, one)])
    assert (tested[tested["claim"] == one.name]["p_support"].to_numpy() >= alone["p_support"].to_numpy()).all()
    assert claims_frame([]).empty


def test_a_small_p_is_no_zero(questioned: Path) -> None:
    found = find(Evidence([collect(questioned)]))
    assert found is not None
    sure = [one for one in found.sentences if one.p is not None and one.p < 0.0005]
    assert sure
    assert all("corrected p < .001 (" in one.text for one in sure)
    assert not any("0.000" in one.text for one in found.sentences)
    assert not any(cell.value == "0.000" for row in found.tables[0].rows for cell in row)
