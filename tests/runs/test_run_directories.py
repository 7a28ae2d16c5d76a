"""Run directories: whose config they hold, what to do in them, their records, their lock."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hybridret.base.errors import UserError
from hybridret.runs import Decision, RunDirectory, State, config_hash, environment

CONFIG = {
    "seed": 1,
    "sweep": "a",
    "output": "multirun",
    "logger": {"mode": "offline"},
    "trainer": {"devices": 1, "strategy": "auto", "workers": 0, "threads": 1, "precision": "32-true"},
    "batching": {"alpha": 1.0, "languages": ["en", "es"]},
}


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory(tmp_path / "sweep" / "run_seed-1")


def test_the_hash_is_of_what_changes_the_result() -> None:
    base = config_hash(CONFIG)
    elsewhere = {"devices": 8, "strategy": "ddp", "workers": 4, "threads": None, "precision": "32-true", "nodes": 2}
    same = {**CONFIG, "sweep": "b", "output": "/x", "logger": None, "trainer": elsewhere, "hydra": {"x": 1}}
    assert config_hash(same) == base
    assert config_hash(dict(reversed(CONFIG.items()))) == base
    assert config_hash({**CONFIG, "batching": {"alpha": 1, "languages": ["en", "es"]}}) == base
    others = [
        {"seed": 2},
        {"trainer": {**CONFIG["trainer"], "precision": "bf16-mixed"}},  # type: ignore[dict-item]
        {"batching": {"alpha": 0.5, "languages": ["en", "es"]}},
        {"batching": {"alpha": 1.0, "languages": ["es", "en"]}},
        {"batching": {"alpha": True, "languages": ["en", "es"]}},
        {"new": None},
        {"batching": {"alpha": 1.0, "languages": ["en", "es"], "logger": 1}},
    ]
    hashes = {config_hash({**CONFIG, **other}) for other in others}
    assert len(hashes | {base}) == len(others) + 1


def test_keys_that_came_later_leave_the_hashes_of_earlier_runs() -> None:
    """The literal is what runs of this config wrote before adapters, recomputed and compiled layers were there."""
    before = {**CONFIG, "training": {"steps": 10, "recompute": False}}
    assert config_hash(before) == "de0a73fdcee2f3a5"
    full, lora = ({"_target_": f"hybridret.encoders.adapters.{name}"} for name in ("full.Full", "lora.LoRA"))
    training = {"steps": 10, "recompute": False, "recompute_layers": False, "compile": False}
    now = {**before, "adapter": full, "training": training}
    assert config_hash(now) == "de0a73fdcee2f3a5"
    others = [
        {"adapter": lora},
        {"adapter": None},
        {"training": {**training, "recompute_layers": True}},
        {"training": {**training, "compile": True}},
        {"training": {**training, "compile": 0}},
        {"training": {**training, "recompute": True}},
        {"compile": False},
    ]
    hashes = {config_hash({**now, **other}) for other in others}
    assert len(hashes | {"de0a73fdcee2f3a5"}) == len(others) + 1


def test_batches_of_earlier_runs_keep_their_hash() -> None:
    """The literal is what runs of this config wrote before languages had an exponent and cross batches pairs."""
    batching: dict[str, object] = {"_target_": "hybridret.batching.hybrid.Hybrid", "alpha": 0.5}
    before = {**CONFIG, "batching": batching}
    assert config_hash(before) == "18e270ae167b9337"

    def changed(**keys: object) -> str:
        return config_hash(
            {**before, "batching": {**before["batching"], "language_exponent": 0.0, "pairs": "all", **keys}}
        )

    assert changed() == changed(language_exponent=0) == "18e270ae167b9337"
    others = [
        {"language_exponent": 0.5},
        {"language_exponent": False},
        {"pairs": "english"},
        {"pairs": ["en-de"]},
        {"pairs": {"en-de": 2}},
        {"pairs": {"en-de": 3}},
    ]
    assert len({changed(**other) for other in others} | {"18e270ae167b9337"}) == len(others) + 1
    assert changed(pairs={"en-de": 2, "de-en": 1}) == changed(pairs={"de-en": 1.0, "en-de": 2.0})


def test_claims(run: RunDirectory) -> None:
    assert run.claim("h") is Decision.FRESH
    run.write_status(State.FAILED, "h", "why")
    run.append_history({"step": 1, "loss": 2.0})
    assert run.decide("h") is Decision.FRESH
    assert run.history.exists()
    assert run.claim("h") is Decision.FRESH
    assert not run.history.exists()  # a start anew does not continue the curve of one that died before a checkpoint

    run.checkpoints.mkdir()
    run.last_checkpoint.touch()
    run.write_status(State.INTERRUPTED, "h")
    run.append_history({"step": 1, "loss": 2.0})
    assert run.claim("h") is Decision.RESUME
    run.write_status(State.QUEUED, "h")
    assert run.claim("h") is Decision.RESUME
    assert run.history.exists()
    with pytest.raises(UserError, match=r"hash h, now other.*sweep=NAME.*delete"):
        run.claim("other")

    run.write_status(State.FINISHED, "h")
    assert run.claim("h") is Decision.RESUME  # only the result makes it finished
    run.write_result({"config_hash": "h"})
    assert run.claim("h") is Decision.FINISHED
    with pytest.raises(UserError, match="another config"):
        run.claim("other")


def test_a_place_in_the_queue_holds_nothing(run: RunDirectory) -> None:
    run.write_status(State.QUEUED, "h")
    assert run.claim("other") is Decision.FRESH
    run.write_status(State.SKIPPED, "h", "no such size")
    assert run.claim("other") is Decision.FRESH


def test_a_checkpoint_of_nobody_is_not_overwritten(run: RunDirectory) -> None:
    run.checkpoints.mkdir(parents=True)
    run.last_checkpoint.touch()
    with pytest.raises(UserError, match="does not say of which config"):
        run.claim("h")


def test_broken_records_name_the_file_and_line(run: RunDirectory) -> None:
    run.path.mkdir(parents=True)
    run.result.write_text("{\n,")
    with pytest.raises(UserError, match=r"result\.json, line 2"):
        run.claim("h")
    run.result.unlink()
    run.history.write_text('{"step": 1}\n{"st\n{"step": 3}\n')
    with pytest.raises(UserError, match=r"history\.jsonl, line 2"):
        run.read_history()


def test_history_is_cut_at_the_step_of_the_checkpoint(run: RunDirectory) -> None:
    run.truncate_history(3)
    run.path.mkdir(parents=True)
    rows = [{"step": step, "split": split} for step in (1, 2, 3, 4) for split in ("train", "validation")]
    for row in rows:
        run.append_history(row)
    with open(run.history, "a") as file:
        file.write('{"step": 5, "lo')  # a kill in the middle of a line
    assert run.read_history() == rows
    run.truncate_history(3)
    assert run.read_history() == rows[:6]
    run.append_history({"step": 4})
    assert run.read_history()[-1] == {"step": 4}


def test_an_unwritable_place_is_the_users_to_mend(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    run = RunDirectory(tmp_path / "file" / "run")
    with pytest.raises(UserError, match="output=FOLDER"):
        run.claim("h")
    with pytest.raises(UserError, match="output=FOLDER"), run.lock():
        pass
    with pytest.raises(UserError, match="Cannot write"):
        run.append_history({"step": 1})


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_the_users_to_mend(run: RunDirectory) -> None:
    run.path.mkdir(parents=True)
    run.history.symlink_to("/dev/full")
    with pytest.raises(UserError, match=r"history\.jsonl: No space left"):
        run.append_history({"step": 1})


HOLDER = """
import sys
from pathlib import Path
from hybridret.runs import RunDirectory
with RunDirectory(Path(sys.argv[1])).lock():
    print("held", flush=True)
    sys.stdin.read()
