"""TREC run files with one file of judgments as runs that can be compared."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from hybridret.analysis.foreign.foreign_run import ForeignRun
from hybridret.analysis.foreign.questions import Asked, own_questions
from hybridret.analysis.foreign.rows import averages, with_questions
from hybridret.analysis.foreign.trec import CUTOFFS, depth, query_values, unanswered, unjudged
from hybridret.base.errors import UserError
from hybridret.data.qrels import read_qrels
from hybridret.data.trec_hits import TrecHits, read_trec_hits
from hybridret.metrics.metric import MONOLINGUAL


def trec_runs(
    paths: Sequence[Path],
    qrels: Path,
    asked: Asked = own_questions,
    *,
    by_tag: bool = False,
    seed: str | None = None,
    setting: str = MONOLINGUAL,
    cutoffs: Sequence[int] = CUTOFFS,
) -> list[ForeignRun]:
    """One run for each file in `paths`, judged by the file `qrels`.

    asked: says which question each query asks. by_tag: a run is called as the last column of its file, else as the
    file. seed: a regular expression with one group; what it matches in the name of a run is taken out, and its group is
    the seed, so that runs of several seeds share a configuration. setting: of queries for which `asked` names no
    language of the passages.
    Raises UserError for damaged files, ids that do not meet, and names that are not clear.
    """
    judgments = read_qrels(qrels, "trec")
    found = []
    depths: dict[str, int] = {}
    for path in paths:
        hits = read_trec_hits(path)
        values = query_values(hits, judgments, cutoffs)
        rows = with_questions(values, asked(list(values["query_id"].cat.categories)), dataset_name(qrels), setting)
        name = _tag(hits) if by_tag else dataset_name(path)
        configuration, own = name_and_seed(name, seed)
        depths[name] = depth(hits)
        remarks = _remarks(name, unanswered(hits, judgments), unjudged(hits, judgments))
        found.append(ForeignRun(name, configuration, own, rows, averages(rows), tuple(remarks)))
    if len(set(depths.values())) > 1:
        listed = ", ".join(f"{name} {count:,}" for name, count in depths.items())
        remark = f"The files hold different numbers of hits of a query ({listed}): a deeper one can only gain in mAP."
        found = [ForeignRun(**{**vars(one), "remarks": (*one.remarks, remark)}) for one in found]
    return found


def dataset_name(path: Path) -> str:
    """The name of a file without its folder and its endings: `miracl-de.qrels.gz` is `miracl-de`.

    >>> dataset_name(Path("runs/bm25.v1.2.run.gz")), dataset_name(Path("dev.txt"))
    ('bm25.v1.2', 'dev')
    """
    name = Path(path).name.removesuffix(".gz")
    for ending in (".run", ".trec", ".qrels", ".txt", ".tsv", ".res"):
        name = name.removesuffix(ending) or name
    return name


def name_and_seed(name: str, pattern: str | None) -> tuple[str, str]:
    """The configuration and seed in the name of a run; without a pattern the name itself and seed 0.

    >>> name_and_seed("mono-s3", r"-s(\\d+)$")
    ('mono', '3')
    """
    if pattern is None:
        return name, "0"
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise UserError(f"--seed {pattern!r} is no regular expression: {error}.") from None
    if expression.groups != 1:
        raise UserError(f"--seed {pattern!r} needs one group in brackets, that of the seed, as in '_seed(\\d+)$'.")
    if (found := expression.search(name)) is None or not found[1]:
        raise UserError(f"--seed {pattern!r} finds no seed in the name {name!r}. Make it fit the names of all runs.")
    rest = name[: found.start()] + name[found.end() :]
    return rest or name, found[1]


def _tag(hits: TrecHits) -> str:
    if len(hits.tags) > 1:
        raise UserError(
            f"{hits.path} has several tags ({hits.tags[0]!r}, {hits.tags[1]!r}), so that it names no single run. Name "
            f"runs by their files, without --by-tag."
        )
    return hits.tags[0]


def _remarks(name: str, missing: int, unknown: int) -> list[str]:
    found = []
    if missing:
        found.append(f"{name} has no hit for {missing:,} judged queries, which count as 0 (as in trec_eval -c).")
    if unknown:
        found.append(f"{name} answers {unknown:,} queries without a relevant passage in the judgments: left out.")
    return found
