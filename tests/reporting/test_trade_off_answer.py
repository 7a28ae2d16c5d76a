"""The trade-off of a sweep in sentences, tables, figures and frames."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from hybridret.analyse import main
from hybridret.analysis.trade_off.front_probability import front_probability
from hybridret.analysis.trade_off.resamples import resample
from hybridret.reporting.answers.answer import Findings
from hybridret.reporting.answers.trade_off.alpha import best_alphas
from hybridret.reporting.answers.trade_off.find import find
from hybridret.reporting.answers.trade_off.groups import groups
from hybridret.reporting.answers.trade_off.measure import measures
from hybridret.reporting.collect import collect
from hybridret.reporting.evidence import Evidence


@pytest.fixture(scope="module")
def sizes(fabricate: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three sizes x (cross, hybrid at .25, .5 and .75, mono) x two seeds, with values of questions. Read only."""
    folder = tmp_path_factory.mktemp("sweeps") / "sizes"
    for (k, (size, body)), seed in product(
        enumerate([("tiny", 50_000), ("small", 200_000), ("base", 900_000)]), (1, 2)
    ):
        for strategy, alpha in [("cross", None), ("mono", None), *(("hybrid", one) for one in (0.25, 0.5, 0.75))]:
            own = {"cross": 0.0, "mono": 1.0}.get(strategy, alpha)
            peak = 0.3 + 0.1 * k
            level = (0.7 - 0.3 * (own - peak) ** 2, 0.5 - 0.3 * (own - peak) ** 2, 0.4, 500.0)
            fabricate.run(
                folder, strategy, seed, alpha=alpha, size=size, body=body, level=level, datasets={"d": ("de", "en")}
            )
    return fabricate.questioned(folder, 15)


@pytest.fixture(scope="module")
def evidence(questioned: Path) -> Evidence:
    return Evidence([collect(questioned)], resamples=200)


@pytest.fixture(scope="module")
def found(evidence: Evidence) -> Findings:
    return find(evidence)  # type: ignore[return-value]


def test_probabilities_in_the_frame_are_those_of_the_values(evidence: Evidence, found: Findings) -> None:
    values = evidence.values("cldr_combinations")
    frame = found.frames["trade_off_front"]
    rows = frame[(frame["dataset"] == "cldr_combinations") & (frame["metric"] == "map") & (frame["group"] == "small")]
    names = ("mono, small", "cross, small", "hybrid α=0.5, small")
    goals = {one: values[(one, "map", 0)] for one in ("monolingual", "cross-lingual")}
    trained = [name for name in goals["monolingual"].names if "tiny" in name or "small" in name]
    draws = resample({key: one.only(trained) for key, one in goals.items()}, 200, evidence.seed).only(names)
    expected = dict(zip(names, front_probability(draws.oriented), strict=True))
    table = rows.set_index("configuration")["on_front"]
    assert {name: table[name] for name in names} == pytest.approx(expected)
    assert 0 < min(expected.values()) < 1
    volumes = found.frames["trade_off_volume"]
    one = volumes[(volumes["metric"] == "map") & (volumes["group"] == "small") & (volumes["goals"] == 2)]
    assert (one["reference_mono"].item() < rows["mono"]).all()
    assert one["no_knee"].item() + rows["knee"].sum() == pytest.approx(1)
    assert one["hypervolume"].item() > rows["adds"].max()


def test_what_was_not_trained_is_left_out(found: Findings) -> None:
    frame = found.frames["trade_off_front"]
    assert not frame["configuration"].str.contains("BM25|untrained|not trained").any()
    assert set(frame["group"]) == {"tiny", "small", "all sizes", "all"}
    assert "not trained" in found.remarks[0]


def test_two_sentences_of_a_test_set_may_open_the_page(found: Findings) -> None:
    for dataset in ("cldr_combinations", "xquad_r"):
        own = [one for one in found.sentences if f"of {dataset}" in one.text]
        assert 1 <= sum(one.importance > 0 for one in own) <= 2
        assert all(one.text.endswith(".") for one in own)
        assert len(own) >= 6
    assert all("one seed each" in one.text for one in found.sentences if "of xquad_r" in one.text)


