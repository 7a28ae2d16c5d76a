"""The answer about size on fabricated sweeps whose laws are known."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from hybridret.analysis.scaling.budget import best_parameters
from hybridret.reporting.answers.answer import Findings
from hybridret.reporting.answers.scaling.find import ANSWER
from hybridret.reporting.answers.scaling.words import number
from hybridret.reporting.collect import collect
from hybridret.reporting.evidence import Evidence

BODIES = (50_000, 400_000, 3_000_000, 25_000_000)
# Exponents of contrastive entropy by strategy: monolingual, cross-lingual, multilingual.
TRUTH = {"mono": (0.08, 0.05, 0.05), "cross": (0.05, 0.11, 0.11), "hybrid": (0.08, 0.12, 0.12)}


def level(strategy: str, body: int) -> tuple[float, ...]:
    """What makes `fabricate` write these entropies: 1.5 minus each of the first three."""
    return (*(1.5 - 1.4 * (body / BODIES[0]) ** -a for a in TRUTH[strategy]), 100.0)


@pytest.fixture(scope="session")
def sized(fabricate: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A sweep of sizes, strategies and seeds."""

    def make(bodies: tuple[int, ...] = BODIES, seeds: int = 3, with_questions: bool = False) -> Path:
        folder: Path = tmp_path_factory.mktemp("sizes") / "sweep"
        for (i, body), strategy, seed in product(enumerate(bodies), TRUTH, range(1, seeds + 1)):
            fabricate.run(
                folder, strategy, seed, alpha=0.5 if strategy == "hybrid" else None, size=f"s{i}", body=body,
                level=level(strategy, body),
            )  # fmt: skip
        if with_questions:
            fabricate.questioned(folder, 20)
        return folder

    return make


def found(folder: Path, resamples: int = 100, metrics: tuple[str, ...] = ("contrastive_entropy", "map")) -> Findings:
    sweep = collect(folder)
    sweep = replace(sweep, metrics=sweep.metrics[sweep.metrics["metric"].isin(metrics)])
    findings = ANSWER.find(Evidence([sweep], resamples=resamples))
    assert findings is not None
    return findings


@pytest.fixture(scope="session")
def answered(sized: Callable[..., Path]) -> Findings:
    return found(sized())


def test_exponents_come_back(answered: Findings) -> None:
    frame = answered.frames["scaling_exponents"]
    own = frame[(frame["metric"] == "contrastive_entropy") & (frame["kind"] == "exponent")]
    assert len(own) == 9
    settings = ("monolingual", "cross-lingual", "multilingual")
    for _, row in own.iterrows():
        strategy = row["family"].split()[0]
        assert row["value"] == pytest.approx(TRUTH[strategy][settings.index(row["setting"])], abs=0.02)
        assert row["low"] < row["value"] < row["high"]
    assert own["decided"].all()
    assert (own["sizes"] == 4).all()


def test_differences_are_the_values_differences(answered: Findings) -> None:
    frame = answered.frames["scaling_exponents"]
    own = frame[frame["metric"] == "contrastive_entropy"].set_index(
        ["kind", "family", "setting", "than_family", "than_setting"]
    )
    hybrid, mono = "hybrid α=0.5", "mono"
    exponents = own.loc["exponent"]["value"]
    for first, second, kind in (
        ((hybrid, "cross-lingual"), (hybrid, "monolingual"), "settings"),
        ((hybrid, "cross-lingual"), (mono, "cross-lingual"), "families"),
    ):
        row = own.loc[(f"difference of {kind}", *first, *second)]
        assert row["value"] == pytest.approx(exponents[(*first, "", "")] - exponents[(*second, "", "")])
        assert row["decided"]


def test_the_page_opens_with_at_most_three_sentences(answered: Findings) -> None:
    opening = sorted((one for one in answered.sentences if one.importance > 0), key=lambda one: -one.importance)
    assert len(opening) == 3
    first = opening[0]
    assert first.text.startswith("On cldr_combinations contrastive entropy of hybrid α=0.5 falls")
    assert "the cross-lingual setting gains more from size than the monolingual one (difference .0" in first.text
    assert first.decided
    assert first.low is not None
    assert first.high is not None
    assert first.effect is not None
    assert first.low < first.effect < first.high
    assert first.runs == 12
    assert "lead of hybrid α=0.5 over the better of mono and cross" in opening[2].text  # undecided
    assert "more than mono (difference of exponents" in opening[1].text
    for one in answered.sentences:
        assert one.text.endswith(".")
        assert "nan" not in one.text
        assert one.decided or "undecided" in one.text


def test_frames_hold_all_laws_and_the_held_out_size(answered: Findings) -> None:
    laws = answered.frames["scaling_laws"]
    assert set(laws["law"]) == {"constant", "power", "offset"}
    power = laws[(laws["law"] == "power") & (laws["parameter"] == "a") & (laws["metric"] == "contrastive_entropy")]
    assert (power["noise"].isin(["seeds", "law"])).all()
    assert (power["failed"] == 0).all()
    held = answered.frames["scaling_prediction"]
    about_law = [one.text for one in answered.sentences if "is predicted from the smaller ones" in one.text]
    assert about_law
    assert all("the simplest one whose held-out error is at most 2 times the smallest one" in one for one in about_law)
    assert (held["parameters"] == BODIES[-1]).all()
    assert (held["fitted_sizes"] == 3).all()
    entropy = held[(held["metric"] == "contrastive_entropy") & (held["law"] == "power")]
    assert entropy["error"].abs().max() < 0.05
    np.testing.assert_allclose(held["error"], held["predicted"] / held["observed"] - 1)


