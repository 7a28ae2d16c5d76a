"""Kubernetes as an engine: a Job for each point, two lists for any number of looks."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from hybridret.base.errors import UserError
from hybridret.base.files import write_text
from hybridret.sweep.engines.engine import JobLook, Task
from hybridret.sweep.engines.kubernetes.client import Client
from hybridret.sweep.engines.kubernetes.look import looks
from hybridret.sweep.engines.kubernetes.manifest import Manifest, job_name, manifest
from hybridret.sweep.engines.kubernetes.options import KubernetesOptions
from hybridret.sweep.engines.task_list import Persistence, TaskList, write_tasks

FOLDER = ".kubernetes"  # below a sweep: a manifest and a file of tasks for each Job


@dataclass(frozen=True)
class KubernetesEngine:
    """Jobs are called NAMESPACE/NAME. Of `options`, looks need the context only, and None is the one that is set."""

    options: KubernetesOptions = field(default_factory=KubernetesOptions)
    name: str = "kubernetes"

    def submit(self, tasks: Sequence[Task]) -> list[str]:
        """Write a manifest for each task, and create its Job unless `submit` is false. Raises UserError where one is
        refused: those before it are removed."""
        client = Client(self.options.context) if self.options.submit else None
        namespace = self.options.namespace or (client.namespace if client is not None else "default")
        salt = uuid.uuid4().hex if self.options.submit else ""  # written again, a manifest keeps its name
        found = [self._written(task, namespace, salt) for task in tasks]
        names = [str(one["metadata"]["name"]) for one in found]
        if client is not None:
            for number, one in enumerate(found):
                try:
                    client.create(namespace, one)
                except UserError:
                    for created in names[:number]:
                        with suppress(UserError):
                            client.delete(namespace, created)
                    raise
        return [f"{namespace}/{name}" for name in names]

    def look(self, jobs: Sequence[str]) -> dict[str, JobLook]:
        """Without `submit` nothing is asked and nothing known: a manifest that is written again is the same."""
        if not jobs or not self.options.submit:
            return {}
        client = Client(self.options.context)
        found: dict[str, JobLook] = {}
        for namespace, names in _namespaces(jobs).items():
            for name, look in looks(names, *client.listed(namespace)).items():
                found[f"{namespace}/{name}"] = look
        return found

    def cancel(self, jobs: Sequence[str]) -> None:
        """Remove Jobs: a running point has `grace` seconds to save."""
        client = Client(self.options.context)
        for namespace, names in _namespaces(jobs).items():
            for name in names:
                client.delete(namespace, name)

    def _written(self, task: Task, namespace: str, salt: str) -> Manifest:
        """The Job of a task, written as YAML beside the file that it reads."""
        folder = task.run.parent.absolute() / FOLDER
        (folder / "tasks").mkdir(parents=True, exist_ok=True)
        name = job_name(task.run.parent.name, task.run, salt)
        path = folder / "tasks" / f"{name}.json"  # not beside the manifests: `kubectl apply` would take it for one
        persistence = Persistence(self.options.retries, self.options.max_requeues)
        write_tasks(path, TaskList(self.name, (task,), persistence))
        found = manifest(name, namespace, task.run, path, task.resources, self.options)
        text = yaml.dump(found, Dumper=_Plain, sort_keys=False, allow_unicode=True)
        write_text(folder / f"{name}.yaml", text)
        return found


class _Plain(yaml.SafeDumper):
    """Writes what stands twice twice: people read manifests, and `&id001` tells them nothing."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _namespaces(jobs: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for job in jobs:
        namespace, _, name = job.rpartition("/")
        found.setdefault(namespace or "default", []).append(name)
    return found


def manifests(sweep: Path) -> Path:
    """Where the manifests of a sweep are, for `kubectl apply -f`."""
    return sweep / FOLDER
