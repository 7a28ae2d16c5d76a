"""`python -m hybridret.analyse multirun/SWEEP ...`: answers with their uncertainty from the files of sweeps."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hybridret.base.errors import DONE, UserError, nearest
from hybridret.base.interruption import interruptible, refuse, work_begins
from hybridret.base.markup import printable

if TYPE_CHECKING:
    from hybridret.analysis.pitfalls.texts import QuestionTexts
    from hybridret.reporting.collect import Sweep


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the answers and write their tables; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m hybridret.analyse", description=__doc__)
    parser.add_argument("sweeps", type=Path, nargs="+", metavar="SWEEP", help="folder of a sweep: multirun/default")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where to write (default: SWEEP/analysis)")
    parser.add_argument("--dataset", action="append", default=[], metavar="NAME", help="only this test set; repeatable")
    parser.add_argument("--only", action="append", default=[], metavar="ANSWER", help="only this answer; repeatable")
    parser.add_argument("--permutations", type=int, default=10_000, metavar="N", help="draws of a randomization test")
    parser.add_argument("--resamples", type=int, default=2_000, metavar="N", help="draws of a bootstrap")
    parser.add_argument("--texts", action="store_true", help="read the test sets of the first run again, for pitfalls")
    parser.add_argument("--flips", metavar="RUN", help="only search small edits that flip questions of this run")
    parser.add_argument("--questions", type=int, default=20, metavar="N", help="lost and kept questions of --flips")
    options = parser.parse_args(arguments)
    draws = options.permutations, options.resamples
    try:
        work_begins()
        if options.flips:
            flips(options.sweeps, options.flips, options.dataset, options.questions, options.output)
            return DONE
        analyse(options.sweeps, options.output, options.dataset, options.only, *draws, options.texts)
    except (UserError, KeyboardInterrupt) as error:
        return refuse(error)
    return DONE


def analyse(
    sweeps: Sequence[Path],
    output: Path | None = None,
    datasets: Sequence[str] = (),
    only: Sequence[str] = (),
    permutations: int = 10_000,
    resamples: int = 2_000,
    texts: bool = False,
) -> Path:
    """Print what each answer finds in the folders `sweeps`, write its tables, and return the folder with them.

    `texts`: read the questions of the test sets by the config of the first run, which may start its data source.

    Raises UserError on broken files, an unknown dataset or answer, a number of draws below 100, or when no run is
    finished.
    """
    from hybridret.base.bars import Bars
    from hybridret.reporting.answers.files import write_answers
    from hybridret.reporting.answers.registry import find_answers, known_answers
    from hybridret.reporting.collect import collect
    from hybridret.reporting.evidence import Evidence

    for name in only:
        if name not in (known := [one.name for one in known_answers()]):
            raise UserError(f"--only {name}: there is no such answer. {nearest(name, known)}")
    for option, count in (("--permutations", permutations), ("--resamples", resamples)):
        if count < 100:
            raise UserError(f"{option} {count}: fewer than 100 draws say nothing; 1,000 is a quick look.")
    found = [collect(folder) for folder in sweeps]
    if datasets:
        found = [one.only([name for name in datasets if name in one.datasets] or list(datasets)) for one in found]
    bars = Bars()
    evidence = Evidence(found, permutations, resamples, progress=bars, texts=_texts(found[0]) if texts else None)
    answers = find_answers(evidence, only)
    folder = output or sweeps[0] / "analysis"
    write_answers(answers, folder)
    for answer, findings in answers.items():
        print(f"\n{printable(answer.title)}")
        for one in findings.sentences:
            print(printable(f"  {one.text}"))
        for remark in findings.remarks:
            print(printable(f"  Note: {remark}"))
    print(f"\nTables: {folder}")
    return folder


def flips(
    sweeps: Sequence[Path], run: str, datasets: Sequence[str], questions: int = 20, output: Path | None = None
) -> Path:
    """Search the smallest edits that flip `questions` lost and as many kept questions of a run, print what was found,
    and return the path of the table `pitfalls_flips.csv`.

    Raises UserError for more than one sweep or test set, a run that is not there, or data that is gone.
    """
    from hybridret.base.bars import Bars
    from hybridret.base.files import write_text
    from hybridret.pipelines.flip_questions import flip_questions
    from hybridret.reporting.answers.files import csv_text
    from hybridret.reporting.evidence import SEED

    if len(sweeps) != 1 or len(datasets) != 1:
        raise UserError("--flips searches in one test set of one run: give one SWEEP, and one --dataset NAME.")
    if questions < 1:
        raise UserError(f"--questions {questions}: give at least 1.")
    path = sweeps[0] / run
    if not path.is_dir():
        known = [one.parent.name for one in sorted(sweeps[0].glob("*/result.json"))]
        raise UserError(f"--flips {run}: there is no such run in {sweeps[0]}. {nearest(run, known)}")
    found = flip_questions(path, datasets[0], questions, SEED, Bars())
    file = (output or sweeps[0] / "analysis") / "pitfalls_flips.csv"
    write_text(file, csv_text(found))
    for kind, rows in found.groupby("kind", sort=False):
        flipped = rows[rows["number"].notna()]
        print(
            printable(
                f"{kind}: {len(flipped)} of {len(rows)} questions flip by at most three small edits, "
                f"{int((flipped['number'] == 1).sum())} of them by one."
            )
        )
    print(f"Table: {file}")
    return file


def _texts(sweep: Sweep) -> Callable[[str], QuestionTexts]:
    """Reads a test set by the first finished run of `sweep`."""
    from functools import partial

    from hybridret.components.question_texts import read_texts

    return partial(read_texts, sweep.folder / str(sweep.runs["run"].iloc[0]))


if __name__ == "__main__":
    sys.exit(interruptible(main))
