"""Ray as an engine: a job for each point, one list for any number of looks, and a keeper for what the cluster loses."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from hybridret.base.errors import UserError
from hybridret.sweep.engines.engine import JobLook, Task
from hybridret.sweep.engines.ray.cancelled import cancel_note, is_cancelled
from hybridret.sweep.engines.ray.client import ADDRESS, Client
from hybridret.sweep.engines.ray.options import RayOptions
from hybridret.sweep.engines.ray.starts import (
    KEEPER,
    TASKS,
    Start,
    full_name,
    look_of,
    parts,
    read_starts,
    start_name,
)
from hybridret.sweep.engines.ray.submission import Submission, keeper_request, requests, write_submission
from hybridret.sweep.engines.task_list import Persistence, TaskList, write_tasks

FOLDER = ".ray"  # below a sweep: files of tasks, the requests of the keeper, and what was cancelled


@dataclass(frozen=True)
class RayEngine:
    """Jobs of existing Ray clusters. `options` matter only to `submit`: the name of a job holds its address. Where that
    does not answer, `RAY_ADDRESS` may say how the same cluster is reached from here."""

    options: RayOptions = field(default_factory=RayOptions)
    name: str = "ray"

    def submit(self, tasks: Sequence[Task]) -> list[str]:
        """Submit a job for each task, then their keeper. Raises UserError where Ray refuses one: those before it are
        stopped."""
        client = Client(self.options.address)
        sweep = tasks[0].run.parent.absolute()
        token = uuid.uuid4().hex[:8]
        word = re.sub(r"[^A-Za-z0-9_-]+", "-", sweep.name)
        bases = [f"{word}-{token}-{number}" for number in range(len(tasks))]
        path, kept = (sweep / FOLDER / f"{what}-{token}.json" for what in ("tasks", "jobs"))
        keeper = f"{word}-{token}-keeper"
        path.parent.mkdir(parents=True, exist_ok=True)
        persistence = Persistence(self.options.retries, self.options.max_requeues)
        write_tasks(path, TaskList(self.name, tuple(tasks), persistence, self.options.container))
        asked = requests(path, [task.resources for task in tasks], bases, keeper, client.address, self.options)
        write_submission(kept, Submission(tuple(asked), self.options.max_requeues, self.options.every))
        submitted: list[str] = []
        try:
            for request in [*asked, keeper_request(kept, keeper, self.options)]:
                client.submit(request)
                submitted.append(str(request["submission_id"]))
        except UserError:
            for one in submitted:
                with suppress(UserError):
                    client.stop(one)
            raise
        return [full_name(base, client.address) for base in bases]

    def look(self, jobs: Sequence[str]) -> dict[str, JobLook]:
        """One list of jobs for each cluster that the names hold."""
        looks: dict[str, JobLook] = {}
        for address, own in _clusters(jobs).items():
            found = _client(address).jobs()
            starts = read_starts(found, own)
            running = {str(one.submission_id) for one in found if str(getattr(one.status, "value", "")) in _ALIVE}
            for base, job in own.items():
                about = _metadata(starts[base])
                cancelled = is_cancelled(about.get(TASKS, ""), base)
                looks[job] = look_of(starts[base], cancelled, about.get(KEEPER, "") in running)
        return looks

    def cancel(self, jobs: Sequence[str]) -> None:
        """Note that they are not to come back, then stop them: a running point has `grace` seconds to save."""
        for address, own in _clusters(jobs).items():
            client = _client(address)
            for base, starts in read_starts(client.jobs(), own).items():
                if not starts:
                    continue
                if tasks := _metadata(starts).get(TASKS):
                    cancel_note(tasks, base)
                if not starts[-1].over:
                    client.stop(start_name(base, len(starts)))


_ALIVE = ("PENDING", "RUNNING")


def _metadata(starts: Sequence[Start]) -> dict[str, str]:
    return dict(starts[0].metadata or {}) if starts else {}


def _clusters(jobs: Sequence[str]) -> dict[str, dict[str, str]]:
    """Jobs by their names within their cluster, for each address."""
    found: dict[str, dict[str, str]] = {}
    for job in jobs:
        base, address = parts(job)
        found.setdefault(address, {})[base] = job
    return found


def _client(address: str) -> Client:
    try:
        return Client(address or None)
    except UserError:
        if not address or not os.environ.get(ADDRESS):
            raise
        return Client()
