"""`python -m hybridret.analyse multirun/SWEEP ...`: answers with their uncertainty from the files of sweeps, or from
results that other tools made (`--trec A.run B.run --qrels Q`, `--mteb A B`)."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hybridret.base.errors import DONE, POINT_FAILED, UserError, nearest
from hybridret.base.files import check_writable
from hybridret.base.interruption import interruptible, refuse, work_begins
from hybridret.base.markup import printable

if TYPE_CHECKING:
    from hybridret.analysis.pitfalls.texts import QuestionTexts
    from hybridret.reporting.collect import Sweep


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the answers and write their tables; returns the exit code."""
    from hybridret.config.trust import TRUST_HELP

    parser = argparse.ArgumentParser(prog="python -m hybridret.analyse", description=__doc__)
    parser.add_argument("sweeps", type=Path, nargs="*", metavar="SWEEP", help="folder of a sweep: multirun/default")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="where to write (default: SWEEP/analysis; analysis beside the first file of other tools)",
    )
    parser.add_argument("--dataset", action="append", default=[], metavar="NAME", help="only this test set; repeatable")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="ANSWER",
        help="only this answer, such as significance; repeatable, and a wrong name lists all",
    )
    parser.add_argument(
        "--permutations",
        type=int,
        default=10_000,
        metavar="N",
        help="draws of a randomization test (default: %(default)s)",
    )
    parser.add_argument(
        "--resamples", type=int, default=2_000, metavar="N", help="draws of a bootstrap (default: %(default)s)"
    )
    parser.add_argument(
        "--claims",
        type=Path,
        metavar="FILE",
        help="claims to judge (default: those of the paper); exit code 1 where one with `required: true` is refuted",
    )
    parser.add_argument(
        "--texts", action="store_true", help="read the test sets of the first run again: groups of texts in pitfalls"
    )
    parser.add_argument(
        "--flips", metavar="RUN", help="only search edits that flip questions of this run; with --dataset"
    )
    parser.add_argument(
        "--questions",
        type=int,
        default=20,
        metavar="N",
        help="how many lost and how many kept questions of --flips (default: %(default)s)",
    )
    parser.add_argument("--trust", action="append", default=[], metavar="NAME", help=TRUST_HELP)
    foreign = parser.add_argument_group("instead of sweeps: results that other tools made")
    foreign.add_argument("--trec", type=Path, nargs="+", metavar="RUN", help="run files, one for each system")
    foreign.add_argument("--qrels", type=Path, metavar="FILE", help="their judgments")
    foreign.add_argument("--mteb", type=Path, nargs="+", metavar="RESULT", help="result files or folders of mteb")
    foreign.add_argument("--paper", action="store_true", help="the numbers that the paper printed, by language")
    foreign.add_argument("--map", type=Path, metavar="TSV", help="lines query_id, question, language, with tabs")
    foreign.add_argument("--question", metavar="REGEX", help="finds question and language in query ids: '^(.*)-(..)$'")
    foreign.add_argument(
        "--setting", metavar="NAME", help="of queries without a language of passages (default: monolingual)"
    )
    foreign.add_argument("--seed", metavar="REGEX", help="finds the seed in the name of a run file: '_seed(.+)$'")
    foreign.add_argument("--by-tag", action="store_true", help="call runs by their tag, not by their file")
    options = parser.parse_args(arguments)
    try:
        work_begins()
        broken = _asked(options)
    except (UserError, KeyboardInterrupt) as error:
        return refuse(error)
    for name in broken:
        print(printable(f"Refuted, and required: {name}"), file=sys.stderr)
    return POINT_FAILED if broken else DONE


def _asked(options: argparse.Namespace) -> list[str]:
    """Do what the options ask for; the names of required claims that are refuted."""
    from hybridret.pipelines.answer_foreign import FOREIGN, answer_foreign, refuse_options

    how = options.permutations, options.resamples, options.claims
    if options.trec or options.mteb or options.paper or not options.sweeps:
        refuse_options(options, "they look into a sweep", "texts", "flips")
        return answer_foreign(options, *how)
    refuse_options(options, "they describe results of other tools", *FOREIGN, "by_tag")
    check_writable(options.output or options.sweeps[0] / "analysis")
    if options.flips:
        flips(options.sweeps, options.flips, options.dataset, options.questions, options.output, options.trust)
        return []
    return analyse(options.sweeps, options.output, options.dataset, options.only, *how, options.texts, options.trust)


def analyse(
    sweeps: Sequence[Path],
    output: Path | None = None,
    datasets: Sequence[str] = (),
    only: Sequence[str] = (),
    permutations: int = 10_000,
    resamples: int = 2_000,
    claims: Path | None = None,
    texts: bool = False,
    trust: Sequence[str] = (),
) -> list[str]:
    """Print what each answer finds in the folders `sweeps`, write its tables, and return the names of the required
    claims that are refuted. `texts`: read the questions of the test sets by the config of the first run, which may
    start its data source; `trust`: plug-ins that it may start beside those of `conf/`.

    Raises UserError on broken files, an unknown dataset or answer, a folder that is given twice, fewer than 100 draws,
    or when no run is finished.
    """
    from hybridret.base.bars import Bars
    from hybridret.pipelines.answer import check_options, print_answers
    from hybridret.reporting.collect import collect
    from hybridret.reporting.evidence import Evidence

    check_options(only, permutations, resamples)
    found = [collect(folder) for folder in sweeps]
    if datasets:
        found = [one.only([name for name in datasets if name in one.datasets] or list(datasets)) for one in found]
    questions = _texts(found[0], trust) if texts else None
    evidence = Evidence(found, permutations, resamples, progress=Bars(), claims=claims, texts=questions)
    return print_answers(evidence, output or sweeps[0] / "analysis", only)


def flips(
    sweeps: Sequence[Path],
    run: str,
    datasets: Sequence[str],
    questions: int = 20,
    output: Path | None = None,
    trust: Sequence[str] = (),
) -> Path:
    """Search the smallest edits that flip `questions` lost and as many kept questions of a run, print what was found,
    and return the path of the table `pitfalls_flips.csv`.

    Raises UserError for more than one sweep or test set, a run that is not there, or data that is gone.
    """
    from hybridret.base.bars import Bars
    from hybridret.pipelines.flip_questions import flip_questions
    from hybridret.reporting.answers.files import write_frame
    from hybridret.reporting.evidence import SEED

    if len(sweeps) != 1 or len(datasets) != 1:
        raise UserError("--flips searches in one test set of one run: give one SWEEP, and one --dataset NAME.")
    if questions < 1:
        raise UserError(f"--questions {questions}: give at least 1.")
    path = sweeps[0] / run
    if not path.is_dir():
        known = [one.parent.name for one in sorted(sweeps[0].glob("*/result.json"))]
        raise UserError(f"--flips {run}: there is no such run in {sweeps[0]}. {nearest(run, known)}")
    found = flip_questions(path, datasets[0], questions, SEED, Bars(), trust=trust)
    file = (output or sweeps[0] / "analysis") / "pitfalls_flips.csv"
    write_frame(found, file)
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


def _texts(sweep: Sweep, trust: Sequence[str]) -> Callable[[str], QuestionTexts]:
    """Reads a test set by the first finished run of `sweep`."""
    from functools import partial

    from hybridret.components.question_texts import read_texts

    return partial(read_texts, sweep.folder / str(sweep.runs["run"].iloc[0]), trust=trust)


if __name__ == "__main__":
    sys.exit(interruptible(main))