def test_gaps_are_those_of_the_averages(answered: Findings, sized: Callable[..., Path]) -> None:
    gaps = answered.frames["scaling_gap"]
    assert len(gaps[gaps["metric"] == "map"]) == 3 * 4
    metrics = collect(sized()).metrics
    own = metrics[
        (metrics["metric"] == "map") & (metrics["query_language"] == "macro") & (metrics["setting"] == "cross-lingual")
    ]
    mean = own.groupby("configuration")["value"].mean()
    row = gaps[(gaps["metric"] == "map") & (gaps["setting"] == "cross-lingual")].sort_values("parameters").iloc[-1]
    wanted = mean["hybrid α=0.5, s3"] - max(mean["mono, s3"], mean["cross, s3"])
    assert row["gap"] == pytest.approx(wanted)
    assert row["low"] < row["gap"] < row["high"]


def test_two_sizes_are_undecided_and_one_is_no_question(sized: Callable[..., Path]) -> None:
    findings = found(sized(BODIES[:2], 2))
    assert not any(one.decided for one in findings.sentences)
    assert all("because only two sizes were trained" in one.text for one in findings.sentences)
    assert findings.plots == []
    assert findings.frames["scaling_prediction"].empty
    assert ANSWER.find(Evidence([collect(sized(BODIES[:1], 2))])) is None


@pytest.mark.slow
def test_questions_are_part_of_the_intervals(sized: Callable[..., Path], tmp_path: Path) -> None:
    folder = sized(BODIES[:3], 2, with_questions=True)
    without = shutil.copytree(folder, tmp_path / "without")
    for file in without.glob("*/queries.parquet"):
        file.unlink()
    first, other = (
        found(one, metrics=("contrastive_entropy",)).frames["scaling_exponents"] for one in (folder, without)
    )
    np.testing.assert_allclose(first["value"], other["value"])
    assert (np.abs(first["high"] - other["high"]) > 1e-6).all()


@pytest.mark.slow
def test_same_files_same_answers(sized: Callable[..., Path]) -> None:
    folder = sized(BODIES[:3], 2)
    first, second = (found(folder, metrics=("map",)) for _ in range(2))
    assert [one.text for one in first.sentences] == [one.text for one in second.sentences]
    for name, frame in first.frames.items():
        pd.testing.assert_frame_equal(frame, second.frames[name])


def test_figures_and_tables_are_written(answered: Findings) -> None:
    assert [plot.name for plot in answered.plots] == [
        f"scaling_cldr_combinations_contrastive_entropy_{setting}"
        for setting in ("monolingual", "cross-lingual", "multilingual")
    ]
    assert b"hybrid" in answered.plots[1].svg
    assert all(table.csv().count("\n") == len(table.rows) + 1 for table in answered.tables)
    assert len({table.name for table in answered.tables}) == len(answered.tables)


def test_numbers_in_words() -> None:
    assert [number(value) for value in (0.4231, -0.031, 1.2, -0.001, 0.0, math.inf, -math.inf)] == [
        ".42", "-.03", "1.20", ".00", ".00", "∞", "-∞",
    ]  # fmt: skip


@pytest.mark.slow
def test_a_grid_of_sizes_and_pairs_gives_the_joint_law_and_a_split(fabricate: ModuleType, tmp_path: Path) -> None:
    """Pairs are batch x best step; the entropies follow the joint law, so its best split comes back."""
    a, b, scale, data = 0.3, 0.5, 3e4, 2e4
    lengths = {"sample": 10, "languages": {"de": {"question": _length(10), "passage": _length(30)}}}
    for (i, body), (steps, seed) in product(enumerate(BODIES), product((300, 1300, 5100), (1, 2))):
        pairs = 32 * (steps - 100)
        loss = ((scale / body) ** (a / b) + data / pairs) ** b
        folder = fabricate.run(
            tmp_path / f"{steps}", "hybrid", seed, alpha=0.5, size=f"s{i}", body=body, steps=steps,
            level=(*(1.5 - loss for _ in range(3)), 100.0), config={"training": {"steps": steps}},
        )  # fmt: skip
        result = json.loads((folder / "result.json").read_text("utf-8"))
        result["training"]["mix"] |= {"batches": steps, "rows": 32 * steps}
        result["data"]["card"] = {"tokens": lengths}
        result["run"] = f"steps-{steps},{folder.name}"
        (folder / "result.json").write_text(json.dumps(result), encoding="utf-8")
        folder.rename(tmp_path / f"steps-{steps},{folder.name}")
    for empty in ("300", "1300", "5100"):
        (tmp_path / empty).rmdir()
    findings = found(tmp_path, metrics=("contrastive_entropy",))
    laws = findings.frames["scaling_laws"]
    assert set(laws["variable"]) == {"body parameters", "pairs", "flops", "parameters and pairs"}
    joint = laws[(laws["law"] == "joint") & (laws["setting"] == "cross-lingual")].set_index("parameter")
    assert joint.loc["a", "low"] <= a <= joint.loc["a", "high"]
    splits = findings.frames["scaling_budget"]
    row = splits[splits["setting"] == "cross-lingual"].iloc[0]
    assert row["budget_flops"] == pytest.approx(6 * BODIES[-1] * 32 * 5000 * 40)
    assert row["parameters"] * row["pairs"] * 240 == pytest.approx(row["budget_flops"])
    best = best_parameters(np.array([scale, a, data, b, 0.0]), row["budget_flops"], 40.0)
    assert row["parameters_low"] <= best <= row["parameters_high"]
    assert any("6 x parameters x tokens" in one.text for one in findings.sentences)


def _length(mean: float) -> dict[str, float]:
    return {"texts": 10, "mean": mean, "median": mean, "p95": mean, "max": mean}
