"""What `hybridret.analyse` prints and writes: sentences of each answer, tables, and the names of refuted claims."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from hybridret.base.errors import UserError, nearest
from hybridret.base.markup import printable
from hybridret.reporting.answers.answer import Answer, Findings
from hybridret.reporting.answers.files import write_answers, write_frame
from hybridret.reporting.answers.left_out import left_out_remarks
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
    lines = list(_nothing_to_ask(evidence, answers, only))
    if lines:
        print("\nNothing to ask of these runs")
    for line in lines:
        print(printable(f"  {line}"))
    print(f"\nTables: {folder}")
    return [name for one in answers.values() for name in one.broken]


def _nothing_to_ask(evidence: Evidence, answers: Mapping[Answer, Findings], only: Sequence[str]) -> Iterator[str]:
    """Which answers are not there, and what they would need: an answer never goes missing in silence."""
    missing = [one for one in known_answers() if (not only or one.name in only) and one not in answers]
    for one in missing:
        yield f"{one.title}: it needs {one.needs}."
    if not any(one.name == "significance" for one in answers):  # which names these runs itself
        yield from (f"Note: {remark}" for remark in left_out_remarks(evidence))
