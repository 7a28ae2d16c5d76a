"""`python -m hybridret.mine`, and runs that train with what it mined."""

from __future__ import annotations

import json
import shlex
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from commands import Train, paragraph, rows, run_of, write_rows
from hydra.core.override_parser.overrides_parser import OverridesParser

from hybridret.base.errors import UserError
from hybridret.components.mined_negatives import data_overrides
from hybridret.pipelines.mine_data import mine_data

pytestmark = pytest.mark.slow

DATA = ("data=jsonl", "data.path=boxes")
BM25 = (*DATA, "name=hard", "backbone=bm25", "mining.first=1", "mining.negatives=3")


@pytest.fixture
def boxes(tmp_path: Path) -> Path:
    """A folder with data of its own, so that the copy has no negatives yet."""
    content = [{**row, "passage": f"{row['passage']} ({tmp_path.name})"} for row in rows()]
    write_rows(tmp_path / "boxes", content)
    return tmp_path


@pytest.fixture
def point(train: Train) -> Train:
    """The small run on these data."""
    arguments = [text for text in train.arguments if not text.startswith("data.path=")]
    return Train(train.command, (*arguments, "data.path=boxes", "training.mined=hard"))


def folder_in(stdout: str) -> Path:
    (line,) = [line for line in stdout.splitlines() if line.endswith(".mined/hard")]
    return Path(line)


def test_a_run_trains_with_mined_negatives(boxes: Path, point: Train) -> None:
    mined = point.command("mine", *BM25, folder=boxes)
    assert mined.returncode == 0, mined.stderr
    assert "training.mined=hard" in mined.stdout
    about = json.loads((folder_in(mined.stdout) / "mined.json").read_text())
    assert about["retriever"]["backbone"] == "bm25"
    again = point.command("mine", *BM25, folder=boxes)
    assert (again.returncode, folder_in(again.stdout)) == (0, folder_in(mined.stdout))

    losses = {}
    for count in (0, 2):
        done = point(boxes, f"training.hard_negatives={count}", f"sweep=with{count}")
        assert done.returncode == 0, done.stdout + done.stderr
        (run,) = (boxes / "multirun" / f"with{count}").glob("*/")
        result = json.loads((run / "result.json").read_text())
        assert result["data"]["mined"] == {key: about[key] for key in ("name", "hash", "retriever", "mining")}
        history = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
        losses[count] = [row["loss"] for row in history if "loss" in row]
    assert losses[0] != losses[2] != []


def test_what_is_not_mined_is_named_with_its_command(boxes: Path, point: Train) -> None:
    done = point(boxes)
    assert done.returncode == 2, done.stdout
    _, _, command = done.stderr.partition("python -m hybridret.mine ")
    assert command.split() == ["name=hard", "backbone=bm25", "data=jsonl", "data.path=boxes"]
    assert point.command("mine", *command.split(), "mining.first=1", folder=boxes).returncode == 0
    assert point(boxes).returncode == 0


@pytest.mark.parametrize("path", ["a/b", "with space", "a, b", "it's (1)", "x=y", "[a]", "~/x", "1.50", "true", "a\\"])
def test_the_command_of_an_error_names_the_folder_as_it_is(path: str) -> None:
    spelled = data_overrides({"_target_": "hybridret.data.jsonl.JsonlPairs", "path": path, "languages": ["en", "1"]})
    parsed = OverridesParser.create().parse_overrides(shlex.split(spelled))
    assert {one.key_or_group: one.value() for one in parsed} == {
        "data": "jsonl", "data.path": path, "data.languages": ["en", "1"],
    }  # fmt: skip


def test_a_checkpoint_mines_across_languages_under_a_judge(boxes: Path, whole: Path, point: Train) -> None:
    shutil.copytree(whole, boxes / "run")
    asked = ("name=hard", *DATA, "checkpoint=run", "mining.queries=cross", "mining.first=1", "mining.judge=bm25")
    mined = point.command("mine", *asked, "mining.relative_margin=null", folder=boxes)
    assert mined.returncode == 0, mined.stderr
    folder = folder_in(mined.stdout)
    about = json.loads((folder / "mined.json").read_text())
    assert (about["retriever"]["run"], about["judge"]["backbone"]) == ("run", "bm25")
    found = np.load(folder / "dataset-0" / "negatives.de.npy")
    assert (found >= 0).any()
    other = point.command("mine", *asked[:3], "backbone=minilm", "checkpoint=run", folder=boxes)
    assert (other.returncode, "a checkpoint brings its own" in other.stderr) == (2, True)


