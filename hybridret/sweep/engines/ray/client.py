"""Ray's own client, with its errors as one paragraph."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from hybridret.base.errors import UserError

ADDRESS = "RAY_ADDRESS"
DEFAULT = "http://127.0.0.1:8265"


class Client:
    """Jobs of the cluster at `address`. Raises UserError where Ray is not installed, or nothing answers there."""

    def __init__(self, address: str | None = None) -> None:
        asked = address or os.environ.get(ADDRESS) or DEFAULT
        try:
            from ray.job_submission import JobSubmissionClient
        except ImportError as error:
            raise UserError("hydra/launcher=ray needs Ray: pip install 'hybridret[ray]'.") from error
        with answered(asked):
            self._client = JobSubmissionClient(asked)
        self.address = str(self._client.get_address())

    def submit(self, request: Mapping[str, Any]) -> None:
        """Submit a job by the arguments of `JobSubmissionClient.submit_job`."""
        with answered(self.address):
            self._client.submit_job(**request)

    def jobs(self) -> list[Any]:
        """All jobs that the cluster knows, those of others included, as Ray's `JobDetails`."""
        with answered(self.address):
            return list(self._client.list_jobs())

    def stop(self, submission: str) -> None:
        """SIGTERM to a job; one that has ended is left alone."""
        with answered(self.address):
            self._client.stop_job(submission)


@contextmanager
def answered(address: str) -> Iterator[None]:
    """Ray's client raises RuntimeError with an HTTP answer, ConnectionError, or what `requests` raises."""
    try:
        yield
    except (RuntimeError, OSError, ValueError) as error:
        words = " ".join(str(error).split())[:600].rstrip(".")
        raise UserError(
            f"Ray at {address} refused or did not answer: {words}. Give the address of its dashboard as "
            f"hydra.launcher.address=http://HEAD:8265 or in {ADDRESS}."
        ) from error
