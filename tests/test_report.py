"""The entries `report` and `search`: arguments, output, exit codes."""

from __future__ import annotations

import importlib.util
import io
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from hybridret import report, search
from hybridret.base.errors import UserError
from hybridret.base.progress import Quiet
from hybridret.base.records import Collection

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    spec = importlib.util.spec_from_file_location("fabricate", HERE / "reporting" / "fabricate.py")
    assert spec is not None
    assert spec.loader is not None
    fabricate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fabricate)
    folder = tmp_path_factory.mktemp("multirun") / "tiny"
    for strategy in ("mono", "cross"):
        fabricate.run(folder, strategy, 1, datasets={"one": ("en", "de"), "two": ("en", "de")})
    fabricate.unfinished(folder, "hybrid,seed-1", "failed", "no [memory]")
    return folder


def test_report_writes_the_page_and_prints_the_summary(sweep: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report.main([str(sweep)]) == 0
    out = capsys.readouterr().out
    assert (sweep / "report" / "report.html").is_file()
    assert str(sweep / "report" / "report.html") in out
    assert "rank distance" in out
    assert "hybrid,seed-1: failed (no [memory])" in out
    assert report.main([str(sweep)]) == 0  # its own folder does not disturb it


def test_report_of_one_dataset_elsewhere(sweep: Path, tmp_path: Path) -> None:
    assert report.main([str(sweep), "--output", str(tmp_path / "r"), "--dataset", "two"]) == 0
    names = {file.name for file in (tmp_path / "r" / "tables").iterdir()}
    assert "main_two.csv" in names
    assert "main_one.csv" not in names


def test_report_beside_another_sweep(sweep: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [str(sweep), "--output", str(tmp_path / "r"), "--dataset", "one"]
    assert report.main([*arguments, "--compare", str(tmp_path / "absent")]) == 2
    assert "absent" in capsys.readouterr().err
    other = shutil.copytree(sweep, tmp_path / "other")  # one folder given twice is refused
    assert report.main([*arguments, "--compare", str(other)]) == 0
    page = (tmp_path / "r" / "report.html").read_text(encoding="utf-8")
    assert 'data-sweep="1"' in page
    assert "tiny beside other" in page


@pytest.mark.parametrize("arguments", [["absent"], [".", "--dataset", "x"]])
def test_bad_input_is_one_line_and_exit_code_2(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert report.main(arguments) == 2
    assert capsys.readouterr().err.startswith("Error: ")


def test_a_folder_that_is_absent_lists_nothing_of_the_root(capsys: pytest.CaptureFixture[str]) -> None:
    assert report.main(["/no-such-sweep"]) == 2
    assert capsys.readouterr().err == (
        "Error: /no-such-sweep is not the folder of a sweep: it does not exist. "
        "Give the folder of a sweep, such as multirun/default: it holds one folder per run.\n"
    )


@pytest.mark.parametrize("entry", ["report", "search"])
def test_help_does_not_import_torch(entry: str) -> None:
    code = (
        f"import sys, hybridret.{entry} as e\ntry: e.main(['--help'])\nexcept SystemExit: pass\n"
        "assert not {'torch', 'pandas', 'hydra'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


class Letters:
    """A stand-in encoder: counts of letters, unit norm. Ids are code points."""

    def queries(self, texts: list[str]) -> list[np.ndarray]:
        return [np.array([ord(c) % 64 for c in text], dtype=np.int32) for text in texts]

    def passages(self, texts: list[str], contexts: list[str] | None = None) -> list[np.ndarray]:
        return self.queries(texts)

    def pad(self, rows: list[np.ndarray]) -> tuple[torch.Tensor, torch.Tensor]:
        width = max(len(row) for row in rows)
        ids, mask = torch.zeros(len(rows), width, dtype=torch.long), torch.zeros(len(rows), width, dtype=torch.long)
        for i, row in enumerate(rows):
            ids[i, : len(row)], mask[i, : len(row)] = torch.from_numpy(row.astype(np.int64)), 1
        return ids, mask


class Counter(torch.nn.Module):
    tokenization = Letters()
    dimension = 64

    def __init__(self) -> None:
        super().__init__()
        self.one = torch.nn.Parameter(torch.ones(()))

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        hot = torch.nn.functional.one_hot(input_ids, 64) * attention_mask.unsqueeze(-1)
        return torch.nn.functional.normalize(hot.sum(1).float() * self.one, dim=-1)


PASSAGES = ("the cat", "die katze", "el gato", "aaa", "the act")


def collection() -> Collection:
    none = np.zeros(0, dtype=np.int64)
    return Collection(
        name="toy", languages=("en", "de", "es"), query_ids=(), queries=(), query_languages=none, questions=none,
        passage_ids=("p0", "p1", "p2", "p3", "p4"), passages=PASSAGES, passage_languages=np.array([0, 1, 2, 1, 0]),
        relevant_queries=none, relevant_passages=none, grades=none,
    )  # fmt: skip


def test_search_finds_the_nearest_with_ties_by_id_descending() -> None:
    hits = search.index(Counter(), collection(), 3, None, Quiet())("the cat")
    assert [(hit.passage_id, hit.language) for hit in hits[:2]] == [("p4", "en"), ("p0", "en")]
    assert hits[0].score == pytest.approx(1.0)
    assert len(hits) == 3


def test_search_in_some_languages() -> None:
    hits = search.index(Counter(), collection(), 9, ["de"], Quiet())("aaa")
    assert [hit.text for hit in hits] == ["aaa", "die katze"]
    hits = search.index(Counter(), collection(), 9, ["deu-Latn"], Quiet())("aaa")
    assert [hit.text for hit in hits] == ["aaa", "die katze"]
    with pytest.raises(UserError, match="no 'fr' in"):
        search.index(Counter(), collection(), 9, ["fr"], Quiet())
    with pytest.raises(UserError, match="Did you mean 'toy'"):
        search.chosen([collection()], "tay", Path("run"))


def test_search_answers_piped_lines_and_one_query(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []

    def searcher(run: Path, k: int, languages: object, dataset: object, trust: object) -> object:
        return lambda question: (asked.append(question), [search.Hit(0.5, "de", "p", "ein\nText")])[1]

    monkeypatch.setattr(search, "searcher", searcher)
    monkeypatch.setattr(sys, "stdin", io.StringIO("first\n\n second \n"))
    assert search.main(["run"]) == 0
    assert search.main(["run", "--query", "third"]) == 0
    assert asked == ["first", "second", "third"]
    assert "  1   0.500  de  ein Text" in capsys.readouterr().out


def test_search_exit_codes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert search.main([str(tmp_path / "absent"), "--query", "x"]) == 2
    assert search.main([str(tmp_path), "--k", "0"]) == 2
    assert capsys.readouterr().err.count("Error: ") == 2

    def interrupted(*arguments: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(search, "searcher", interrupted)
    assert search.main(["run"]) == 130