def test_a_checkpoint_mines_for_its_own_data(
    boxes: Path, whole: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under a judge that is named by a backbone, and one that is a run, whose configs name no data either."""
    monkeypatch.setenv("HYBRIDRET_CACHE", environment["HYBRIDRET_CACHE"])
    monkeypatch.chdir(boxes)
    shutil.copytree(whole, boxes / "run")
    for judge in ("bm25", "run"):
        rules = (
            "mining.first=1",
            "mining.relative_margin=null",
            "mining.judge_relative_margin=null",
            f"mining.judge={judge}",
        )
        assert mine_data([f"name=own-{judge}-{boxes.name}", "checkpoint=run", *rules]) == 0


def test_a_stopped_mining_goes_on(boxes: Path, point: Train) -> None:
    hook = {"target": "hybridret.mining.shard:Shard.mine", "call": 2, "signal": signal.SIGTERM}
    stopped = point.command("mine", *BM25, folder=boxes, hooks=[hook])
    assert stopped.returncode == 75, stopped.stderr
    assert "Go on with: " in stopped.stderr
    done = point.command("mine", *BM25, folder=boxes)
    assert done.returncode == 0, done.stderr
    assert "backbone=bm25" in stopped.stderr


def test_a_run_is_not_continued_with_other_negatives(boxes: Path, point: Train) -> None:
    mined = point.command("mine", *BM25, folder=boxes)
    hook = {
        "target": "hybridret.training.checkpoints:Checkpoints.on_train_batch_end", "call": 4, "signal": signal.SIGTERM,
    }  # fmt: skip
    assert point(boxes, hooks=[hook]).returncode == 75
    shutil.rmtree(folder_in(mined.stdout))
    other = point.command("mine", *BM25[:-2], "mining.first=2", folder=boxes)
    assert other.returncode == 0, other.stderr
    done = point(boxes)
    assert done.returncode == 2
    assert "The training data changed since" in done.stderr
    shutil.rmtree(folder_in(mined.stdout))
    assert point.command("mine", *BM25, folder=boxes).returncode == 0
    assert point(boxes).returncode == 0
    assert run_of(boxes).joinpath("result.json").is_file()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("backbone=bm25", *DATA), "name has no value"),
        (("name=a/b", "backbone=bm25", *DATA), "name="),
        (("name=hard", *DATA), "Choose what to search with: backbone=NAME"),
        (("name=hard", "backbone=bm25"), "data has no value"),
        ((*BM25, "mining.queries=fr"), "mining.queries=fr: choose same, cross, or a language of the data: de, en"),
        ((*BM25, "mining.first=9", "mining.last=8"), "mining.first=9 is behind mining.last=8"),
        ((*BM25, "mining.last=2"), "mining.negatives=3: the window from 1 to 2 has fewer"),
        ((*BM25, "mining.relative_margin=2"), "mining.relative_margin=2 must be"),
        ((*BM25, "mining.draw=worst"), "mining.draw="),
        ((*BM25, "mining.judge=nothing"), "nothing"),
        ((*BM25, "mining.first=90"), "No question has a hard negative"),
        (("name=hard", "checkpoint=nowhere", *DATA), "checkpoint=nowhere: there is no such folder"),
    ],
    ids=lambda value: value[-1] if isinstance(value, tuple) else "",
)
def test_bad_input_is_named(
    boxes: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], words: str
) -> None:
    monkeypatch.chdir(boxes)
    with pytest.raises(UserError) as refused:
        mine_data(arguments)
    assert words in str(refused.value)


def test_a_wrong_key_is_one_paragraph(boxes: Path, point: Train) -> None:
    answer = point.command("mine", *BM25, "mining.frist=1", folder=boxes)
    assert answer.returncode == 2
    assert "first" in paragraph(answer)
