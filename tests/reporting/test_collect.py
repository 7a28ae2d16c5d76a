"""Collecting a sweep: what is found, what identifies a configuration, and errors that name the file."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from hybridret.base.errors import UserError
from hybridret.reporting.collect import collect
from hybridret.reporting.read import METRIC_COLUMNS, metric_rows
from hybridret.reporting.write import write_report
from hybridret.runs.sums import write_result


def test_all_runs_are_found_and_other_files_passed_over(small: Path) -> None:
    sweep = collect(small)
    assert len(sweep.runs) == 11
    assert sweep.runs["configuration"].unique().tolist() == [
        "mono",
        "cross",
        "hybrid α=0.5",
        "BM25",
        "scratch, not trained",
    ]
    assert sweep.runs["seed"].tolist()[:3] == [1, 2, 3]
    assert sweep.extra == ()  # trainer.workers differs from run to run and is no part of a configuration
    assert sweep.failures[["state", "reason"]].to_numpy().tolist() == [
        ["failed", "The loss was not finite at step 300 <b>& more</b>."],
        ["skipped", "backbone 'scratch' has no size '10b'."],
    ]


def test_sizes_and_differing_overrides_become_part_of_the_label(fabricate: ModuleType, tmp_path: Path) -> None:
    for lr in (0.1, 0.2):
        for seed in (1, 2):
            path = fabricate.run(tmp_path, "mono", seed, config={"optim": {"lr": lr}, "optim_note": f"of {lr}"})
            path.rename(tmp_path / f"lr-{lr},seed-{seed}")
    sweep = collect(tmp_path)
    assert sweep.extra == ("optim.lr",)  # optim_note follows from it
    assert sweep.runs["configuration"].tolist() == ["mono, lr=0.1"] * 2 + ["mono, lr=0.2"] * 2


def test_added_evaluations_are_merged(rich: Path) -> None:
    sweep = collect(rich)
    assert sweep.datasets == ["cldr_combinations", "xquad_r"]
    assert set(sweep.metrics.loc[sweep.metrics["dataset"] == "xquad_r", "configuration"]) == {
        "mono, tiny",
        "cross, tiny",
        "hybrid α=0.5, tiny",
    }
    assert "in-domain" in sweep.notes["key"].tolist()
    assert sweep.only(["xquad_r"]).datasets == ["xquad_r"]
    with pytest.raises(UserError, match="Did you mean 'xquad_r'"):
        sweep.only(["xquadr"])


def test_a_later_evaluation_of_the_same_dataset_replaces_the_earlier(fabricate: ModuleType, tmp_path: Path) -> None:
    path = fabricate.run(tmp_path, "mono", 1)
    again = path / "evaluations" / "again"
    rows = fabricate.metric_rows("cldr_combinations", ("en", "de"), (0.5, 0.5, 0.5, 3.0), 1)
    fabricate.write_rows(again / "metrics.csv", rows)
    result = json.loads((path / "result.json").read_text()) | {"finished": "2027-01-01T00:00:00+00:00"}
    fabricate.write_json(again / "result.json", result)
    assert len(collect(tmp_path).metrics) == len(rows)


def test_a_curve_cut_short_loses_its_last_line_and_repeated_steps_count_once(
    fabricate: ModuleType, tmp_path: Path
) -> None:
    path = fabricate.run(tmp_path, "mono", 1)
    file = path / "history.jsonl"
    lines = file.read_text().splitlines()
    again = json.loads(lines[0]) | {"loss": 77.0}
    file.write_text("\n".join([*lines[:-1], json.dumps(again), lines[-1]]))
    history = collect(tmp_path).history
    assert len(history) == len(lines) - 1
    assert history.loc[(history["split"] == "train") & (history["step"] == 10), "loss"].tolist() == [77.0]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("result.json", "{", r"result\.json, line 1"),
        ("result.json", '{"version": 2}', r"result\.json: written in version 2"),
        ("result.json", '{"seed": 1}', r"result\.json: the key 'backbone' is missing"),
        ("result.json", "[]", r"result\.json: not the result of a run, which is a JSON object"),
        ("metrics.csv", "a,b\n1,2\n", r"metrics\.csv, line 1: the column 'dataset'"),
        ("config.yaml", "a: [", r"config\.yaml: not valid YAML"),
        ("result.json", '{"backbone": 3, "seed": 1}', r"result\.json: the value of backbone must be a text"),
        ("result.json", '{"backbone": "x", "seed": 1, "training": []}', r"value of training must be an object"),
        (
            "result.json",
            '{"backbone": "x", "seed": 1, "training": {"steps": "x"}}',
            r"training\.steps must be a number",
        ),
        ("result.json", '{"backbone": "x", "seed": 1, "tokens": {"en": 3}}', r"tokens must be an object"),
        ("result.json", '{"backbone": "x", "seed": 1, "checksum": "0"}', r"result\.json is damaged"),
    ],
)
def test_broken_files_are_named(fabricate: ModuleType, tmp_path: Path, name: str, text: str, message: str) -> None:
    path = fabricate.run(tmp_path, "mono", 1)
    (path / name).write_text(text)
    with pytest.raises(UserError, match=message):
        collect(tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("history.jsonl", 'x\n{"step":1,"split":"train"}\n', "history.jsonl, line 1"),
        ("history.jsonl", '{"step":"x","split":"train"}\n', "history.jsonl, line 1"),
        ("environment.json", "x", "environment.json, line 1"),
        ("environment.json", "[]", "environment.json: expected a JSON object"),
    ],
)
def test_a_broken_file_beside_the_values_is_left_out_and_named(
    fabricate: ModuleType, tmp_path: Path, name: str, text: str, message: str
) -> None:
    path = fabricate.run(tmp_path, "mono", 1)
    (path / name).write_text(text)
    sweep = collect(tmp_path)
    assert len(sweep.runs) == 1
    ((run, told),) = sweep.notes.loc[sweep.notes["key"] == "left out", ["run", "text"]].to_numpy()
    assert run == path.name
    assert message in told


def test_a_damaged_run_stands_beside_the_others(fabricate: ModuleType, tmp_path: Path) -> None:
    """Its values are left out, and the report says why."""
    whole, damaged, unfinished = (fabricate.run(tmp_path, "mono", seed) for seed in (1, 2, 3))
    (damaged / "metrics.csv").write_text("a,b\n1,2\n")
    (unfinished / "result.json").unlink()
    (unfinished / "status.json").write_text("[")
    sweep = collect(tmp_path)
    assert sweep.runs["run"].tolist() == [whole.name]
    assert set(sweep.metrics["run"]) == {whole.name}
    rows = {row["run"]: row for row in sweep.failures.to_dict("records")}
    assert {name: row["state"] for name, row in rows.items()} == {damaged.name: "damaged", unfinished.name: "damaged"}
    assert "metrics.csv, line 1" in rows[damaged.name]["reason"]
    page = write_report(sweep, tmp_path / "report").read_text(encoding="utf-8")
    assert "metrics.csv, line 1" in page


@pytest.mark.parametrize("name", ["config.yaml", "environment.json", "history.jsonl", "metrics.csv", "result.json"])
def test_a_changed_digit_is_never_believed(fabricate: ModuleType, tmp_path: Path, name: str) -> None:
    path = fabricate.run(tmp_path, "mono", 1)
    result = json.loads((path / "result.json").read_text())
    write_result(path / "result.json", result)
    whole = collect(tmp_path)
    assert whole.failures.empty
    text = (path / name).read_text()
    position = text.index("1", len(text) // 3)
    (path / name).write_text(f"{text[:position]}7{text[position + 1 :]}")
    if name in ("environment.json", "history.jsonl"):
        sweep = collect(tmp_path)
        assert (sweep.history.empty, sweep.environments[path.name] == {}).count(True) == 1
        assert f"{name} is damaged or was changed" in sweep.notes["text"].str.cat()
        pd.testing.assert_frame_equal(sweep.metrics, whole.metrics)
        return
    with pytest.raises(UserError, match=rf"{path.name} is damaged \(.*{name} is damaged or was changed"):
        collect(tmp_path)


def test_a_value_that_is_no_number_is_named_by_line(fabricate: ModuleType, tmp_path: Path) -> None:
    file = fabricate.run(tmp_path, "mono", 1) / "metrics.csv"
    lines = file.read_text().splitlines()
    parts = lines[4].split(",")
    lines[4] = ",".join([*parts[:6], "high", parts[7]])
    file.write_text("\n".join(lines))
    with pytest.raises(UserError, match=r"metrics\.csv, line 5: the value 'high'"):
        collect(tmp_path)


def test_nothing_finished_says_what_is_there(fabricate: ModuleType, tmp_path: Path) -> None:
    fabricate.unfinished(tmp_path / "sweep", "mono,seed-1", "failed", "out of memory")
    with pytest.raises(UserError, match=r"mono,seed-1 is failed \(out of memory\)"):
        collect(tmp_path / "sweep")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no run directory"):
        collect(tmp_path / "empty")
    with pytest.raises(UserError, match="Did you mean 'sweep'"):
        collect(tmp_path / "swep")


def test_the_folder_of_a_run_is_no_sweep(fabricate: ModuleType, tmp_path: Path) -> None:
    path = fabricate.run(tmp_path, "mono", 1)
    with pytest.raises(UserError, match="is one run"):
        collect(path)


def test_a_single_run_without_optional_files(fabricate: ModuleType, tmp_path: Path) -> None:
    path = fabricate.run(tmp_path, "mono", 1)
    for name in ("history.jsonl", "environment.json", "config.yaml", "status.json"):
        (path / name).unlink()
    sweep = collect(tmp_path)
    assert len(sweep.runs) == 1
    assert sweep.history.empty
    shutil.rmtree(path)


def test_language_codes_that_look_like_missing_values(fabricate: ModuleType, tmp_path: Path) -> None:
    fabricate.run(tmp_path, "mono", 1, datasets={"d": ("nan", "na")})
    assert set(collect(tmp_path).metrics["query_language"]) == {"nan", "na", "macro"}


@pytest.mark.parametrize(("pooled", "kept"), [("0.5", False), ("0.4", True)])
def test_one_language_is_reported_once(tmp_path: Path, pooled: str, kept: bool) -> None:
    """Older runs repeat the monolingual values of one language as multilingual ones, with a bias between languages."""
    lines = [",".join(METRIC_COLUMNS)]
    for language, corpus in (("en", "en"), ("macro", "macro")):
        lines.append(f"scifact,monolingual,{language},{corpus},map,,0.5,3")
        lines.append(f"scifact,multilingual,{language},{corpus.replace('en', 'all')},map,,{pooled},3")
        lines.append(f"scifact,multilingual,{language},{corpus.replace('en', 'all')},rank_distance,,193,2")
        lines.append(f"other,monolingual,{language},{corpus},map,,0.2,3")
    (tmp_path / "metrics.csv").write_text("\n".join(lines))
    rows = metric_rows(tmp_path / "metrics.csv")
    assert ("multilingual" in set(rows["setting"])) is kept
    assert len(rows) == (8 if kept else 4)
