"""Sweeps of one name in different folders, and answers that have nothing to ask, as users of the commands see them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from hybridret.analyse import main
from hybridret.base.errors import UserError
from hybridret.report import main as report
from hybridret.reporting.collect import collect
from hybridret.reporting.distinct_names import distinct_names

QUICK = ["--permutations", "100", "--resamples", "100"]


@pytest.fixture(scope="module")
def twins(fabricate: ModuleType, small: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two sweeps that are called `try`, of two strategies."""
    parent = tmp_path_factory.mktemp("twins")
    folders = parent / "new" / "try", parent / "old" / "try"
    for folder in folders:
        shutil.copytree(small, folder, ignore=shutil.ignore_patterns("*cross*", "*scratch*", "*bm25*", "*seed-3"))
        fabricate.questioned(folder)
    return folders


def test_folders_above_tell_sweeps_of_one_name_apart(twins: tuple[Path, Path], small: Path) -> None:
    made = distinct_names([collect(folder) for folder in (*twins, small)])
    assert [one.name for one in made] == ["new/try", "old/try", "small"]
    assert [one.folder for one in made] == [*twins, small]


def test_a_folder_that_is_given_twice_is_refused(small: Path) -> None:
    with pytest.raises(UserError, match="is given 2 times: its runs would count as so many seeds"):
        distinct_names([collect(small), collect(small / ".." / small.name)])


def test_two_sweeps_of_one_name_are_not_one(twins: tuple[Path, Path], tmp_path: Path) -> None:
    assert main([*map(str, twins), *QUICK, "--only", "significance", "--output", str(tmp_path)]) == 0
    made = pd.read_csv(tmp_path / "significance_comparisons.csv")
    assert set(made["a"]) | set(made["b"]) == {
        f"{one}/try: {of}" for one in ("new", "old") for of in ("mono", "hybrid α=0.5")
    }
    assert set(made["seeds_a"]) == {2}  # four, if they were taken for one


@pytest.mark.slow
def test_a_page_of_two_sweeps_of_one_name_tells_them_apart(twins: tuple[Path, Path], tmp_path: Path) -> None:
    assert report([str(twins[0]), "--compare", str(twins[1]), "--output", str(tmp_path)]) == 0
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "new/try beside old/try" in page


def test_answers_that_have_nothing_to_ask_are_named(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = shutil.copytree(small, tmp_path / "sweep")
    assert main([str(sweep), *QUICK]) == 0
    shown = capsys.readouterr().out
    assert (
        "Nothing to ask of these runs\n  Which differences are real: it needs two configurations with values" in shown
    )
    assert f"{sweep}/backbone-bm25,seed-1/queries.parquet is missing. Evaluate the run again" in shown
    assert "So it is with 6 more runs of 11." in shown


@pytest.mark.parametrize("command", [main, report])
def test_a_folder_that_cannot_be_written_is_known_before_the_work(
    command: Callable[[list[str]], int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    assert command([str(tmp_path / "no_sweep"), "--output", str(file / "new")]) == 2
    assert f"Cannot write in {file}: it is no folder. Choose another folder with --output" in capsys.readouterr().err
    assert command([str(tmp_path / "no_sweep")]) == 2
    assert "is not the folder of a sweep" in capsys.readouterr().err
