"""What `hybridret.analyse` prints and writes: sentences of each answer, tables, and the names of refuted claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from hybridret.base.errors import UserError, nearest
from hybridret.base.markup import printable
from hybridret.reporting.answers.files import write_answers, write_frame
from hybridret.reporting.answers.registry import find_answers, known_answers
from hybridret.reporting.evidence import Evidence


def check_options(only: Sequence[str], permutations: int, resamples: int) -> None:
    """Raises UserError for a name that is no answer, or a number of draws below 100."""
    for name in only:
        if name not in (known := [one.name for one in known_answers()]):
            raise UserError(f"--only {name}: there is no such answer. {nearest(name, known)}")
    for option, count in (("--permutations", permutations), ("--resamples", resamples)):
        if count < 100:
            raise UserError(f"{option} {count}: fewer than 100 draws say nothing; 1,000 is a quick look.")


def print_answers(
    evidence: Evidence, folder: Path, only: Sequence[str], frames: Mapping[str, pd.DataFrame] | None = None
) -> list[str]:
    """Print what the answers find, write their tables and `frames` into `folder`, and return the names of the required
    claims that are refuted. `only`: these answers; none: all."""
    answers = find_answers(evidence, only)
    write_answers(answers, folder)
    for name, frame in (frames or {}).items():
        write_frame(frame, folder / f"{name}.csv")
    for answer, findings in answers.items():
        print(f"\n{printable(answer.title)}")
        for one in findings.sentences:
            print(printable(f"  {one.text}"))
        for remark in findings.remarks:
            print(printable(f"  Note: {remark}"))
    print(f"\nTables: {folder}")
    return [name for one in answers.values() for name in one.broken]
