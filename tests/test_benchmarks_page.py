"""docs/benchmarks.md names every benchmark, its commands make them, and its commits are those of the code."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from hybridret.config.entry import config_folder
from hybridret.config.instantiate import make
from hybridret.data.benchmarks import beir, miracl_layout, mr_tydi

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    python -m hybridret\.evaluate (.*)$", PAGE, re.MULTILINE)
FETCHED = re.findall(r"^    hf download (\S+) --repo-type dataset --revision (\S+) ", PAGE, re.MULTILINE)


def test_every_benchmark_has_a_section_and_a_command() -> None:
    for path in (Path(config_folder()) / "eval").glob("*.yaml"):
        assert f"\n## {path.stem}\n" in PAGE
        assert f"| `{path.stem}` |" in PAGE
        assert any(f"eval=[{path.stem}]" in command for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_make_their_benchmarks(command: str) -> None:
    with initialize_config_dir(config_folder(), version_base="1.3"):
        chosen = OmegaConf.to_container(compose("evaluate", overrides=shlex.split(command)).eval, resolve=True)
    assert isinstance(chosen, dict)
    assert [make(section, f"eval.{name}") for name, section in chosen.items()]


def test_commits_are_those_of_the_code() -> None:
    known = {miracl_layout.TOPICS, miracl_layout.CORPUS, miracl_layout.HARD_NEGATIVES, mr_tydi.TOPICS, mr_tydi.CORPUS}
    assert set(FETCHED) == known | {(beir.SETS["scifact"].repo, beir.SETS["scifact"].revision)}
