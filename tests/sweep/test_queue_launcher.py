"""`hydra/launcher=slurm` with stand-ins for SLURM's programs: what is submitted, what is not, and what a job does."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest
from slurm_programs import Programs
from stand_in_app import App

from hybridret.runs.job_record import JobRecord, read_job
from hybridret.sweep.queue.job_processes import from_srun
from hybridret.sweep.queue.own_job import requeue

pytestmark = pytest.mark.slow


class Cluster:
    """The stand-in application on a stand-in cluster."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.programs = Programs(app.folder / "programs")

    def sweep(self, *arguments: str) -> Any:
        launcher = ("hydra/launcher=slurm_types", "hydra.launcher.module=stand_in")
        return self.app.run("-m", *launcher, *arguments, **self.programs.environment)

    def work(self, job: str, **more: str) -> Any:
        return self.programs.run(
            job, self.app.folder, **{**self.app.environment(), **self.programs.environment, **more}
        )

    def run(self, name: str) -> Path:
        return self.app.folder / "out" / "s" / f"{name}_seed-1"

    def record(self, name: str) -> JobRecord:
        found = read_job(self.run(name))
        assert found is not None
        return found

    def status(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.run(name) / "status.json").read_text())
        return found


@pytest.fixture
def cluster(app: App) -> Cluster:
    text = (app.folder / "config.yaml").read_text()
    (app.folder / "config.yaml").write_text(text.replace("  launcher: {module: stand_in}\n", ""))
    return Cluster(app)


def test_a_sweep_is_one_array_and_the_command_returns(cluster: Cluster) -> None:
    done = cluster.sweep("word=a,b", "hydra.launcher.partition=gpu", "hydra.launcher.max_parallel=1")
    assert done.returncode == 0, done.stderr
    assert "2 queued. To look: python -m hybridret.status out/s" in done.stdout
    options = cluster.programs.options("7")
    assert options["array"] == "0-1%1"
    assert (options["partition"], options["job-name"], options["signal"]) == ("gpu", "s", "B:USR1@300")
    assert {"requeue", "open-mode"} <= options.keys()
    assert not {"time", "wckey", "mem", "error"} & options.keys()  # not asked for
    points = cluster.app.points()
    assert [(point["state"], point["job"]) for point in points.values()] == [("queued", "7_0"), ("queued", "7_1")]
    record = cluster.record("word-b")
    assert (record.engine, record.job, record.attempts) == ("slurm", "7_1", ())
    assert "word=b" in record.arguments
    page = (cluster.run("word-b").parent / "status.html").read_text(encoding="utf-8")
    assert "7_0" in page
    assert "7_1" in page


def test_a_job_does_its_point_and_notes_the_attempt(cluster: Cluster) -> None:
    cluster.sweep("word=a,b")
    done = cluster.work("7_1")
    assert done.returncode == 0, done.stderr + done.stdout
    assert json.loads((cluster.run("word-b") / "result.json").read_text())["word"] == "b"
    assert not (cluster.run("word-a") / "result.json").exists()
    (attempt,) = cluster.record("word-b").attempts
    assert (attempt.job, attempt.exit_code, attempt.step_before, attempt.step_after) == ("7_1", 0, 0, 0)
    assert attempt.ended is not None
    again = cluster.work("7_1")
    assert (again.returncode, "finished before" in again.stdout) == (0, True)
    assert len(cluster.record("word-b").attempts) == 1


def test_what_is_finished_waits_or_runs_is_not_submitted_again(cluster: Cluster) -> None:
    cluster.sweep("word=a,b,c")
    cluster.work("7_0")
    (cluster.programs.folder / "queue").write_text("7|1|8|PENDING|Priority||0:00\n")
    (cluster.programs.folder / "accounts").write_text("7_2|TIMEOUT|node1|60\n")
    assert cluster.sweep("word=a,b,c,d").returncode == 0
    assert cluster.programs.options("8")["array"].startswith("0-1%")
    points = cluster.app.points()
    assert {name: (point["state"], point.get("job")) for name, point in points.items()} == {
        "word=a": ("finished", None), "word=b": ("queued", "7_1"), "word=c": ("queued", "8_0"),
        "word=d": ("queued", "8_1"),
    }  # fmt: skip