"""


def _holder(run: RunDirectory) -> subprocess.Popen[str]:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(run.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def test_one_process_at_a_time(run: RunDirectory) -> None:
    with _holder(run) as holder:
        with pytest.raises(UserError, match=rf"process {holder.pid} on .* works on this run"), run.lock():
            pass
        holder.communicate()  # its end of input: it leaves the block
    with run.lock():
        with pytest.raises(UserError, match="in use"), run.lock():
            pass
    with run.lock():
        pass


def test_the_lock_of_a_killed_process_is_taken_over(run: RunDirectory) -> None:
    with _holder(run) as holder:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with run.lock():
        assert json.loads((run.path / ".lock").read_text())["pid"] != holder.pid


def test_environment_is_json_and_names_what_matters() -> None:
    record = json.loads(json.dumps(environment()))
    assert record["python"].startswith("3.")
    assert {"torch", "hydra-core", "numpy"} <= record["packages"].keys()
    assert record["cores"] >= 1
    assert record["memory"] > 10**8
    assert record["git"] is None or len(record["git"]["commit"]) == 40


def test_a_state_whose_link_is_damaged_is_not_thrown_away(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "s" / "a")
    (run.checkpoints / "sharded-8").mkdir(parents=True)
    run.last_checkpoint.symlink_to("sharded-9")
    with pytest.raises(UserError, match="names sharded-9, which is not there"):
        run.claim("h")
    assert (run.checkpoints / "sharded-8").is_dir()
