"""Bad input that no section checks alone: one paragraph, exit code 2, and nothing on disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import Commands, paragraph

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["~optim._target_"], "optim has no _target_"),
        (
            ["seed=99999999999999999999999"],
            "seed=99999999999999999999999 must be from 0 to 9223372036854775807.",
        ),
        (["sweep=../x"], "sweep='../x': it must be the name of one folder"),
        (["backbone=huggingface"], "backbone.checkpoint has no value"),
        (["data.languages=en"], "data.languages='en': it must be a list, data.languages=[en]"),
        (["sweep=проба"], "Cannot read the override sweep=проба: its value needs quotes. Write 'sweep=\"проба\"'."),
        (["проба=x"], "Cannot read the override проба=x: 'проба' is no key."),
        (["-m", "sweep=проба"], "Cannot read the override sweep=проба: its value needs quotes."),
        (["backbone=all-MiniLM-L6-v2"], "backbone=all-MiniLM-L6-v2: there is no such option. Did you mean 'minilm'?"),
        (["-m", "hydra.launcher.n_jobs=0"], "hydra.launcher.n_jobs=0: at least one point"),
        (["-m", "hydra.launcher.n_jobs=1000"], "hydra.launcher.n_jobs=1000 would start 1000 points at once"),
        (["-m", "hydra.launcher.threads=1000"], "hydra.launcher.threads=1000 would start 1000 threads at once"),
        (["trainer.workers=1000"], "trainer.workers=1000 would start 1000 processes that make batches at once"),
        (["trainer.threads=1000"], "trainer.threads=1000 would start 1000 threads at once"),
        (["-m", "hydra.launcher.n_jobs=abc"], "hydra.launcher.n_jobs=abc: Value 'abc'"),
        (["-m", "seed=-1"], "seed=-1 must be from 0 to"),
        (["-m", "model=tiny,nano", "--cfg", "job"], "Only one of --run, --multirun, --cfg"),
        (["--resolve"], "The --resolve flag can only be used"),
        (["-m", "sweep=/abs"], "sweep='/abs': it must be the name of one folder"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_one_paragraph_and_nothing_written(command: Commands, tmp_path: Path, arguments: list[str], said: str) -> None:
    answer = command("run", *arguments[:1], "logger=none", *arguments[1:], folder=tmp_path)
    assert answer.returncode == 2, answer.stderr
    assert paragraph(answer).startswith(f"Error: {said}")
    assert list(tmp_path.iterdir()) == []
