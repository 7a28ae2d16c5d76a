"""Partition of the rows into training, validation, test and unused rows, with their counts.

The test asks questions that exist in every language, so only articles with such questions can be held out. The test
pool is every passage of the test articles. Nothing is lost silently: each row is in exactly one part.
"""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any

from hybridret.base.errors import UserError, nearest
from hybridret.base.progress import counted
from hybridret.data.assemble import Key, group_of, languages_of_questions, passage_texts, pid_of, question_key
from hybridret.data.lines import Advance, no_progress
from hybridret.data.rows import Row
from hybridret.data.split import TEST, TRAIN, VALIDATION, Shares, connected, split_articles

PARTS = (TRAIN, VALIDATION, TEST)


@dataclass(frozen=True)
class Partition:
    """The rows of the chosen languages by part.

    `incomplete`: questions of test articles that do not exist in every language. `overlap`: rows of datasets that are
    not split, but that share an article with a held-out part. `pools`: per split dataset all rows of its test articles
    (test and incomplete). `complete`: questions that a test may ask. `articles`: counts of all, eligible and per part.
    """

    languages: tuple[str, ...]
    held_out: tuple[str, ...]
    read: int
    train: list[Row]
    validation: list[Row]
    test: list[Row]
    incomplete: list[Row]
    overlap: list[Row]
    pools: dict[str, list[Row]]
    complete: Set[Key]
    articles: dict[str, int]
    dropped_negatives: int

    def summary(self) -> dict[str, Any]:
        """Counts; `rows.read` = rows of the three parts + every count under `dropped_rows`."""
        parts = {TRAIN: self.train, VALIDATION: self.validation, TEST: self.test}
        used = [*self.train, *self.validation, *self.test, *self.incomplete, *self.overlap]
        texts = passage_texts(used)
        repeated = Counter((dataset, language, text) for (dataset, _, language), text in texts.items())
        questions = {question_key(row) for row in used}
        return {
            "languages": list(self.languages),
            "held_out": list(self.held_out),
            "articles": self.articles,
            "rows": {"read": self.read, **{part: len(rows) for part, rows in parts.items()}},
            "dropped_rows": {
                "other_language": self.read - len(used),
                "test_not_in_all_languages": len(self.incomplete),
                "shares_article_with_held_out": len(self.overlap),
            },
            "rows_per_language": {part: self._per_language([row.lang for row in rows]) for part, rows in parts.items()},
            "questions": {part: len({question_key(row) for row in rows}) for part, rows in parts.items()},
            "test_passages": {
                name: self._per_language([language for _, _, language in passage_texts(pool)])
                for name, pool in self.pools.items()
            },
            "dropped_negatives": self.dropped_negatives,
            "passages_that_differ_within_a_pid": sum(
                row.passage != texts[row.dataset, pid_of(row), row.lang] for row in used
            ),
            "passages_that_repeat_another": sum(times - 1 for times in repeated.values()),
            "qids_with_several_pids": len(questions) - len({key[:2] for key in questions}),
        }

    def _per_language(self, found: Sequence[str]) -> dict[str, int]:
        count = Counter(found)
        return {language: count[language] for language in self.languages if count[language]}


def partition(
    all_rows: Sequence[Row],
    languages: tuple[str, ...],
    held_out: Sequence[str] | None,
    shares: Shares,
    complete_test: bool,
    advance: Advance = no_progress,
) -> Partition:
    """Split `all_rows` by article. `held_out` None: the datasets with the most of the chosen `languages`.
    `advance` gets how many more rows were joined to articles, then how many of the chosen ones were split.

    Raises UserError for an unknown dataset, when no question exists in all languages, and for too few articles.
    """
    rows = [row for row in all_rows if row.lang in languages]
    article_of = _articles(all_rows, rows, advance)
    names = _article_names(all_rows, article_of)
    of_dataset: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        of_dataset[row.dataset].add(row.lang)
    split_datasets = _held_out(held_out, of_dataset)
    complete = {
        key
        for key, found in languages_of_questions(rows).items()
        if key[0] in split_datasets and (not complete_test or found == of_dataset[key[0]])
    }
    if not complete:
        raise UserError(_none_complete(rows, languages, split_datasets))
    article_of_group = {(row.dataset, group_of(row)): article_of[row.dataset, pid_of(row)] for row in rows}
    eligible = {article_of_group[dataset, group] for dataset, _, group in complete}
    part_of = split_articles(names, eligible, shares)

    parts: dict[str, list[Row]] = {part: [] for part in (*PARTS, "incomplete", "overlap")}
    pools: dict[str, list[Row]] = {}
    for row in counted(rows, advance):
        part = part_of[article_of[row.dataset, pid_of(row)]]
        if part != TRAIN and row.dataset not in split_datasets:
            part = "overlap"
        elif part == TEST:
            pools.setdefault(row.dataset, []).append(row)
            part = TEST if question_key(row) in complete else "incomplete"
        parts[part].append(row)
    if not parts[TRAIN]:
        raise UserError("No training rows remain beside the held-out articles; choose smaller shares.")
    held = {key for key, article in article_of.items() if part_of[article] != TRAIN}
    training = _without_held_negatives(parts[TRAIN], held, rows)
    return Partition(
        languages=languages,
        held_out=split_datasets,
        read=len(all_rows),
        train=training,
        validation=parts[VALIDATION],
        test=parts[TEST],
        incomplete=parts["incomplete"],
        overlap=parts["overlap"],
        pools=dict(sorted(pools.items())),
        complete=complete,
        articles={
            "all": len(names),
            "eligible": len(eligible),
            **{part: sum(found == part for found in part_of.values()) for part in PARTS},
        },
        dropped_negatives=_negatives(parts[TRAIN]) - _negatives(training),
    )


