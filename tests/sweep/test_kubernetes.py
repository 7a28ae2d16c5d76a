"""`hydra/launcher=kubernetes` on a stand-in of an API server: manifests by the official schema, looks, cancels."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from fake_kubernetes import FakeKubernetes
from stand_in_app import App

from hybridret.base.errors import UserError
from hybridret.runs.job_record import JobRecord, read_job
from hybridret.sweep.engines.engine import JobLook, JobState, Resources, Task
from hybridret.sweep.engines.kubernetes import KubernetesEngine
from hybridret.sweep.engines.kubernetes.look import looks
from hybridret.sweep.engines.kubernetes.manifest import job_name, manifest
from hybridret.sweep.engines.kubernetes.options import KubernetesOptions

kubernetes = pytest.importorskip("kubernetes", reason="the package kubernetes is not installed")
FULL = KubernetesOptions(
    image="registry/hybridret:1",
    volumes={"results": "/work", "data": "/data"},
    env={"HF_HUB_OFFLINE": "1"},
    secrets=["wandb"],
    node_selector={"accelerator": "h100"},
    tolerations=[{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
    service_account="trainer",
    pod={"priorityClassName": "low"},
    keep=3600,
)
NEEDS = Resources(gpus=8, tasks=8, cores=32, memory=64.5, minutes=90)
HERE = Path("/work/multirun/My Sweep_2")


def written(options: KubernetesOptions, resources: Resources) -> dict[str, Any]:
    return manifest("sweep-1", "lab", HERE / "seed-1", HERE / "tasks.json", resources, options)


@pytest.mark.parametrize(
    ("options", "resources"), [(FULL, NEEDS), (KubernetesOptions(image="i"), Resources())], ids=["all", "least"]
)
def test_a_manifest_keeps_to_the_official_schema(options: KubernetesOptions, resources: Resources) -> None:
    """No field is unknown and none of another type; then nothing is lost in the client's own models."""
    schemas = pytest.importorskip("kubernetes_validate", reason="the package kubernetes-validate is not installed")
    job = written(options, resources)
    schemas.validate(job, schemas.latest_version(), strict=True)
    api = kubernetes.client.ApiClient()
    model = api.deserialize(json.dumps(job), "V1Job", "application/json")
    assert api.sanitize_for_serialization(model) == job
    with pytest.raises(schemas.ValidationError):
        schemas.validate({**job, "spec": {**job["spec"], "retries": 2}}, schemas.latest_version(), strict=True)


def test_what_a_point_needs_is_what_its_pod_asks_for() -> None:
    job = written(FULL, NEEDS)
    spec = job["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    assert container["resources"]["limits"] == {"cpu": "32", "memory": "66048Mi", "nvidia.com/gpu": "8"}
    assert container["resources"]["requests"] == container["resources"]["limits"]
    assert (spec["activeDeadlineSeconds"], spec["priorityClassName"]) == (5400, "low")
    assert {"name": "HYBRIDRET_JOB", "value": "lab/sweep-1"} in container["env"]
    assert [mount["mountPath"] for mount in container["volumeMounts"]] == ["/dev/shm", "/work", "/data"]
    assert job["metadata"]["labels"]["hybridret/sweep"] == "My-Sweep_2"
    rules = job["spec"]["podFailurePolicy"]["rules"]
    assert [rule["action"] for rule in rules] == ["Ignore", "FailJob"]
    assert rules[1]["onExitCodes"]["values"] == [1, 2]


def test_names_are_labels_and_the_same_for_the_same_run() -> None:
    long = job_name("Ä sweep_with a very long name " * 4, HERE)
    assert (len(long) <= 63, long == job_name("Ä sweep_with a very long name " * 4, HERE)) == (True, True)
    assert long.replace("-", "").isalnum()
    assert job_name("s", HERE) != job_name("s", HERE, "again")


def pod(phase: str, state: dict[str, Any] | None = None, **status: Any) -> dict[str, Any]:
    containers = [{"name": "point", "state": state}] if state else []
    return {
        "metadata": {"labels": {"job-name": "a"}, "creationTimestamp": "2026-12-01T10:00:00Z"},
        "spec": {"nodeName": "n1"},
        "status": {"phase": phase, "containerStatuses": containers, **status},
    }


KILLED = {
    "terminated": {
        "reason": "OOMKilled", "exitCode": 137,
        "startedAt": "2026-12-01T10:00:00Z", "finishedAt": "2026-12-01T10:01:00Z",
    }
}  # fmt: skip
FULL_NODE = [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}]


@pytest.mark.parametrize(
    ("conditions", "pods", "look"),
    [
        ([], [], JobLook(JobState.PENDING)),
        ([], [pod("Pending", conditions=FULL_NODE)], JobLook(JobState.PENDING, "Unschedulable: 0/3 nodes", "n1", 0.0)),
        ([], [pod("Pending", {"waiting": {"reason": "ImagePullBackOff"}})],
         JobLook(JobState.PENDING, "ImagePullBackOff", "n1", 0.0)),
        ([], [pod("Running")], JobLook(JobState.RUNNING, "", "n1", 0.0)),
        ([], [pod("Failed", KILLED)],
         JobLook(JobState.PENDING, "gets another pod after OOMKilled (exit code 137)", "n1", 60.0)),
        ([{"type": "Complete", "status": "True"}], [pod("Succeeded")], JobLook(JobState.ENDED, "Complete", "n1", 0.0)),
        ([{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}], [pod("Failed", KILLED)],
         JobLook(JobState.ENDED, "BackoffLimitExceeded: OOMKilled (exit code 137)", "n1", 60.0)),
    ],
)  # fmt: skip
def test_looks(conditions: list[dict[str, Any]], pods: list[dict[str, Any]], look: JobLook) -> None:
    job = {"metadata": {"name": "a"}, "spec": {}, "status": {"conditions": conditions}}
    assert looks(["a", "b"], [job], pods) == {"a": look, "b": JobLook(JobState.GONE)}


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeKubernetes]:
    fake = FakeKubernetes(tmp_path)
    monkeypatch.setenv("KUBECONFIG", str(fake.config))
    yield fake
    fake.stop()


