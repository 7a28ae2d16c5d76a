"""Damaged run directories, full disks, broken rows and crashes: one paragraph, the right exit code, nothing lost."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import Commands, Train, paragraph, rows, run_of, status, write_rows

from hybridret.base.files import hash_json
from hybridret.runs.look import look
from hybridret.runs.sums import write_result

pytestmark = pytest.mark.slow

STEP = "hybridret.training.checkpoints:Checkpoints.on_train_batch_end"


def content(folder: Path) -> dict[str, bytes]:
    """Every file below a folder; locks come and go."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def edited(path: Path, change: Callable[[Any], Any]) -> None:
    """Change a JSON file; its checksum, where it has one, is that of its new content."""
    content = change(json.loads(path.read_text()))
    if isinstance(content, dict) and content.pop("checksum", None) is not None:
        content["checksum"] = hash_json(content, length=64)
    path.write_text(json.dumps(content))


def architecture(**other: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def change(saved: dict[str, Any]) -> dict[str, Any]:
        body = saved["body"]
        return {**saved, "body": {**body, "architecture": {**body["architecture"], **other}}}

    return change


def sealed(name: str, content: bytes) -> Callable[[Path], object]:
    """Gives a file of a finished run another content, and result.json its checksum."""

    def change(run: Path) -> None:
        (run / name).write_bytes(content)
        write_result(run / "result.json", json.loads((run / "result.json").read_text()))

    return change


BEST = Path("checkpoints", "best")
DAMAGES: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "truncated weights": (
        lambda run: os.truncate(run / BEST / "model.safetensors", 1000),
        ["model.safetensors", "damaged"],
    ),
    "missing weights": (lambda run: (run / BEST / "model.safetensors").unlink(), ["model.safetensors", "missing"]),
    "no checkpoint": (lambda run: (run / BEST / "encoder.json").unlink(), ["encoder.json", "missing"]),
    "another width": (
        lambda run: edited(run / BEST / "encoder.json", architecture(width=32)),
        ["model.safetensors", "does not fit the architecture"],
    ),
    "unknown architecture": (
        lambda run: edited(run / BEST / "encoder.json", architecture(gates=3)),
        ["encoder.json", "gates"],
    ),
    "another kind of body": (
        lambda run: edited(
            run / BEST / "encoder.json", lambda saved: {**saved, "body": {**saved["body"], "kind": "huggingface"}}
        ),
        ["encoder.json", "huggingface"],
    ),
    "no config": (lambda run: (run / "config.yaml").unlink(), ["config.yaml"]),
    "a broken config": (sealed("config.yaml", b"a: [1\nb: }"), ["config.yaml", "cannot be read"]),
    "binary config": (sealed("config.yaml", b"\xff\xfe\x00"), ["config.yaml", "cannot be read"]),
    "a config of something else": (sealed("config.yaml", b"- 1\n"), ["config.yaml is not the config"]),
    "a changed config": (lambda run: (run / "config.yaml").write_text("seed: 1\n"), ["config.yaml is damaged or was"]),
    **{
        f"{key} of another type": (
            lambda run, key=key: edited(run / BEST / "encoder.json", lambda saved: {**saved, key: 3}),
            ["encoder.json", key],
        )
        for key in ("body", "pooling", "text", "files", "append_eos")
    },
    "text of other types": (
        lambda run: edited(
            run / BEST / "encoder.json", lambda saved: {**saved, "text": {**saved["text"], "query_length": "x"}}
        ),
        ["encoder.json", "query_length"],
    ),
    "text with other keys": (
        lambda run: edited(run / BEST / "encoder.json", lambda saved: {**saved, "text": {"length": 3}}),
        ["encoder.json", "text"],
    ),
    "half a config": (sealed("config.yaml", b"seed: 1\n"), ["config.yaml", "lacks", "training"]),
    "an unfinished run": (
        lambda run: ((run / "result.json").unlink(), look(run)),
        ["result.json", "not a finished run"],
    ),
    "a broken result": (lambda run: (run / "result.json").write_text('{\n"a": '), ["result.json, line 2"]),
    "no data any more": (
        lambda run: sealed(
            "config.yaml", (run / "config.yaml").read_bytes().partition(b"\n")[2].replace(b"path: ", b"path: /nowhere")
        )(run),
        ["/nowhere"],
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_run_is_not_evaluated(command: Commands, run_copy: Path, damage: str) -> None:
    break_it, words = DAMAGES[damage]
    break_it(run_copy)
    before = content(run_copy)
    answer = command("evaluate", f"checkpoint='{run_copy}'", folder=run_copy.parent)
    assert answer.returncode == 2, answer.stderr
    for word in words:
        assert word in paragraph(answer)
    assert content(run_copy) == before


def test_a_missing_run_and_a_missing_choice(command: Commands, tmp_path: Path) -> None:
    missing = command("evaluate", "checkpoint=multirun/a/b", folder=tmp_path)
    assert (missing.returncode, "multirun/a/b: there is no such folder" in paragraph(missing)) == (2, True)
    nothing = command("evaluate", folder=tmp_path)
    assert (nothing.returncode, "checkpoint=" in paragraph(nothing)) == (2, True)
    assert not list(tmp_path.iterdir())


def test_an_evaluation_of_the_same_name_is_kept(command: Commands, run_copy: Path) -> None:
    def evaluate(*arguments: str) -> Any:
        return command("evaluate", f"checkpoint='{run_copy}'", *arguments, folder=run_copy.parent)

    assert evaluate("evaluation.settings=[monolingual]").returncode == 0
    before = content(run_copy)
    assert set(before) >= {"evaluations/heldout/metrics.csv", "evaluations/heldout/result.json"}
    assert "nothing to do" in evaluate("evaluation.settings=[monolingual]").stdout
    other = evaluate("evaluation.settings=[cross-lingual]")
    assert other.returncode == 2
    assert "name=NAME" in paragraph(other)
    assert content(run_copy) == before
    assert evaluate("evaluation.settings=[cross-lingual]", "name=cross").returncode == 0
    assert (run_copy / "evaluations" / "cross" / "result.json").is_file()


def test_a_truncated_last_checkpoint_is_named(train: Train, tmp_path: Path) -> None:
    assert train(tmp_path, hooks=[{"target": STEP, "call": 5, "signal": 15}]).returncode == 75
    last = run_of(tmp_path) / "checkpoints" / "last.ckpt"
    os.truncate(last, last.stat().st_size // 2)
    answer = train(tmp_path)
    assert answer.returncode == 2, answer.stderr
    assert "last.ckpt" in paragraph(answer)
    assert "Delete it" in answer.stderr
    assert "last.ckpt" in status(run_of(tmp_path))["reason"]


def test_rows_that_a_crashed_machine_lost_are_counted(train: Train, tmp_path: Path) -> None:
    assert train(tmp_path, hooks=[{"target": STEP, "call": 5, "signal": 15}]).returncode == 75
    curve = run_of(tmp_path) / "history.jsonl"
    lines = curve.read_bytes().splitlines(keepends=True)
    curve.write_bytes(b"".join(lines[:-1]))
    resumed = train(tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    assert f"{curve.relative_to(tmp_path)} has lost 1 of its {len(lines)} rows: the curve has a gap." in resumed.stderr


@pytest.mark.parametrize("limit", [1000, 20_000, 60_000])
def test_no_room_for_a_file(train: Train, tmp_path: Path, limit: int) -> None:
    """No file may grow beyond `limit` bytes: the config, the encoder or the state cannot be written."""
    answer = train(tmp_path, hooks=[{"file_size": limit}])
    assert answer.returncode == 2, answer.stderr
    assert "annot write" in paragraph(answer)
    assert not list(tmp_path.glob("multirun/*/*/result.json"))
    assert not list(tmp_path.glob("multirun/*/*/**/.*.*"))  # no halves of files are left to fill the disk further


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"cannot mount a small disk here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("room", [0, 60_000])
def test_a_full_disk_keeps_what_is_finished(train: Train, disk: Path, room: int) -> None:
    assert train(disk).returncode == 0
    finished = run_of(disk)
    before = content(finished)
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
        file.write(bytes(free - room))
    answer = train(disk, "seed=2")
    assert answer.returncode == 2, answer.stderr
    assert "No space left on device" in paragraph(answer)
    assert content(finished) == before
    filler.unlink()
    again = train(disk, "seed=2")
    assert again.returncode == 0, again.stderr


def test_a_read_only_output(train: Train, disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    answer = train(disk.parent, "output=disk/out")
    assert answer.returncode == 2
    assert "Read-only file system" in paragraph(answer)
    assert "output=FOLDER" in answer.stderr


def test_a_diverging_run_is_a_failed_point_with_advice(train: Train, tmp_path: Path) -> None:
    answer = train(tmp_path, "backbone.sizes.nano.lr=1e38", "training.clip_norm=null")
    assert answer.returncode == 1, answer.stderr
    assert "step" in paragraph(answer)
    assert status(run_of(tmp_path))["state"] == "failed"
    assert status(run_of(tmp_path))["reason"] == paragraph(answer).removeprefix("Error: ")


BROKEN_ROWS: dict[str, tuple[Callable[[str], str], str]] = {
    "broken JSON": (lambda line: line[:-5], "JSON"),
    "a missing field": (lambda line: line.replace('"passage"', '"passag"'), "passage"),
    "an empty passage": (lambda line: json.dumps({**json.loads(line), "passage": " "}), "passage"),
    "a duplicate id": (lambda line: f"{line}\n{line}", "q"),
}


@pytest.mark.parametrize("case", BROKEN_ROWS)
def test_a_broken_row_is_named_by_file_and_line(command: Commands, tmp_path: Path, case: str) -> None:
    break_it, word = BROKEN_ROWS[case]
    file = write_rows(tmp_path / "data", rows()) / "boxes.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines()
    lines[6] = break_it(lines[6])
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    answer = command("run", "model=nano", "data=jsonl", "data.path=data", "logger=none", folder=tmp_path)
    assert answer.returncode == 2, answer.stderr
    assert f"boxes.jsonl, line {8 if 'duplicate' in case else 7}" in paragraph(answer)
    assert word in paragraph(answer)
