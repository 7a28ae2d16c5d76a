"""`python -m hybridret.publish multirun/SWEEP/RUN FOLDER`: a run as a folder for sentence-transformers."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from hybridret.base.errors import DONE, UserError
from hybridret.base.interruption import interruptible, refuse, work_begins


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the folder; returns the exit code."""
    from hybridret.config.trust import TRUST_HELP

    parser = argparse.ArgumentParser(prog="python -m hybridret.publish", description=__doc__)
    parser.add_argument("run", type=Path, help="folder of a run, such as multirun/default/RUN")
    parser.add_argument("folder", type=Path, help="a new or empty folder")
    parser.add_argument("--name", metavar="NAME", help="the model's name in its card (default: that of the folder)")
    parser.add_argument("--trust", action="append", default=[], metavar="NAME", help=TRUST_HELP)
    options = parser.parse_args(arguments)
    try:
        work_begins()
        publish(options.run, options.folder, options.name, options.trust)
    except (UserError, KeyboardInterrupt) as error:
        return refuse(error)
    print(f'Wrote {options.folder}. Load it with SentenceTransformer("{options.folder}").')
    return DONE


def publish(run: Path, folder: Path, name: str | None = None, trust: Sequence[str] = ()) -> None:
    """Export the encoder of the best validation of `run`.

    `trust` is what the run may start, as in `open_run`. Raises UserError where the run is missing, damaged, not
    finished or not trained, and as `export_sentence_transformers` does.
    """
    from hybridret.components.open_run import read_config
    from hybridret.encoders.folder import load_encoder
    from hybridret.export.st_folder import export_sentence_transformers
    from hybridret.runs import RunDirectory

    directory = RunDirectory(run)
    if not run.is_dir():
        raise UserError(f"{run}: there is no such folder. Give a run directory, multirun/SWEEP/RUN.")
    result = directory.read_result()
    if result is None:
        raise UserError(f"{run} is not a finished run: it has no result.json. Train it to the end first.")
    if not (result.get("training") or result.get("merge")):
        raise UserError(f"{run} was evaluated without training: there are no weights of its own to publish.")
    config = read_config(directory, trust)
    trusted = "remote_code" in trust
    card = {
        "name": name or folder.resolve().name,
        "result": result,
        "config": config,
        "metrics": _metrics(directory),
        "commands": _commands(run, folder, result.get("merge")),
    }
    export_sentence_transformers(load_encoder(directory.best_checkpoint, trusted), folder, card)


def _metrics(directory: Any) -> Any:
    """The rows of metrics.csv and of evaluations that were added later."""
    import pandas as pd

    from hybridret.runs.sums import check_sum

    files = [directory.metrics, *sorted(directory.path.glob("evaluations/*/metrics.csv"))]
    tables = []
    for file in files:
        check_sum(file)
        try:
            tables.append(pd.read_csv(file, keep_default_na=False, na_values={"cutoff": [""]}))
        except (OSError, ValueError) as error:
            raise UserError(f"{file} cannot be read: {error}. Copy the run directory again.") from error
        if missing := {"dataset", "setting", "query_language", "metric", "cutoff", "value"} - set(tables[-1]):
            raise UserError(f"{file} lacks the columns {', '.join(sorted(missing))}. Copy the run directory again.")
    return pd.concat(tables, ignore_index=True).drop_duplicates(
        ["dataset", "setting", "query_language", "corpus_language", "metric", "cutoff"], keep="last"
    )


def _commands(run: Path, folder: Path, merge: dict[str, Any] | None) -> list[str]:
    """The sweep's command, where the sweep recorded it, that of the `merge` of a merged run, and this one."""
    from hybridret.base.checksums import read_sealed

    made = []
    if (run.parent / "sweep.json").is_file():
        with suppress(UserError):  # only a line of the card: no reason to refuse the export
            sweep = read_sealed(run.parent / "sweep.json", "the summary of a sweep")
            if sweep.get("command"):
                made.append(str(sweep["command"]))
    if merge:
        ends = [f"{end}={run.parent / str(merge[end]['run'])}" for end in ("mono", "cross")]
        made.append(shlex.join(["python", "-m", "hybridret.merge", *ends, f"ratios=[{merge['ratio']:g}]"]))
    return [*made, shlex.join(["python", "-m", "hybridret.publish", str(run), str(folder)])]


if __name__ == "__main__":
    sys.exit(interruptible(main))