def _none_complete(rows: Sequence[Row], languages: Sequence[str], names: Sequence[str]) -> str:
    """The error message if no question exists in all `languages`: the data has none, or its pids differ by language."""
    where = f"{', '.join(names)} exists in all of {', '.join(languages)}"
    spoken: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    pids: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows:
        if row.dataset in names:
            spoken[row.dataset, row.qid].add(row.lang)
            pids[row.dataset, row.qid].add(group_of(row))
    if several := [qid for qid, found in spoken.items() if len(found) == len(languages) and len(pids[qid]) > 1]:
        example = next(row for row in rows if (row.dataset, row.qid) == several[0])
        return (
            f"No question of {where}: {len(several)} of {len(spoken)} qids do, but with another pid in each language, "
            f"such as qid {example.qid!r} with {', '.join(map(repr, sorted(pids[several[0]])[:3]))}. Translations of a "
            f"passage share its pid: where pids are counted per language, set data.ignore_pid=true; where qids are, so "
            f"that equal ones are no translations, set data.complete_test=false."
        )
    return (
        f"No question of {where}, so nothing can be held out for test and validation. Choose fewer languages, or set "
        f"complete_test=false."
    )


def with_passage_ids(rows: Sequence[Row]) -> list[Row]:
    """Rows that all have a pid: in a dataset without pids, rows that share a qid or a passage text share a passage."""
    without = [row for row in rows if row.pid is None]
    groups = connected([("qid", row.dataset, row.qid), ("text", row.dataset, row.passage)] for row in without)
    names: dict[int, str] = {}
    for row, group in zip(without, groups, strict=True):
        names[group] = min(names.get(group, row.qid), row.qid)
    numbers = iter(groups)
    return [
        row if row.pid is not None else dataclasses.replace(row, pid=f"passage of {names[next(numbers)]}")
        for row in rows
    ]


def _articles(all_rows: Sequence[Row], rows: Sequence[Row], advance: Advance) -> dict[tuple[str, str], int]:
    """(dataset, pid) -> article, for the chosen rows.

    Articles are joined over the rows of all languages, so that they do not depend on the chosen languages.
    """

    def keys(row: Row) -> list[tuple[str, ...]]:
        found = [("pid", row.dataset, pid_of(row)), ("qid", row.dataset, row.qid), ("text", row.passage)]
        if row.group is not None:
            found.append(("group", row.dataset, row.group))
        return found if row.title is None else [*found, ("title", row.title)]

    numbers = connected(map(keys, counted(all_rows, advance)))
    of_all = {(row.dataset, pid_of(row)): number for row, number in zip(all_rows, numbers, strict=True)}
    return {(row.dataset, pid_of(row)): of_all[row.dataset, pid_of(row)] for row in rows}


def _article_names(all_rows: Sequence[Row], article_of: dict[tuple[str, str], int]) -> dict[int, str]:
    """A name for each article that does not depend on the order of files: its first title, else its first pid."""
    best: dict[int, tuple[bool, str]] = {}
    for row in all_rows:
        article = article_of.get((row.dataset, pid_of(row)))
        if article is not None:
            name = (row.title is None, row.title if row.title is not None else f"{row.dataset}/{pid_of(row)}")
            best[article] = min(best.get(article, name), name)
    return {article: name for article, (_, name) in best.items()}


def _held_out(asked: Sequence[str] | None, of_dataset: dict[str, set[str]]) -> tuple[str, ...]:
    if asked is None:
        most = max(map(len, of_dataset.values()))
        return tuple(sorted(name for name, languages in of_dataset.items() if len(languages) == most))
    for name in asked:
        if name not in of_dataset:
            raise UserError(f"data.held_out: there is no dataset {name!r}. {nearest(name, of_dataset)}")
    if not asked:
        raise UserError("data.held_out must name at least one dataset: validation needs articles of its own.")
    return tuple(sorted(set(asked)))


def _without_held_negatives(training: Sequence[Row], held: Set[tuple[str, str]], rows: Sequence[Row]) -> list[Row]:
    """Training rows without the hard negatives that are passages of held-out articles."""
    if not _negatives(training):
        return list(training)
    held_texts = {row.passage for row in rows if (row.dataset, pid_of(row)) in held}

    def kept(row: Row) -> Row:
        left = tuple((t, pid) for t, pid in row.negatives if t not in held_texts and (row.dataset, pid) not in held)
        return row if len(left) == len(row.negatives) else dataclasses.replace(row, negatives=left)

    return [kept(row) for row in training]


def _negatives(rows: Sequence[Row]) -> int:
    return sum(len(row.negatives) for row in rows)
