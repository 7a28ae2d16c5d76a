"""Commands of the package in processes of their own, without paying for the imports each time, and what they leave."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hybridret.distributed.free_port import free_port

COMMAND = "python -m hybridret.run"

#: One point that takes about a second of CPU, evaluation included; the fixture `train` adds where its data is.
SMALL = (
    "model=nano", "logger=none", "backbone.dropout=0.1", "backbone.vocabulary_size=300", "data=jsonl",
    "training.batch_size=8", "training.steps=6", "training.validate_every=3", "training.validation_batches=2",
    "training.checkpoint_every=3",
)  # fmt: skip


def rows(articles: int = 20) -> list[dict[str, str]]:
    """Parallel question-passage pairs in two languages: articles of two passages each."""
    words = {"en": ("What is in box", "The box holds number"), "de": ("Was ist in Kiste", "Die Kiste enthält Nummer")}
    return [
        {
            "qid": f"q{article}.{number}", "lang": language, "question": f"{question} {article}?",
            "passage": f"{passage} {article * 7 + number}.", "pid": f"p{article}.{number}", "title": f"box {article}",
        }
        for article in range(articles)
        for number in range(2)
        for language, (question, passage) in words.items()
    ]  # fmt: skip


def write_rows(folder: Path, content: list[dict[str, str]]) -> Path:
    """The rows as one JSONL file in `folder`."""
    folder.mkdir()
    lines = [json.dumps(row, ensure_ascii=False) for row in content]
    (folder / "boxes.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@dataclass(frozen=True)
class Answer:
    """`returncode` is negative when a signal ended the process."""

    returncode: int
    stdout: str
    stderr: str


class Commands:
    """`python -m hybridret.MODULE ARGUMENTS` in a folder; see forking.py for what `hooks` do to the process."""

    def __init__(self, server: subprocess.Popen[str]) -> None:
        self._server = server

    def __call__(
        self,
        module: str,
        *arguments: str,
        folder: Path,
        hooks: list[dict[str, Any]] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Answer:
        asked = {"environment": dict(environment or {}), "arguments": arguments, "hooks": hooks or []}
        (answer,) = self._ask(module, folder, [asked])
        return answer

    def together(
        self,
        module: str,
        *arguments: str,
        folder: Path,
        hooks: Mapping[int, list[dict[str, Any]]],
        processes: int = 2,
        launcher: bool = False,
    ) -> list[Answer]:
        """The command as so many ranks; `hooks` by rank. `launcher`: when one ends badly the others get SIGTERM, as
        from torchrun and srun.
        """
        port = str(free_port())
        common = {"WORLD_SIZE": str(processes), "LOCAL_WORLD_SIZE": str(processes)}
        common |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        places = [{**common, "RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(processes)]
        return self._ask(
            module,
            folder,
            [
                {"environment": place, "arguments": arguments, "hooks": hooks.get(rank, [])}
                for rank, place in enumerate(places)
            ],
            launcher,
        )

    def _ask(self, module: str, folder: Path, processes: list[dict[str, Any]], launcher: bool = False) -> list[Answer]:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        request = {"module": f"hybridret.{module}", "folder": str(folder), "ranks": processes, "launcher": launcher}
        self._server.stdin.write(json.dumps(request) + "\n")
        self._server.stdin.flush()
        return [Answer(**one) for one in json.loads(self._server.stdout.readline())]


@dataclass(frozen=True)
class Train:
    """A small run in a folder."""

    command: Commands
    arguments: tuple[str, ...]

    def __call__(self, folder: Path, *more: str, hooks: list[dict[str, Any]] | None = None) -> Answer:
        return self.command("run", *self.arguments, *more, folder=folder, hooks=hooks)


def run_of(folder: Path) -> Path:
    """The one run directory below a working directory."""
    (status,) = folder.glob("multirun/*/*/status.json")
    return status.parent


def paragraph(answer: Answer) -> str:
    """The one line that an error prints."""
    lines = [line for line in answer.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, answer.stderr
    assert lines[0].startswith("Error: ")
    return lines[0]


def status(run: Path) -> dict[str, Any]:
    """The content of status.json."""
    content: dict[str, Any] = json.loads((run / "status.json").read_text())
    return content