def test_a_queue_that_does_not_answer_submits_nothing_twice(cluster: Cluster) -> None:
    cluster.sweep("word=a")
    (cluster.programs.folder / "squeue").write_text("#!/usr/bin/env bash\necho 'Unable to contact' >&2; exit 1\n")
    done = cluster.sweep("word=a")
    assert done.returncode == 2
    assert "squeue failed: Unable to contact" in done.stderr
    assert list(cluster.programs.scripts()) == ["7"]


def test_a_refusal_of_sbatch_is_one_paragraph_and_queues_nothing(cluster: Cluster) -> None:
    (cluster.programs.folder / "refusal").write_text("sbatch: error: invalid partition specified: gpu\n")
    done = cluster.sweep("word=a")
    assert done.returncode == 2
    assert "sbatch refused the jobs" in done.stderr
    assert "invalid partition specified: gpu" in done.stderr
    assert "Traceback" not in done.stderr
    assert read_job(cluster.run("word-a")) is None


def test_arrays_are_as_long_as_slurm_allows(cluster: Cluster) -> None:
    assert cluster.sweep("word=a,b,c,d,e").returncode == 0
    arrays = {name: cluster.programs.options(name)["array"] for name in cluster.programs.scripts()}
    assert {name: text.partition("%")[0] for name, text in arrays.items()} == {"7": "0-2", "8": "0-1"}
    assert [cluster.record(f"word-{word}").job for word in "abcde"] == ["7_0", "7_1", "7_2", "8_0", "8_1"]


def test_all_arrays_of_a_command_share_max_parallel(cluster: Cluster) -> None:
    dependency = "+hydra.launcher.more.dependency=afterok:3"
    assert cluster.sweep("word=a,b,c,d,e", "hydra.launcher.max_parallel=1", dependency).returncode == 0
    first, second = cluster.programs.options("7"), cluster.programs.options("8")
    assert (first["array"], second["array"]) == ("0-2%1", "0-1%1")
    assert (first["dependency"], second["dependency"]) == ("afterok:3", "afterany:7,afterok:3")


def test_the_shell_died_before_it_wrote_the_jobs(cluster: Cluster) -> None:
    cluster.sweep("word=a")
    (cluster.run("word-a") / "job.json").unlink()
    assert cluster.work("7_0").returncode == 0
    assert cluster.record("word-a").job == "7_0"
    assert "word=a" in cluster.record("word-a").arguments


@pytest.mark.parametrize(
    ("behaviour", "code", "state"),
    [("raise", 0, "failed"), ("killed", 0, "failed"), ("bad", 2, "failed"), ("skip", 0, "skipped"),
     ("requeue", 75, "interrupted")],
)  # fmt: skip
def test_exit_codes_are_real(cluster: Cluster, behaviour: str, code: int, state: str) -> None:
    """A point that raises or is killed goes back into the queue at first; its job then leaves with 0."""
    cluster.sweep(f"behaviour={behaviour}")
    done = cluster.work("7_0")
    assert (done.returncode, cluster.status(f"behaviour-{behaviour}")["state"]) == (code, state), done.stdout
    assert cluster.programs.calls("scontrol")[1:] == (["requeue 99"] if behaviour in ("raise", "killed") else [])


@pytest.mark.parametrize(("job", "requeued"), [("RUNNING", True), ("COMPLETING", False), ("CANCELLED", False)])
def test_a_signal_to_the_step_alone_is_a_preemption_while_the_job_runs(
    cluster: Cluster, job: str, requeued: bool
) -> None:
    """A job that was cancelled must not come back, although its point was signalled in the same way."""
    cluster.sweep("behaviour=requeue")
    (cluster.programs.folder / "queue").write_text(f"{job}\n")
    assert cluster.work("7_0").returncode == (0 if requeued else 75)
    assert cluster.programs.calls("scontrol")[1:] == (["requeue 99"] if requeued else [])


