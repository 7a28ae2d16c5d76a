"""`python -m hybridret.analyse multirun/SWEEP ...`: answers with their uncertainty from the files of sweeps."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from hybridret.base.errors import DONE, POINT_FAILED, UserError, nearest
from hybridret.base.interruption import interruptible, refuse, work_begins
from hybridret.base.markup import printable


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the answers and write their tables; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m hybridret.analyse", description=__doc__)
    parser.add_argument("sweeps", type=Path, nargs="+", metavar="SWEEP", help="folder of a sweep: multirun/default")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where to write (default: SWEEP/analysis)")
    parser.add_argument("--dataset", action="append", default=[], metavar="NAME", help="only this test set; repeatable")
    parser.add_argument("--only", action="append", default=[], metavar="ANSWER", help="only this answer; repeatable")
    parser.add_argument("--permutations", type=int, default=10_000, metavar="N", help="draws of a randomization test")
    parser.add_argument("--resamples", type=int, default=2_000, metavar="N", help="draws of a bootstrap")
    parser.add_argument("--claims", type=Path, metavar="FILE", help="claims to judge (default: those of the paper)")
    options = parser.parse_args(arguments)
    try:
        work_begins()
        broken = analyse(
            options.sweeps,
            options.output,
            options.dataset,
            options.only,
            options.permutations,
            options.resamples,
            options.claims,
        )
    except (UserError, KeyboardInterrupt) as error:
        return refuse(error)
    for name in broken:
        print(printable(f"Refuted, and required: {name}"), file=sys.stderr)
    return POINT_FAILED if broken else DONE


def analyse(
    sweeps: Sequence[Path],
    output: Path | None = None,
    datasets: Sequence[str] = (),
    only: Sequence[str] = (),
    permutations: int = 10_000,
    resamples: int = 2_000,
    claims: Path | None = None,
) -> list[str]:
    """Print what each answer finds in the folders `sweeps`, write its tables, and return the names of the required
    claims that are refuted.

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
    answers = find_answers(Evidence(found, permutations, resamples, progress=bars, claims=claims), only)
    folder = output or sweeps[0] / "analysis"
    write_answers(answers, folder)
    for answer, findings in answers.items():
        print(f"\n{printable(answer.title)}")
        for one in findings.sentences:
            print(printable(f"  {one.text}"))
        for remark in findings.remarks:
            print(printable(f"  Note: {remark}"))
    print(f"\nTables: {folder}")
    return [name for one in answers.values() for name in one.broken]


if __name__ == "__main__":
    sys.exit(interruptible(main))
