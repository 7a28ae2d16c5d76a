"""`python -m hybridret.analyse multirun/SWEEP ...`: answers with their uncertainty from the files of sweeps, or from
results that other tools made (`--trec A.run B.run --qrels Q`)."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hybridret.base.errors import DONE, POINT_FAILED, UserError, nearest
from hybridret.base.interruption import interruptible, refuse, work_begins
from hybridret.base.markup import printable

if TYPE_CHECKING:
    import pandas as pd

    from hybridret.analysis.foreign.foreign_run import ForeignRun
    from hybridret.reporting.evidence import Evidence


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the answers and write their tables; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m hybridret.analyse", description=__doc__)
    parser.add_argument("sweeps", type=Path, nargs="*", metavar="SWEEP", help="folder of a sweep: multirun/default")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where to write (default: SWEEP/analysis)")
    parser.add_argument("--dataset", action="append", default=[], metavar="NAME", help="only this test set; repeatable")
    parser.add_argument("--only", action="append", default=[], metavar="ANSWER", help="only this answer; repeatable")
    parser.add_argument("--permutations", type=int, default=10_000, metavar="N", help="draws of a randomization test")
    parser.add_argument("--resamples", type=int, default=2_000, metavar="N", help="draws of a bootstrap")
    parser.add_argument("--claims", type=Path, metavar="FILE", help="claims to judge (default: those of the paper)")
    foreign = parser.add_argument_group("instead of sweeps: results that other tools made")
    foreign.add_argument("--trec", type=Path, nargs="+", metavar="RUN", help="run files, one for each system")
    foreign.add_argument("--qrels", type=Path, metavar="FILE", help="their judgments")
    foreign.add_argument("--mteb", type=Path, nargs="+", metavar="RESULT", help="result files or folders of mteb")
    foreign.add_argument("--map", type=Path, metavar="TSV", help="query_id, question and perhaps its language, by tabs")
    foreign.add_argument("--question", metavar="REGEX", help="finds question and language in query ids: '^(.*)-(..)$'")
    foreign.add_argument("--setting", metavar="NAME", help="of the run files (default: monolingual)")
    foreign.add_argument("--seed", metavar="REGEX", help="finds the seed in the name of a run file: '_seed(.+)$'")
    foreign.add_argument("--by-tag", action="store_true", help="call runs by their tag, not by their file")
    options = parser.parse_args(arguments)
    try:
        work_begins()
        how = options.permutations, options.resamples, options.claims
        if options.trec or options.mteb or not options.sweeps:
            broken = analyse_foreign(options, *how)
        else:
            _refuse_options(options, "they describe results of other tools", *FOREIGN, "by_tag")
            broken = analyse(options.sweeps, options.output, options.dataset, options.only, *how)
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
    from hybridret.reporting.collect import collect
    from hybridret.reporting.evidence import Evidence

    _check(only, permutations, resamples)
    found = [collect(folder) for folder in sweeps]
    if datasets:
        found = [one.only([name for name in datasets if name in one.datasets] or list(datasets)) for one in found]
    evidence = Evidence(found, permutations, resamples, progress=Bars(), claims=claims)
    return _answer(evidence, output or sweeps[0] / "analysis", only)


def analyse_foreign(
    options: argparse.Namespace, permutations: int, resamples: int, claims: Path | None = None
) -> list[str]:
    """As `analyse`, for run files of TREC or results of mteb: their macro averages first.

    Raises UserError on options that do not fit together, and on damaged files.
    """
    from hybridret.base.bars import Bars
    from hybridret.reporting.foreign_evidence import ForeignEvidence
    from hybridret.reporting.foreign_values import macro_frame, macro_lines

    _check(options.only, permutations, resamples)
    runs = _foreign_runs(options)
    where: Path = (options.trec or options.mteb)[0]
    folder: Path = options.output or (where if where.is_dir() else where.parent) / "analysis"
    evidence = ForeignEvidence(runs, "foreign", folder, permutations, resamples, progress=Bars(), claims=claims)
    if options.dataset:
        evidence = evidence.only(options.dataset)
    frame = macro_frame(evidence)
    print("Macro averages: the mean over the queries of a language, then over languages. Units are what tests draw.")
    for line in macro_lines(frame):
        print(printable(f"  {line}"))
    for remark in evidence.remarks:
        print(printable(f"  Note: {remark}"))
    return _answer(evidence, folder, options.only, {"foreign_values": frame})


FOREIGN = ("trec", "qrels", "mteb", "map", "question", "setting", "seed")


def _foreign_runs(options: argparse.Namespace) -> list[ForeignRun]:
    from hybridret.analysis.foreign.mteb_runs import mteb_runs
    from hybridret.analysis.foreign.questions import asker
    from hybridret.analysis.foreign.trec_runs import trec_runs
    from hybridret.metrics.metric import MONOLINGUAL, SETTINGS

    if options.sweeps:
        raise UserError("Name sweeps, or results of other tools with --trec or --mteb, not both at once.")
    if options.trec and options.mteb:
        raise UserError("Name run files with --trec, or results with --mteb, not both at once.")
    if not options.trec and not options.mteb:
        raise UserError("Name the folder of a sweep, such as multirun/default, or results of other tools with --trec.")
    if options.mteb:
        _refuse_options(options, "they describe run files of TREC", "qrels", "setting", "seed", "by_tag")
        known = asker(options.map, options.question) if options.map or options.question else None
        return mteb_runs(options.mteb, known)
    if not options.qrels:
        raise UserError("--trec needs judgments: name their file with --qrels.")
    setting = options.setting or MONOLINGUAL
    if setting not in SETTINGS:
        raise UserError(f"--setting {setting}: there is no such setting. {nearest(setting, SETTINGS)}")
    return trec_runs(
        options.trec,
        options.qrels,
        asker(options.map, options.question),
        by_tag=options.by_tag,
        seed=options.seed,
        setting=setting,
    )


def _refuse_options(options: argparse.Namespace, why: str, *names: str) -> None:
    if given := [name for name in names if getattr(options, name)]:
        raise UserError(f"--{given[0].replace('_', '-')} does not go with these results: {why}. Leave it out.")


def _check(only: Sequence[str], permutations: int, resamples: int) -> None:
    from hybridret.reporting.answers.registry import known_answers

    for name in only:
        if name not in (known := [one.name for one in known_answers()]):
            raise UserError(f"--only {name}: there is no such answer. {nearest(name, known)}")
    for option, count in (("--permutations", permutations), ("--resamples", resamples)):
        if count < 100:
            raise UserError(f"{option} {count}: fewer than 100 draws say nothing; 1,000 is a quick look.")


def _answer(
    evidence: Evidence, folder: Path, only: Sequence[str], frames: Mapping[str, pd.DataFrame] | None = None
) -> list[str]:
    from hybridret.reporting.answers.files import write_answers, write_frame
    from hybridret.reporting.answers.registry import find_answers

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


if __name__ == "__main__":
    sys.exit(interruptible(main))