def stopped_at_its_limit(cluster: Cluster, **more: str) -> int:
    """The exit code of a job that gets SLURM's TERM at its time limit while its point works."""
    fifo = cluster.app.folder / "fifo"
    job = cluster.programs.start("7_0", cluster.app.folder, **{**cluster.app.environment(), **more})
    fifo.read_text()
    job.send_signal(signal.SIGTERM)
    job.communicate(timeout=120)
    return job.returncode


@pytest.fixture
def waiting(cluster: Cluster) -> Cluster:
    """A sweep of one point that works until a signal comes, and a queue that ends its job at the time limit."""
    config = cluster.app.folder / "config.yaml"
    config.write_text(config.read_text().replace("fifo: null", f"fifo: {cluster.app.folder / 'fifo'}"))
    (cluster.programs.folder / "queue").write_text("COMPLETING|TimeLimit\n")
    return cluster


def test_at_its_time_limit_a_job_comes_back_by_itself_until_it_gets_no_further(waiting: Cluster) -> None:
    waiting.sweep("behaviour=wait")
    codes = [stopped_at_its_limit(waiting, SLURM_RESTART_COUNT=str(number)) for number in range(3)]
    assert codes == [0, 0, 1]
    attempts = waiting.record("behaviour-wait").attempts
    assert [(one.exit_code, one.too_short) for one in attempts] == [(75, True)] * 3
    status = waiting.status("behaviour-wait")
    assert (status["state"], "was stopped 3 times at step 0" in status["reason"]) == ("failed", True)
    assert waiting.programs.calls("scontrol")[1:] == ["requeue 99"] * 4  # at TERM, and when the point has saved


def test_the_limit_on_requeues_holds_at_time_limits(waiting: Cluster) -> None:
    waiting.sweep("behaviour=wait", "hydra.launcher.max_requeues=4")
    assert stopped_at_its_limit(waiting, SLURM_RESTART_COUNT="4") == 75
    assert waiting.programs.calls("scontrol")[1:] == []
    assert "4 times, which is the limit" in str(waiting.record("behaviour-wait").attempts[-1].reason)


def test_a_job_that_is_cancelled_does_not_come_back(waiting: Cluster) -> None:
    waiting.sweep("behaviour=wait")
    (waiting.programs.folder / "queue").write_text("COMPLETING|None\n")
    assert stopped_at_its_limit(waiting) == 75
    assert waiting.programs.calls("scontrol")[1:] == []
    assert waiting.status("behaviour-wait")["state"] == "interrupted"


def test_three_deaths_at_the_same_step_stop_with_their_reason(cluster: Cluster) -> None:
    cluster.sweep("behaviour=raise", "hydra.launcher.retries=9")
    codes = [cluster.work("7_0", SLURM_RESTART_COUNT=str(number)).returncode for number in range(3)]
    assert codes == [0, 0, 1]
    status = cluster.status("behaviour-raise")
    assert status["reason"] == "died 3 times at step 0: RuntimeError: a tensor was lost"
    assert status["config_hash"]
    assert cluster.programs.calls("scontrol")[1:] == ["requeue 99"] * 2
    assert [one.exit_code for one in cluster.record("behaviour-raise").attempts] == [1, 1, 1]
    assert cluster.work("7_0").returncode == 1  # and is not started a fourth time
    assert len(cluster.record("behaviour-raise").attempts) == 3


def test_codes_of_srun_are_signals_only_where_there_is_such_a_signal() -> None:
    assert [from_srun(code) for code in (0, 1, 75, 137, 143, 167, 213)] == [0, 1, 75, -9, -15, 167, 213]


