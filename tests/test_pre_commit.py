"""The hooks of .pre-commit-config.yaml are the commands of `make check`."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
CONFIG = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
HOOKS = [hook for repository in CONFIG["repos"] for hook in repository["hooks"]]


def commands(target: str) -> list[str]:
    """What `make TARGET` runs: the commands of its prerequisites, then its own, without files to be made first."""
    rule = re.search(rf"^{target}:([^\n#]*)[^\n]*\n((?:\t[^\n]*\n)*)", MAKEFILE, re.MULTILINE)
    assert rule is not None, target
    before = [name for name in rule[1].split() if not name.startswith("$")]
    own = [line.strip().lstrip("@-").removeprefix("$(BIN)/") for line in rule[2].splitlines()]
    return [command for name in before for command in commands(name)] + own


def test_each_command_of_make_check_is_a_hook_and_no_other() -> None:
    checked = commands("check")
    assert len(checked) >= 4
    assert [hook["entry"] for hook in HOOKS] == checked


def test_hooks_need_no_network_and_look_at_the_whole_project() -> None:
    assert [repository["repo"] for repository in CONFIG["repos"]] == ["local"]
    assert {hook["language"] for hook in HOOKS} == {"system"}
    assert not any(hook["pass_filenames"] for hook in HOOKS)


def test_the_programs_come_with_the_extra_dev() -> None:
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    packages = {"lint-imports": "import-linter", "mkdocs": "mkdocs-material"}
    words = [hook["entry"].split()[0] for hook in HOOKS]
    programs = {"pre-commit", *(packages.get(word, word) for word in words)}
    assert programs - {re.split("[<>=]", one)[0] for one in extra["dev"]} == set()
