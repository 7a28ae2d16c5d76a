"""Train splits of BEIR's sets (https://arxiv.org/abs/2104.08663), and of any folder with the same layout.

`corpus.jsonl`, `queries.jsonl` and `qrels/train.tsv` (`.jsonl` and `.parquet` on the hub) are located and read as for
the evaluation, from the same pinned commits; the corpus is streamed. Rows of a folder may have a field `language`, as
in `eval=folder`: then a set has several languages, and a question takes the relevant passages in its own language.

Verified without a connection to the hub: `qrels/train` of nfcorpus, hotpotqa and msmarco from the hub's own listings
and data cards, and that the copies of nq, quora and dbpedia have none from discussions there; that BEIR publishes the
train split of nq as an archive of its own, `nq-train.zip` with another corpus, from answers of its author. Not
verified: that of fever, fiqa and scifact, which BEIR's table names, and the bytes themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import Any

from hybridret.base.errors import UserError, nearest, refusals
from hybridret.base.languages import check_language
from hybridret.base.progress import Progress
from hybridret.base.ranges import checked
from hybridret.data.beir_layout import CORPUS, QUERIES, BeirFiles, beir_files, unread_fields
from hybridret.data.beir_location import elsewhere, location_of
from hybridret.data.benchmarks.beir import SETS
from hybridret.data.hub import fetch
from hybridret.data.joining import matched
from hybridret.data.qrels import read_qrels
from hybridret.data.train_splits.chosen_rows import chosen_rows
from hybridret.data.train_splits.judged_language import (
    JudgedLanguage,
    Limits,
    Negatives,
    Passages,
    Positives,
    ValidationQuestions,
    judged_language,
)
from hybridret.data.train_splits.streamed_split import probes, write_split

KEY, SPLIT = "data", "train"
VERSION = 1  # of the reading: raise it when the same files would give other pairs
ON_THE_HUB = ("fever", "fiqa", "hotpotqa", "msmarco", "nfcorpus", "scifact")
FILES = [CORPUS, QUERIES, f"qrels/{SPLIT}.jsonl"]


@checked(KEY)
class BeirTrain:
    """A dataset `beir_NAME` for each set, streamed into a prepared copy; every question exists in one language.

    names: names of the sets; from the hub those of `ON_THE_HUB`, from a folder any.
    path: a folder with PATH/NAME/{corpus.jsonl,queries.jsonl,qrels/train.tsv}, plain or .gz, or with PATH/NAME.zip; for
    a single set also its folder or archive itself. None: the hub.
    language: the language of rows without the field `language`.
    validation_questions: pairs that are held out in each set and language, drawn by a hash of the question's id; with
    each pair all pairs that share its question or its passage are held out, too.
    positives: the largest number of pairs of a question, those of the highest grades; None: all. With several, sets
    whose questions share many passages become one large passage group, of which a batch takes one pair.
    negatives: hard negatives of a question, its first passages of grade 0 or below.
    revision: branch, tag or commit on the hub for all sets; None: the commits of the benchmark.
    """

    name = "beir"
    templated = False

    def __init__(
        self,
        names: list[str] | tuple[str, ...] = ("msmarco",),
        path: str | None = None,
        language: str = "en",
        validation_questions: ValidationQuestions = 200,
        positives: Positives = 1,
        negatives: Negatives = 0,
        revision: str | None = None,
    ) -> None:
        if not names or len(set(names)) < len(names) or not all(str(name).strip() for name in names):
            raise UserError(f"data.names={list(names)}: name one or more sets, none of them twice.")
        self._names, self._path, self._revision = tuple(map(str, names)), path, revision
        if path is None:
            for name in self._names:
                _check_on_the_hub(name)
        self._language = check_language(language, "data.language")
        self._limits = Limits(positives, negatives, validation_questions)

    def key(self) -> list[Any]:
        """Settings, and names, sizes, times and probes of the files. Raises UserError where one is missing."""
        files = []
        for name in self._names:
            found = self._location(name, unpack=False)
            own = [found] if found.is_file() else _listed(beir_files(found, SPLIT, name))
            files.append(probes(own, f"{name} of BEIR"))
        limits = [self._limits.positives, self._limits.negatives, self._limits.validation]
        return ["beir train", VERSION, self._names, self._language, limits, files]

    def missing(self) -> list[str]:
        """The error messages about files that are missing, with the commands that fetch them; none is read."""
        return refusals(*(partial(self._check, name) for name in self._names))

    def licence(self) -> str:
        """Terms of the texts."""
        return "Each set has its own: https://github.com/beir-cellar/beir. MS MARCO is for non-commercial research."

    def write(self, folder: Path, progress: Progress) -> dict[str, Any]:
        """Write the prepared copy into `folder`, which may hold files that an earlier process wrote whole.

        Raises UserError naming file and line for malformed files, and where more than one percent of the relevant
        judgments of a language name questions or passages that are missing or empty.
        """
        datasets = {}
        for name in self._names:
            files = beir_files(self._location(name), SPLIT, name)
            unread_fields(files, ("language",))
            with progress.task(f"read the questions of {name}", files.queries.stat().st_size) as advance:
                datasets[f"beir_{name}"] = self._judged(files, advance)
        benchmarks = [f"beir_{name.removesuffix('-train')}" for name in self._names]  # nq-train has the test set nq
        return write_split(folder, self.name, datasets, benchmarks, self._limits, progress)

    def _check(self, name: str) -> None:
        found = self._location(name, unpack=False)
        if not found.is_file():
            beir_files(found, SPLIT, name)

    def _location(self, name: str, unpack: bool = True) -> Path:
        """The folder of a set; without `unpack` possibly its archive. Raises UserError where there is none."""
        revision = self._revision or (SETS[name].revision if name in SETS else "")
        if self._path is None:
            return fetch(SETS[name].repo, FILES, revision, None, KEY, name)
        path = Path(self._path).expanduser()
        found = location_of(path, [name, ""] if len(self._names) == 1 else [name], unpack)
        if found is not None:
            return found
        hint = elsewhere(path, f"{KEY}.path", [name])
        if name in ON_THE_HUB:
            try:
                return fetch(SETS[name].repo, FILES, revision, str(path), KEY, name)
            except UserError as error:
                raise UserError(f"{error}{hint}") from None
        raise UserError(
            f"{KEY}.path: {path} has neither a folder {name} with {CORPUS}, {QUERIES} and qrels/{SPLIT}.tsv nor "
            f"{name}.zip.{hint}"
        )

    def _judged(self, files: BeirFiles, advance: Callable[[int], object]) -> list[JudgedLanguage]:
        """The languages of a set, sorted; a judgment belongs to the language of its question."""
        qrels = read_qrels(files.qrels, "beir")
        wanted = {*qrels.query_ids, *(identifier.strip() for identifier in qrels.query_ids)}
        rows = chosen_rows([files.queries], "_id", ("text",), wanted, advance, language=True)
        spoken = {identifier: self._spoken(code, QUERIES) for identifier, (_, code) in rows.items()}
        languages = sorted(set(spoken.values())) or [self._language]
        asked = matched(qrels.query_ids, spoken)
        found = []
        for language in languages:
            judgments = [
                (query, passage, grade)
                for query, passage, grade in zip(asked, qrels.passage_ids, qrels.grades.tolist(), strict=True)
                if spoken.get(query, languages[0]) == language  # unknown questions count for the first one
            ]
            queries = {query: text for query, (text, _) in rows.items() if spoken[query] == language}
            passages = Passages.of(partial(self._texts, files.corpus, language), [files.corpus])
            found.append(judged_language(language, queries, judgments, self._limits, passages, str(files.qrels)))
        return found

    def _texts(
        self, corpus: Path, language: str, wanted: Collection[str], advance: Callable[[int], object]
    ) -> dict[str, str | None]:
        rows = chosen_rows([corpus], "_id", ("title", "text"), wanted, advance, language=True)
        return {
            identifier: text if self._spoken(code, CORPUS) == language else None
            for identifier, (text, code) in rows.items()
        }

    def _spoken(self, code: str, file: str) -> str:
        return check_language(code.strip() or self._language, f"data: language in {file}")


def _listed(files: BeirFiles) -> list[Path]:
    return [files.corpus, files.queries, files.qrels]


def _check_on_the_hub(name: str) -> None:
    """Raise UserError for a set whose train split is not on the hub."""
    if name in ON_THE_HUB:
        return
    if name in ("nq", "nq-train"):
        raise UserError(
            f"data.names: the hub's copy of nq has no train judgments. BEIR publishes them as nq-train.zip, with a "
            f"corpus of their own: fetch it (github.com/beir-cellar/beir), set data.path to its folder and "
            f"data.names=[nq-train] instead of {name}."
        )
    why = "has no train split on the hub" if name in SETS else "is no set of BEIR"
    raise UserError(
        f"data.names: {name!r} {why}. {nearest(name, ON_THE_HUB)} A folder of yours in BEIR's layout needs data.path."
    )