def test_a_controller_that_is_away_is_asked_again_but_not_after_a_refusal(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = cluster.programs.folder
    monkeypatch.setenv("PATH", cluster.programs.environment["PATH"])
    monkeypatch.setenv("SLURM_JOB_ID", "99")
    (folder / "scontrol").write_text(
        f"#!/usr/bin/env bash\ncd {folder}\necho x >> asked\n"
        "if [ $(wc -l < asked) -ge $(cat until) ]; then exit 0; fi\ncat words >&2\nexit 1\n"
    )
    away = "slurm_load_jobs error: Unable to contact slurm controller (connect failure)"
    for words, when, answer, times in ((away, 3, True, 3), (away, 99, False, 1), ("Requeue is disabled", 9, False, 1)):
        (folder / "words").write_text(words)
        (folder / "until").write_text(str(when))
        (folder / "asked").write_text("")
        assert requeue(60.0 if when == 3 else 0.0, pause=0.0) is answer
        assert len((folder / "asked").read_text().split()) == times
    (folder / "asked").write_text("")
    (folder / "words").write_text(away)
    assert not requeue(60.0, lambda: True, pause=0.0)  # there is no time left
    (folder / "words").write_text("99: Job is pending execution")
    assert requeue()


def test_where_nothing_can_be_requeued_the_code_says_so(cluster: Cluster) -> None:
    (cluster.programs.folder / "requeue_code").write_text("1")
    cluster.sweep("behaviour=exit")
    assert cluster.work("7_0").returncode == 7


def test_several_devices_are_tasks_of_srun(cluster: Cluster) -> None:
    cluster.sweep("word=a", "hydra.launcher.minutes=4")
    tasks = next((cluster.app.folder / "out" / "s" / ".slurm").glob("tasks-*.json"))
    content = json.loads(tasks.read_text())
    content.pop("checksum")
    content["tasks"][0]["resources"] |= {"nodes": 2, "tasks": 4, "gpus": 4, "cores": 16}
    tasks.write_text(json.dumps(content))
    assert cluster.work("7_0").returncode == 0
    (call,) = cluster.programs.calls("srun")
    assert call.startswith("--kill-on-bad-exit=1 --nodes=2 --ntasks=8 --ntasks-per-node=4 --cpus-per-task=4 --output=")
    assert " -m stand_in word=a " in call


def test_a_file_of_tasks_that_was_changed_is_refused(cluster: Cluster) -> None:
    cluster.sweep("word=a")
    tasks = next((cluster.app.folder / "out" / "s" / ".slurm").glob("tasks-*.json"))
    tasks.write_text(tasks.read_text().replace("word=a", "word=z"))
    done = cluster.work("7_0")
    assert done.returncode == 2
    assert "is damaged or was changed" in done.stderr


def test_following_ends_with_the_outcome_of_each_job(cluster: Cluster) -> None:
    """They were submitted before and have ended when it looks."""
    cluster.sweep("behaviour=finish,bad", "word=a")
    for job, code in (("7_0", 0), ("7_1", 2)):
        assert cluster.work(job).returncode == code
    (cluster.programs.folder / "accounts").write_text("8_0|CANCELLED by 0|None assigned|0\n")
    done = cluster.sweep("word=d", "hydra.launcher.wait=true", "hydra.launcher.every=0.1")
    assert done.returncode == 75, done.stderr
    assert "slurm: CANCELLED" in done.stdout
    assert cluster.app.points()["word=d"]["state"] == "interrupted"


@pytest.mark.parametrize(
    "wrong", ["minutes=0", "limits={gpu: 3}", "max_parallel=0", "retries=-1", "every=0", "memory=lots"]
)
def test_a_wrong_key_is_refused(cluster: Cluster, wrong: str) -> None:
    done = cluster.sweep("word=a", f"hydra.launcher.{wrong}")
    assert done.returncode == 2
    assert wrong.partition("=")[0] in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_is_submitted_where_nothing_fits(cluster: Cluster) -> None:
    text = (cluster.app.folder / "stand_in.py").read_text()
    hook = 'def resources(points, asked, limits):\n    return ["fits no node: too large"] * len(points)\n\n\n'
    (cluster.app.folder / "stand_in.py").write_text(text.replace("@hydra.main", hook + "@hydra.main"))
    done = cluster.sweep("word=a")
    assert done.returncode == 1
    assert cluster.status("word-a")["reason"] == "fits no node: too large"
    assert cluster.programs.calls("sbatch") == []