def test_tables_and_figures(found: Findings) -> None:
    assert [one.name for one in found.tables] == [
        "trade_off_front_cldr_combinations",
        "trade_off_preference_cldr_combinations",
        "trade_off_front_xquad_r",
        "trade_off_preference_xquad_r",
    ]
    for table in found.tables:
        assert len(table.markdown().splitlines()) == len(table.rows) + 4
        assert table.csv()
    svg = found.plots[0].svg.decode()
    assert "front: median, 95 % band" in svg
    assert len({plot.name for plot in found.plots}) == len(found.plots) == 4


def test_same_runs_same_answers(evidence: Evidence, found: Findings) -> None:
    again = find(evidence)
    assert again is not None
    assert [one.text for one in again.sentences] == [one.text for one in found.sentences]
    for name, frame in found.frames.items():
        pd.testing.assert_frame_equal(again.frames[name], frame)


@pytest.mark.slow
def test_mono_and_cross_are_the_ends_of_a_line(sizes: Path) -> None:
    evidence = Evidence([collect(sizes)], resamples=200)
    measure = next(iter(measures(evidence, "d")))
    (line,) = best_alphas(evidence, measure)
    assert [one.size for one in line.lines] == ["tiny", "small", "base"]
    assert all(one.alphas == (0, 0.25, 0.5, 0.75, 1) for one in line.lines)
    assert line.lines[0].configurations[0] == "cross, tiny"
    assert line.lines[0].configurations[-1] == "mono, tiny"
    findings = find(evidence)
    assert findings is not None
    frame = findings.frames["trade_off_alpha"]
    assert frame.loc[frame["metric"] == "map", "best_alpha"].tolist() == [value for value, _, _ in line.best]
    assert ((frame["best_alpha_low"] <= frame["best_alpha_high"]) & frame["best_alpha"].between(0, 1)).all()
    moves = [one for one in findings.sentences if "per tenfold size" in one.text]
    assert len(moves) == 1
    assert moves[0].importance > 0
    assert moves[0].effect == pytest.approx(line.slope.per_tenfold)
    assert sum(one.importance > 0 for one in findings.sentences) == 2


def test_one_language_has_no_trade_off(fabricate: ModuleType, tmp_path: Path) -> None:
    for seed in (1, 2):
        fabricate.run(tmp_path, "mono", seed, datasets={"one": ("de",)})
        fabricate.run(tmp_path, "cross", seed, datasets={"one": ("de",)})
    fabricate.questioned(tmp_path, 5)
    assert find(Evidence([collect(tmp_path)], resamples=100)) is None


def test_files_are_written(questioned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--only", "trade_off", "--dataset", "xquad_r", "--resamples", "100", "--output", str(tmp_path)]
    assert main([str(questioned), *options]) == 0
    assert "on the front of monolingual and cross-lingual quality" in capsys.readouterr().out
    for name in ("front", "preference", "alpha", "volume", "bands"):
        assert (tmp_path / f"trade_off_{name}.csv").is_file()
    assert (tmp_path / "figures" / "trade_off_xquad_r_1.svg").is_file()


@pytest.mark.parametrize(
    ("sizes", "titles", "main"),
    [
        ([("a", "s", 1.0)] * 3, [""], ""),
        ([("a", "s", 1.0)] * 3 + [("a", "l", 9.0)] * 3, ["s", "l", "all sizes"], "l"),
        ([("a", "s", 1.0)] * 3 + [("a", "l", 9.0)] * 2, ["s", "l", "all sizes"], "s"),
        ([("a", "s", 1.0), ("b", "l", 9.0)], ["all sizes"], "all sizes"),
        ([("a", "s", 1.0)] * 2 + [("b", "", 9.0)] * 2, ["a s", "b", "all sizes"], "b"),
        ([("a", "s", 1.0)], [], None),
    ],
)
def test_groups_by_size(sizes: list[tuple[str, str, float]], titles: list[str], main: str | None) -> None:
    names = [f"c{i}" for i in range(len(sizes))]
    runs = pd.DataFrame(sizes, columns=["backbone", "size", "parameters_body"]).assign(
        configuration=names, trained=True
    )
    untrained = runs.tail(1).assign(configuration="BM25", trained=False)
    found = groups(pd.concat([runs, untrained]), (*names, "BM25"))
    assert not any("BM25" in one.configurations for one in found)
    assert [one.title for one in found] == titles
    assert [one.title for one in found if one.main] == ([] if main is None else [main])
