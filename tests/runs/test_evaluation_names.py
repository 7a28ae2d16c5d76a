"""Names of evaluations: short, readable, different for different commands; earlier names are found again."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from hybridret.config.run_identity import evaluation_directory, point_directory
from hybridret.runs.evaluation_naming import evaluation_name

FOLDER = {"folder": {"name": "folder", "path": "data/scifact"}}


@pytest.mark.parametrize(
    ("backbone", "benchmarks", "overrides", "seed", "name"),
    [
        ("bm25", {"xquad_r": {}}, ["eval=[xquad_r]"], 1, r"bm25_xquad_r"),
        ("minilm", {"xquad_r": {}, "mlqa_r": {}}, ["eval=[xquad_r, mlqa_r]"], 1, r"minilm_xquad_r\+mlqa_r"),
        ("bm25", {"heldout": {}}, ["sweep=run", "logger=none"], 1, r"bm25_heldout"),
        ("bm25", {"heldout": {}}, [], 3, r"bm25_heldout_seed-3"),
        ("bm25", FOLDER, ["eval=[folder]", "eval.folder.path=data/scifact"], 1, r"bm25_scifact\.[0-9a-f]{6}"),
        (
            "minilm",
            {"beir": {"names": ["scifact", "nfcorpus"]}},
            ["eval=[beir]"],
            1,
            r"minilm_scifact\+nfcorpus\.\w{6}",
        ),
        ("bm25", {"xquad_r": {}}, ["eval=[xquad_r]", "backbone.k1=0.9"], 1, r"bm25_xquad_r\.[0-9a-f]{6}"),
    ],
)
def test_readable(backbone: str, benchmarks: dict[str, Any], overrides: list[str], seed: int, name: str) -> None:
    found = evaluation_name(backbone, benchmarks, [f"backbone={backbone}", *overrides], seed)
    assert re.fullmatch(name, found), found


def test_different_commands_never_share_a_name() -> None:
    lists = [["a"], ["b"], ["a", "b"], ["b", "a"], ["a+b"], ["folder"]]
    more = [
        [],
        ["eval.folder.path=x/a"],
        ["eval.folder.path=y/a"],
        ["eval.folder.path=y/a", "backbone.k1=2"],
        ["text.query_length=3"],
    ]
    names: dict[str, object] = {}
    for backbone, listed, other, seed in itertools.product(("bm25", "minilm"), lists, more, (1, 2)):
        path = next((text.partition("=")[2] for text in other if text.startswith("eval.folder.path")), None)
        benchmarks = {one: {"path": path} if one == "folder" else {} for one in listed}
        overrides = [f"backbone={backbone}", f"eval=[{','.join(listed)}]", *other]
        name = evaluation_name(backbone, benchmarks, overrides, seed)
        assert names.setdefault(name, (overrides, seed)) == (overrides, seed)
        assert re.fullmatch(r"[A-Za-z0-9+_.-]+", name)
        assert evaluation_name(backbone, benchmarks, overrides[::-1], seed) == name


def test_a_folder_of_the_earlier_name_is_found_again(tmp_path: Path) -> None:
    config = OmegaConf.create(
        {"output": str(tmp_path), "sweep": "s", "seed": 1, "backbone": {"name": "bm25"}, "eval": {"xquad_r": {}}}
    )
    overrides = ["backbone=bm25", "eval=[xquad_r]"]
    assert evaluation_directory(config, overrides).name == "bm25_xquad_r"
    earlier = point_directory(config, overrides)
    earlier.path.mkdir(parents=True)
    assert evaluation_directory(config, overrides) == earlier
