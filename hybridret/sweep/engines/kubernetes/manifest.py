"""The batch/v1 Job of a point, as the plain dict that its YAML holds.

Who brings a pod back: the process in it tries a point that failed again by itself (`queue/surroundings.py`) and leaves
with 1 or 2 where it does not come back, which fails the Job. Whatever else ends a pod (SIGKILL, no memory, its node)
makes the Job start another one, up to `max_requeues` times; disruptions by the cluster (drain, preemption) do not
count. `kubectl delete job` sends SIGTERM, the point saves, and nothing comes back.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Any

from hybridret.base.errors import BAD_INPUT, POINT_FAILED
from hybridret.runs.job_record import JOB
from hybridret.sweep.engines.engine import Resources
from hybridret.sweep.engines.kubernetes.options import KubernetesOptions

Manifest = dict[str, Any]
MANAGER = "app.kubernetes.io/managed-by"
OURS = "hybridret"
SWEEP = "hybridret/sweep"
RUN = "hybridret/run"  # an annotation: paths are no labels
CONTAINER = "point"
LONGEST = 63  # letters of a label, such as the job's name that its pods have


def job_name(sweep: str, run: Path, salt: str = "") -> str:
    """A name for the Job of a run: the same for the same run and salt."""
    words = re.sub(r"[^a-z0-9]+", "-", sweep.lower()).strip("-") or "sweep"
    hashed = hashlib.sha256(f"{run.absolute()}\0{salt}".encode()).hexdigest()[:12]
    return f"{words[: LONGEST - len(hashed) - 1 - len(OURS) - 1]}-{hashed}"


def manifest(
    name: str, namespace: str, run: Path, tasks: Path, resources: Resources, options: KubernetesOptions
) -> Manifest:
    """The Job `name`, which runs the only task of the file `tasks`."""
    labels = {MANAGER: OURS, SWEEP: label(run.parent.name)}
    codes = {"containerName": CONTAINER, "operator": "In", "values": [POINT_FAILED, BAD_INPUT]}
    spec: Manifest = {
        "completions": 1,
        "parallelism": 1,
        "backoffLimit": options.max_requeues,
        "podReplacementPolicy": "Failed",  # never two pods of a point
        "podFailurePolicy": {
            "rules": [
                {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
                {"action": "FailJob", "onExitCodes": codes},
            ]
        },
        "template": {"metadata": {"labels": labels}, "spec": pod(name, namespace, tasks, resources, options)},
    }
    if options.keep is not None:
        spec["ttlSecondsAfterFinished"] = options.keep
    metadata = {"name": name, "namespace": namespace, "labels": labels, "annotations": {RUN: str(run.absolute())}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}


def pod(name: str, namespace: str, tasks: Path, resources: Resources, options: KubernetesOptions) -> Manifest:
    """The PodSpec. Shared memory is that of the machine, within the memory of the pod: 64 MiB are too few for processes
    that hand batches to each other."""
    wanted = quantities(resources, options.gpu)
    variables = {**options.env, JOB: f"{namespace}/{name}"}
    container: Manifest = {
        "name": CONTAINER,
        "image": options.image,
        "workingDir": os.getcwd(),
        "command": [options.python, "-m", "hybridret.sweep.queue.job", str(tasks.absolute()), "0"],
        "env": [{"name": key, "value": str(value)} for key, value in variables.items()],
        "resources": {"requests": wanted, "limits": wanted},
        "volumeMounts": [
            {"name": "shm", "mountPath": "/dev/shm"},
            *({"name": f"claim-{number}", "mountPath": path} for number, path in enumerate(options.volumes.values())),
        ],
    }
    if options.secrets:
        container["envFrom"] = [{"secretRef": {"name": one}} for one in options.secrets]
    found: Manifest = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": options.grace,
        "automountServiceAccountToken": False,
        "containers": [container],
        "volumes": [
            {"name": "shm", "emptyDir": {"medium": "Memory"}},
            *(
                {"name": f"claim-{number}", "persistentVolumeClaim": {"claimName": claim}}
                for number, claim in enumerate(options.volumes)
            ),
        ],
    }
    if resources.minutes is not None:  # of one pod: the Job starts another one, which goes on
        found["activeDeadlineSeconds"] = 60 * resources.minutes
    if options.node_selector:
        found["nodeSelector"] = {key: str(value) for key, value in options.node_selector.items()}
    if options.tolerations:
        found["tolerations"] = [dict(one) for one in options.tolerations]
    if options.service_account:
        found["serviceAccountName"] = options.service_account
    return {**found, **options.pod}


def quantities(resources: Resources, gpu: str) -> dict[str, str]:
    """What a pod asks for, as Kubernetes writes it."""
    found = {"cpu": str(resources.cores)}
    if resources.memory is not None:
        found["memory"] = f"{max(1, round(resources.memory * 1024))}Mi"
    if resources.gpus:
        found[gpu] = str(resources.gpus)
    return found


def label(text: str) -> str:
    """The text as the value of a label."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text)[:LONGEST].strip("-_.") or "sweep"
