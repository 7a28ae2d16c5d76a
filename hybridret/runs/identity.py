"""The identity of a run: directory, hash and strategy."""

from __future__ import annotations

from dataclasses import dataclass

from hybridret.base.files import hash_json
from hybridret.runs.directory import RunDirectory


@dataclass(frozen=True)
class RunIdentity:
    """`directory`: of the run. `config_hash`: of its config. `strategy`: the name of its batch strategy, `untrained`
    for a backbone that is evaluated without training, and the name of a retriever that has no encoder.
    """

    directory: RunDirectory
    config_hash: str
    strategy: str

    @property
    def tracker_id(self) -> str:
        """The id of the run in W&B: the same for its training and for evaluations that are added later."""
        return hash_json([self.directory.sweep, self.directory.name, self.config_hash])
