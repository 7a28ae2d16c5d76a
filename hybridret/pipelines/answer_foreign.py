"""Answers on results that other tools made: run files of TREC and results of mteb."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from hybridret.analysis.foreign.foreign_run import ForeignRun
from hybridret.analysis.foreign.mteb_runs import mteb_runs
from hybridret.analysis.foreign.questions import asker
from hybridret.analysis.foreign.trec_runs import trec_runs
from hybridret.base.bars import Bars
from hybridret.base.errors import UserError, nearest
from hybridret.base.markup import printable
from hybridret.metrics.metric import MONOLINGUAL, SETTINGS
from hybridret.pipelines.answer import check_options, print_answers
from hybridret.reporting.foreign_evidence import ForeignEvidence
from hybridret.reporting.foreign_values import macro_frame, macro_lines
from hybridret.reporting.paper_evidence import ANSWERS, PaperEvidence

#: Options that describe results of other tools.
FOREIGN = ("trec", "qrels", "mteb", "map", "question", "setting", "seed")


def answer_foreign(
    options: argparse.Namespace, permutations: int, resamples: int, claims: Path | None = None
) -> list[str]:
    """As `analyse`, for run files of TREC or results of mteb: their macro averages first.

    Raises UserError on options that do not fit together, and on damaged files.
    """
    check_options(options.only, permutations, resamples)
    if options.paper:
        return _answer_paper(options, permutations, resamples, claims)
    runs = _foreign_runs(options)
    where: Path = (options.trec or options.mteb)[0]
    folder: Path = options.output or (where if where.is_dir() else where.parent) / "analysis"
    evidence = ForeignEvidence(runs, "foreign", folder, permutations, resamples, progress=Bars(), claims=claims)
    if options.dataset:
        evidence = evidence.only(options.dataset)
    return _shown(evidence, folder, options.only)


def _answer_paper(options: argparse.Namespace, permutations: int, resamples: int, claims: Path | None) -> list[str]:
    refuse_options(options, "--paper needs no files, and all its test sets are asked", "sweeps", *FOREIGN, "dataset")
    evidence = PaperEvidence(permutations, resamples, progress=Bars(), claims=claims)
    return _shown(evidence, options.output or Path("multirun") / "paper" / "analysis", options.only or ANSWERS)


def _shown(evidence: ForeignEvidence, folder: Path, only: Sequence[str]) -> list[str]:
    frame = macro_frame(evidence)
    print("Macro averages: the mean over the queries of a language, then over languages. Units are what tests draw.")
    for line in macro_lines(frame):
        print(printable(f"  {line}"))
    for remark in evidence.remarks:
        print(printable(f"  Note: {remark}"))
    return print_answers(evidence, folder, only, {"foreign_values": frame})


def _foreign_runs(options: argparse.Namespace) -> list[ForeignRun]:
    if options.sweeps:
        raise UserError("Name sweeps, or results of other tools with --trec or --mteb, not both at once.")
    if options.trec and options.mteb:
        raise UserError("Name run files with --trec, or results with --mteb, not both at once.")
    if not options.trec and not options.mteb:
        raise UserError("Name the folder of a sweep, such as multirun/default, or results of other tools with --trec.")
    if options.mteb:
        refuse_options(options, "they describe run files of TREC", "qrels", "setting", "seed", "by_tag")
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


def refuse_options(options: argparse.Namespace, why: str, *names: str) -> None:
    """Raises UserError where one of `names` was given, saying `why` that is none of these results."""
    if given := [name for name in names if getattr(options, name)]:
        option = "SWEEP" if given[0] == "sweeps" else f"--{given[0].replace('_', '-')}"
        raise UserError(f"{option} does not go with these results: {why}. Leave it out.")
