"""mMARCO: MS MARCO's passages and training queries in 14 languages (https://arxiv.org/abs/2108.13897).

Raw files of `unicamp-dl/mmarco` on the hub, no loading script: `data/google/collections/NAME_collection.tsv` (v2,
translated by Google), `data/google/queries/train/NAME_queries.train.tsv` and `data/triples.train.ids.small.tsv`, whose
lines are query, relevant and irrelevant passage. Ids are the same in all languages, so pairs are parallel. Passages
that no pair needs are skipped.

The layout was verified without a connection to the hub, from the publisher's loading script and from programs that
download these files; the commit from a program that pins it. Not verified: the bytes themselves, and counts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge

from hybridret.base.errors import UserError, refusals
from hybridret.base.languages import chosen_languages
from hybridret.base.progress import Progress
from hybridret.base.ranges import checked
from hybridret.base.records import IntArray
from hybridret.data.arrow_table import file_probe
from hybridret.data.hub import fetch, find
from hybridret.data.id_lines import chosen_texts
from hybridret.data.judged_pairs import JudgedPairs, judged_pairs, read_id_pairs
from hybridret.data.prepared.shards import Shards
from hybridret.data.prepared.stored_pairs import write_about
from hybridret.data.prepared.stored_texts import write_texts

REPOSITORY = ("unicamp-dl/mmarco", "6d039c4638c0ba3e46a9cb7b498b145e7edc6230")
NAMES = {
    "ar": "arabic", "de": "german", "en": "english", "es": "spanish", "fr": "french", "hi": "hindi",
    "id": "indonesian", "it": "italian", "ja": "japanese", "nl": "dutch", "pt": "portuguese", "ru": "russian",
    "vi": "vietnamese", "zh": "chinese",
}  # fmt: skip
TRIPLES = "data/triples.train.ids.small.tsv"
PAPER = ("ar", "de", "en", "es", "hi", "ru", "zh")
VERSION = 1  # of the reading: raise it when the same files would give other pairs
LOST = 0.01  # the largest share of passages or queries that a language may lack

ValidationQuestions = Annotated[int, Ge(2)]


@checked("data")
class Mmarco:
    """Training pairs of mMARCO, streamed into a prepared copy.

    path: a folder with the files of the hub's repository, plain or .gz. None: the hub.
    languages: codes, in this order, by default those of the paper (arXiv 2408.10536); None: all 14.
    validation_questions: pairs that are held out for the validation loss, drawn by a hash of the query's id; with each
    pair all pairs that share its query or its passage are held out, too.
    revision: branch, tag or commit on the hub; None: the commit in this file.
    """

    name = "mmarco"
    templated = False

    def __init__(
        self,
        path: str | None = None,
        languages: list[str] | tuple[str, ...] | None = PAPER,
        validation_questions: ValidationQuestions = 2000,
        revision: str | None = None,
    ) -> None:
        self._path = path
        self.languages = tuple(chosen_languages("data.languages", languages, tuple(NAMES), "in mMARCO"))
        self._held_out = validation_questions
        self._revision = revision or REPOSITORY[1]

    def key(self) -> list[Any]:
        """Settings, and names, sizes, times and probes of the files. Raises UserError where one is missing."""
        probes = {name: file_probe(file, "mMARCO") for name, file in self._files().items()}
        return ["mmarco", VERSION, self.languages, self._held_out, probes]

    def missing(self) -> list[str]:
        """The error message about files that are missing, with the command that fetches them; none is read."""
        return refusals(self._files)

    def licence(self) -> str:
        """Terms of the texts."""
        return "Translations: Apache-2.0. MS MARCO: for non-commercial research (https://microsoft.github.io/msmarco/)."

    def write(self, folder: Path, progress: Progress) -> dict[str, Any]:
        """Write the prepared copy into `folder`, which may hold files that an earlier process wrote whole.

        Raises UserError naming file and line for malformed files, and where a language lacks more than one percent of
        the passages or queries that pairs need.
        """
        files, shards = self._files(), Shards(folder)
        with progress.task("read the pairs of mMARCO", files[TRIPLES].stat().st_size) as advance:
            pairs = judged_pairs(read_id_pairs(files[TRIPLES], 3, advance), self._held_out)
        counts: dict[str, dict[str, Any]] = {}
        for language in self.languages:
            for side, wanted in (("queries", pairs.queries), ("passages", pairs.passages)):
                name = f"training-0/{side}.{language}.arrow"
                file = files[_file(language, side)]
                counts[f"{side} {language}"] = shards.file(
                    name,
                    lambda path, file=file, wanted=wanted: _write(path, file, wanted, progress),  # type: ignore[misc]
                )
        _check_alignment(counts, pairs, files, self.languages)
        for name, chosen, texts in (("training-0", ~pairs.held_out, ""), ("validation", pairs.held_out, "training-0")):
            pairs.write(folder / name, chosen, shards)
            write_about(folder / name, self.name, self.languages, texts=texts)
        return {
            "training": ["training-0"],
            "test": [],
            "fingerprint": shards.fingerprint(),
            "summary": {"name": self.name, "languages": list(self.languages), **pairs.summary(), "texts": counts},
        }

    def _files(self) -> dict[str, Path]:
        """Every file that is read, by its name in the repository. Raises UserError where one is missing."""
        names = [_file(language, side) for language in self.languages for side in ("queries", "passages")] + [TRIPLES]
        folder = fetch(REPOSITORY[0], names, self._revision, self._path, "data")
        return {name: find(folder, name)[0] for name in names}


def _file(language: str, side: str) -> str:
    name = NAMES[language]
    if side == "queries":
        return f"data/google/queries/train/{name}_queries.train.tsv"
    return f"data/google/collections/{name}_collection.tsv"


def _write(path: Path, file: Path, wanted: IntArray, progress: Progress) -> dict[str, int]:
    with progress.task(f"read {file.name}", file.stat().st_size) as advance:
        texts, counts = chosen_texts(file, wanted, advance, path.parent)
    with progress.task(f"write {path.name}", len(texts)) as advance:
        write_texts(path, texts, advance)
    return counts


def _check_alignment(
    counts: dict[str, dict[str, Any]], pairs: JudgedPairs, files: dict[str, Path], languages: tuple[str, ...]
) -> None:
    """Raise UserError where the ids of a language are not those of the pairs."""
    for language in languages:
        for side, wanted in (("queries", pairs.queries), ("passages", pairs.passages)):
            lost = counts[f"{side} {language}"]["absent"] + counts[f"{side} {language}"]["empty"]
            if lost > LOST * len(wanted):
                raise UserError(
                    f"{files[_file(language, side)]}: {lost} of {len(wanted)} {side} that the pairs of {TRIPLES} need "
                    f"are missing or empty, more than {LOST:.0%}. Its ids are not those of the other files: fetch all "
                    f"of them from one version of {REPOSITORY[0]}."
                )
