"""SQuADShifts as retrieval: English questions on four domains (https://arxiv.org/abs/2004.14444).

A question is to find its paragraph among all paragraphs of its domain. The paper (arXiv 2408.10536) stops its training
early by this set. Files in SQuAD's JSON; the hub has them only through a loading script, which fetches them from the
same address. File names and address were verified from that script, the numbers of questions from the hub's card (that
of New Wikipedia from the questions, too).
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from hybridret.base.errors import UserError, nearest, refusals
from hybridret.base.records import Collection
from hybridret.data.benchmarks.language_files import in_domain_note
from hybridret.data.benchmarks.published import Compared, checked_name
from hybridret.data.hints import hint
from hybridret.data.source import PairSource
from hybridret.data.squad import Paragraph, read_squad

FILES = {
    "new_wiki": "new_wiki_v1.0.json",
    "nyt": "nyt_v1.0.json",
    "reddit": "reddit_v1.0.json",
    "amazon": "amazon_reviews_v1.0.json",
}
QUESTIONS = {"new_wiki": 7938, "nyt": 10_065, "reddit": 9803, "amazon": 9885}
ADDRESS = "https://raw.githubusercontent.com/modestyachts/squadshifts-website/master/datasets"
KEY, NAME = "eval.squadshifts", "squadshifts"


class Squadshifts:
    """One collection for each domain, `squadshifts_new_wiki` and so on, whose values are averaged as `squadshifts`.

    path: the folder with the published files, plain or .gz.
    domains: of new_wiki, nyt, reddit and amazon; None: all four.
    allow_other: accept files whose numbers of questions differ from the published ones, as `squadshifts_DOMAIN_other`.
    """

    def __init__(self, path: str | None, domains: list[str] | None = None, allow_other: bool = False) -> None:
        self._path = path
        self._allow_other = allow_other
        self._domains = list(FILES) if domains is None else list(domains)
        for domain in self._domains:
            if domain not in FILES:
                raise UserError(f"{KEY}.domains: there is no domain {domain!r}. {nearest(str(domain), FILES)}")
        if not self._domains or len(set(self._domains)) < len(self._domains):
            raise UserError(f"{KEY}.domains={domains}: name one or more of {', '.join(FILES)}, none of them twice.")

    def collections(self, source: PairSource | None) -> tuple[Collection, ...]:
        """Raises UserError for missing or malformed files, with the address to fetch them from, and if the numbers of
        questions differ from the published ones."""
        return tuple(self._collection(domain, file, source) for domain, file in self._files().items())

    def missing(self) -> list[str]:
        return refusals(self._files)

    def published(self) -> tuple[int, int] | None:
        return None  # the numbers of paragraphs were not published

    def _collection(self, domain: str, file: Path, source: PairSource | None) -> Collection:
        left_out: Counter[str] = Counter()
        paragraphs = read_squad(file, left_out)
        asked = sum(len(paragraph.questions) for paragraph in paragraphs)
        compared = Compared("questions", {"": asked}, {"": QUESTIONS[domain]})
        name, remarks = checked_name(f"{NAME}_{domain}", [compared], KEY, self._allow_other, f"{KEY}.path")
        if not asked:
            raise UserError(f"{file} holds no question with an answer. {_advice([FILES[domain]], file.parent)}")
        notes = {"passages": "all paragraphs of the domain, equal ones once", "licence": "CC BY 4.0"}
        notes |= {f"questions left out, {reason.replace('_', ' ')}": str(count) for reason, count in left_out.items()}
        notes |= in_domain_note(source, {"en": paragraphs}) | remarks
        return paragraph_collection(name, paragraphs, notes, group=NAME + name.removeprefix(f"{NAME}_{domain}"))

    def _files(self) -> dict[str, Path]:
        wanted = [FILES[domain] for domain in self._domains]
        if not self._path:
            raise UserError(f"{KEY}.path is not set: give the folder with {', '.join(wanted)}. {_advice(wanted)}")
        folder = Path(self._path).expanduser()

        def of_folder(directory: Path) -> dict[str, Path]:
            both = {domain: [directory / f"{FILES[domain]}{end}" for end in ("", ".gz")] for domain in self._domains}
            return {domain: file for domain, files in both.items() for file in files[::-1] if file.is_file()}

        found = of_folder(folder)
        advice = "" if found else hint(folder, f"{KEY}.path", lambda directory: bool(of_folder(directory)))
        if not folder.is_dir():
            raise UserError(f"{KEY}.path: there is no folder {self._path}.{advice} {_advice(wanted, folder)}")
        lacking = [FILES[domain] for domain in self._domains if domain not in found]
        if lacking:
            if found:
                advice = f" The folder has {', '.join(found)}: {KEY}.domains=[{','.join(found)}]."
            raise UserError(f"{folder} lacks {', '.join(lacking)}.{advice} {_advice(lacking, folder)}")
        return found


def _advice(files: list[str], folder: Path | None = None) -> str:
    names = files[0] if len(files) == 1 else f"{{{','.join(files)}}}"
    directory = "DIR" if folder is None else str(folder)
    return (
        f"On a machine with network: curl --create-dirs --output-dir {directory} -O '{ADDRESS}/{names}' "
        f"(https://github.com/modestyachts/squadshifts-website)."
    )


def paragraph_collection(
    name: str, paragraphs: list[Paragraph], notes: dict[str, str], group: str, language: str = "en"
) -> Collection:
    """Every different paragraph is a passage; each question has one relevant passage, its paragraph.

    Raises UserError when a question id occurs twice.
    """
    passages: dict[str, int] = {}
    ids: dict[str, int] = {}
    queries: list[str] = []
    for paragraph in paragraphs:
        number = passages.setdefault(paragraph.context, len(passages))
        for question in paragraph.questions:
            if question.id in ids:
                raise UserError(f"{name}, question {question.id!r}: the id occurs twice. Fetch the file again.")
            ids[question.id] = number
            queries.append(question.text)
    none = np.zeros(len(queries), dtype=np.int64)
    return Collection(
        name=name,
        languages=(language,),
        query_ids=tuple(ids),
        queries=queries,
        query_languages=none,
        questions=np.arange(len(queries), dtype=np.int64),
        passage_ids=tuple(f"{name}:{number}" for number in range(len(passages))),
        passages=list(passages),
        passage_languages=np.zeros(len(passages), dtype=np.int64),
        relevant_queries=np.arange(len(queries), dtype=np.int64),
        relevant_passages=np.array(list(ids.values()), dtype=np.int64),
        grades=np.ones(len(queries), dtype=np.int64),
        notes=notes,
        group=group,
    )