def tasks(folder: Path, *names: str) -> list[Task]:
    return [Task(folder / "s" / name, "stand_in", (), Resources(), {}) for name in names]


def test_jobs_are_submitted_looked_at_and_cancelled(cluster: FakeKubernetes, tmp_path: Path) -> None:
    engine = KubernetesEngine(KubernetesOptions(image="i"))
    jobs = engine.submit(tasks(tmp_path, "a", "b"))
    assert sorted(jobs) == sorted(cluster.jobs)
    assert all(job.startswith("lab/s-") for job in jobs)
    assert {look.state for look in KubernetesEngine().look(jobs).values()} == {JobState.PENDING}
    KubernetesEngine().cancel([*jobs, "lab/unheard-of"])
    assert cluster.jobs == {}
    assert all("propagationPolicy=Background" in query for _, query in cluster.deleted)
    assert {look.state for look in KubernetesEngine().look(jobs).values()} == {JobState.GONE}


def test_a_refusal_leaves_nothing_submitted(cluster: FakeKubernetes, tmp_path: Path) -> None:
    cluster.refuse_after = 1
    with pytest.raises(UserError, match="Kubernetes refused: exceeded quota: gpus"):
        KubernetesEngine(KubernetesOptions(image="i")).submit(tasks(tmp_path, "a", "b"))
    assert cluster.jobs == {}
    assert len(cluster.deleted) == 1


def test_a_cluster_that_is_away_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "nothing"))
    with pytest.raises(UserError, match=r"The kubeconfig cannot be used: .* hydra.launcher.submit=false"):
        KubernetesEngine().look(["lab/a"])


@pytest.fixture
def own(app: App) -> App:
    text = (app.folder / "config.yaml").read_text()
    (app.folder / "config.yaml").write_text(text.replace("  launcher: {module: stand_in}\n", ""))
    return app


LAUNCHER = ("-m", "hydra/launcher=kubernetes_types", "hydra.launcher.module=stand_in", "hydra.launcher.image=i")


def record(app: App, name: str) -> JobRecord:
    found = read_job(app.folder / "out" / "s" / f"{name}_seed-1")
    assert found is not None
    return found


@pytest.mark.slow
def test_manifests_alone_need_no_cluster_and_stay_the_same(own: App) -> None:
    written = {}
    for _ in range(2):
        done = own.run(*LAUNCHER, "hydra.launcher.submit=false", "word=a,b", "hydra.launcher.env={X: 1}")
        assert done.returncode == 0, done.stderr
        assert "kubectl apply -f out/s/.kubernetes" in done.stdout
        found = {path.name: path.read_text() for path in (own.folder / "out" / "s" / ".kubernetes").glob("*.yaml")}
        assert len(found) == 2
        assert not written or written == found
        written = found
    name = record(own, "word-b").job.removeprefix("default/")
    assert "&id" not in written[f"{name}.yaml"]  # anchors, which people need not know
    (container,) = yaml.safe_load(written[f"{name}.yaml"])["spec"]["template"]["spec"]["containers"]
    assert {"name": "X", "value": "1"} in container["env"]


@pytest.mark.slow
def test_what_a_pod_runs_is_the_point_again_and_again_until_it_gets_no_further(
    own: App, cluster: FakeKubernetes
) -> None:
    done = own.run(*LAUNCHER, "behaviour=raise,finish", "hydra.launcher.retries=9")
    assert done.returncode == 0, done.stderr
    codes = {}
    for name in ("raise", "finish"):
        job = record(own, f"behaviour-{name}").job
        (container,) = cluster.jobs[job]["spec"]["template"]["spec"]["containers"]
        variables = {one["name"]: one["value"] for one in container["env"]}
        command = [sys.executable, *container["command"][1:]]
        pod = subprocess.run(command, cwd=container["workingDir"], env=own.environment(**variables), check=False)
        codes[name] = pod.returncode
    assert codes == {"raise": 1, "finish": 0}
    assert len(record(own, "behaviour-raise").attempts) == 3
    assert own.json("behaviour-raise_seed-1", "status.json")["reason"].startswith("died 3 times at step 0")


@pytest.mark.slow
@pytest.mark.parametrize(
    "wrong", ["image=null", "limits={nodes: 2}", "grace=0", "submit=false hydra.launcher.wait=true"]
)
def test_a_wrong_key_is_refused(own: App, wrong: str) -> None:
    done = own.run(*LAUNCHER, "word=a", *f"hydra.launcher.{wrong}".split(" hydra", 1)[:1])
    if "wait" in wrong:
        done = own.run(*LAUNCHER, "word=a", "hydra.launcher.submit=false", "hydra.launcher.wait=true")
    assert done.returncode == 2
    assert "hydra.launcher." in done.stderr
    assert "Traceback" not in done.stderr
