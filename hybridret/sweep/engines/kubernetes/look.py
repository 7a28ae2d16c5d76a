"""What Kubernetes says of Jobs and their pods, as looks at jobs. Pure functions of the objects' YAML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from hybridret.sweep.engines.engine import JobLook, JobState

Object = Mapping[str, Any]
OWNER = "job-name"  # the label that the Job's controller gives its pods; newer clusters have both spellings
OWNERS = ("batch.kubernetes.io/job-name", OWNER)


def looks(names: Iterable[str], jobs: Sequence[Object], pods: Sequence[Object]) -> dict[str, JobLook]:
    """A look at each Job; GONE where there is none of this name."""
    known = {str(job["metadata"]["name"]): job for job in jobs}
    own: dict[str, list[Object]] = {}
    for pod in sorted(pods, key=lambda one: str(one["metadata"].get("creationTimestamp", ""))):
        labels = pod["metadata"].get("labels") or {}
        own.setdefault(str(next((labels[key] for key in OWNERS if key in labels), "")), []).append(pod)
    return {name: _look(known.get(name), own.get(name, [])) for name in names}


def _look(job: Object | None, pods: Sequence[Object]) -> JobLook:
    if job is None:
        return JobLook(JobState.GONE)
    last = pods[-1] if pods else {}
    node = str((last.get("spec") or {}).get("nodeName") or "")
    seconds = sum(_seconds(pod) for pod in pods) if pods else None
    for condition in (job.get("status") or {}).get("conditions") or ():
        if condition.get("status") == "True" and condition.get("type") in ("Complete", "Failed"):
            return JobLook(JobState.ENDED, _why(condition, last), node, seconds)
    if (job.get("spec") or {}).get("suspend"):
        return JobLook(JobState.PENDING, "suspended", node, seconds)
    phase = (last.get("status") or {}).get("phase")
    if phase == "Running":
        return JobLook(JobState.RUNNING, "", node, seconds)
    if phase == "Failed":
        return JobLook(JobState.PENDING, f"gets another pod after {_end(last) or 'a failure'}", node, seconds)
    return JobLook(JobState.PENDING, _waits(last), node, seconds)


def _why(condition: Object, pod: Object) -> str:
    """`Complete`; else the reason of the Job, and how its last pod ended: the first word says whether another start can
    mend it."""
    if condition.get("type") == "Complete":
        return "Complete"
    end = _end(pod)
    return f"{condition.get('reason') or 'FAILED'}{f': {end}' if end else ''}"


def _end(pod: Object) -> str:
    """`OOMKilled (exit code 137)`, `Evicted`, or "" for a pod that has not ended."""
    status = pod.get("status") or {}
    for one in status.get("containerStatuses") or ():
        if ended := (one.get("state") or {}).get("terminated"):
            return f"{ended.get('reason') or 'its end'} (exit code {ended.get('exitCode')})"
    return str(status.get("reason") or "")


def _waits(pod: Object) -> str:
    """Why a pod does not run yet."""
    status = pod.get("status") or {}
    for one in status.get("containerStatuses") or ():
        if waiting := (one.get("state") or {}).get("waiting"):
            return str(waiting.get("reason") or "")
    for condition in status.get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return ": ".join(filter(None, (condition.get("reason"), condition.get("message"))))[:200]
    return ""


def _seconds(pod: Object) -> float:
    """What a pod that has ended ran."""
    total = 0.0
    for one in (pod.get("status") or {}).get("containerStatuses") or ():
        ended = (one.get("state") or {}).get("terminated") or {}
        if ended.get("startedAt") and ended.get("finishedAt"):
            first, last = (datetime.fromisoformat(str(ended[key])) for key in ("startedAt", "finishedAt"))
            total += max(0.0, (last - first).total_seconds())
    return total
