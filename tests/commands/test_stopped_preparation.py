"""A stop signal while a run prepares its data: it ends at a safe point, and what is whole is not made again."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from commands import Commands
from test_study import beir, mmarco

from hybridret.data.prepared.shards import JOURNAL

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 75), (signal.SIGINT, 130)])
def test_files_that_are_whole_are_kept(
    command: Commands, tmp_path: Path, number: signal.Signals, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    arguments = (
        *("data=mmarco", f"data.path={mmarco(tmp_path / 'mmarco')}", "data.languages=[de,en]"),
        *("data.validation_questions=20", "model=nano", "sweep=stopped", "logger=none", "eval=[folder]"),
        *(f"eval.folder.path={beir(tmp_path / 'beir')}", "training.steps=2", "training.batch_size=16"),
        *("data.leaks.check=false", "trainer=cpu"),
    )
    environment = {"HYBRIDRET_CACHE": str(cache)}
    hook = {"target": "hybridret.data.mmarco:chosen_texts", "call": 3, "signal": int(number)}
    stopped = command("run", *arguments, folder=tmp_path, hooks=[hook], environment=environment)
    assert stopped.returncode == code, stopped.stderr
    assert "Stopped while mmarco was prepared; files of the copy that are whole are kept. To go on" in stopped.stderr
    assert "Traceback" not in stopped.stderr
    (journal,) = cache.rglob(JOURNAL)
    whole = list(json.loads(journal.read_text())["files"])
    assert whole == ["training-0/queries.de.arrow", "training-0/passages.de.arrow"]
    made = {name: (journal.parent / name).stat().st_mtime_ns for name in whole}
    again = command("run", *arguments, folder=tmp_path, environment=environment)
    assert again.returncode == 0, again.stderr
    (about,) = cache.rglob("prepared.json")
    assert {name: (about.parent / name).stat().st_mtime_ns for name in whole} == made
