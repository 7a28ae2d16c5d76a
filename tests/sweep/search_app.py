"""A Hydra application whose points are computed in the sweep's own process: their values follow from x and y alone.

`ARMED` in the environment says where the process is killed: `before:N` or `after:N`, at the N-th point that it
computes; `hold:N` tells a pipe of that point and waits at another until somebody lets it go on.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

os.environ["HYDRA_FULL_ERROR"] = "1"

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig

from hybridret.base.errors import BAD_INPUT, UserError
from hybridret.config.run_identity import point_directory, point_hash
from hybridret.runs import Decision, State, StatusWriter
from hybridret.runs.pruning import Pruned, read_rule

computed = 0


def armed(moment: str) -> None:
    kind, _, number = os.environ.get("ARMED", "").partition(":")
    if (kind, number) != (moment, str(computed)):
        return
    if kind == "hold":
        Path("held").write_text("x")
        Path("free").read_text()
        return
    os.kill(os.getpid(), signal.SIGKILL)


def rows(x: float, y: float) -> list[dict[str, float | int | str]]:
    """Three validations: mono_mrr rises with x, cross_mrr falls with it; y harms both."""
    values = [(step, step / 3 * (x - y), step / 3 * (1 - x * x - y)) for step in (1, 2, 3)]
    return [{"step": step, "split": "validation", "mono_mrr": a, "cross_mrr": b} for step, a, b in values]


@hydra.main(version_base="1.3", config_path=".", config_name="config")
def main(config: DictConfig) -> None:
    global computed
    run = point_directory(config, HydraConfig.get().overrides.task)
    hashed = point_hash(config)
    with run.lock():
        if run.claim(hashed) is Decision.FINISHED:
            return
        computed += 1
        status = StatusWriter(run.status, hashed)
        status.set(State.RUNNING)
        with open(run.path / "computed.txt", "a") as file:
            file.write(f"{os.getpid()}\n")
        armed("before")
        armed("hold")
        if config.x > 0.9 and config.fails and not Path("cured").exists():
            status.set(State.FAILED, "x is too large")
            return
        rule, seen = read_rule(run.path), []
        for row in rows(config.x, config.y):
            run.append_history(row)
            seen.append(row)
            if rule is not None and (verdict := rule.verdict(seen, 3)):
                status.set(State.SKIPPED, str(Pruned(verdict)))
                return
        metrics = {} if config.unmeasured else {"d/multilingual/map": config.x}
        run.write_result({"config_hash": hashed, "training": {"best_step": 3}, "metrics": metrics})
        status.set(State.FINISHED)
        armed("after")


if __name__ == "__main__":
    try:
        main()
    except (UserError, HydraException) as error:
        sys.stderr.write(f"Error: {' '.join(str(error).split())}\n")
        sys.exit(BAD_INPUT)
