"""Question-passage pairs from files in SQuAD's JSON: SQuAD and its translations, MLQA, XQuAD, TyDi QA GoldP, JaQuAD.

`{"data": [{"title", "paragraphs": [{"context", "qas": [{"id", "question", "answers": [{"text", "answer_start"}],
"is_impossible"}]}]}]}`. Questions with the same id in several languages of a dataset are translations, and their
passages belong to one passage group.

Verified with published files: XQuAD-R and MLQA. From programs that read them, not from the bytes: TyDi QA's ids
(`english-7...-1`, `english--7...-1`) and the names of JaQuAD's files.
"""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Lt

from hybridret.base.errors import UserError, refusals
from hybridret.base.languages import check_language, named_language
from hybridret.base.progress import tracked
from hybridret.base.range_words import Because
from hybridret.base.ranges import Share, checked
from hybridret.data.alignment import Asked, Remedies, check_alignment
from hybridret.data.arrow_table import file_probe
from hybridret.data.passage_groups import with_passage_groups
from hybridret.data.row_source import RowSource
from hybridret.data.rows import Problems, Row, encodable
from hybridret.data.sentences import SplitterName, splitter
from hybridret.data.split import Shares
from hybridret.data.squad import Paragraph, Question, read_squad
from hybridret.data.squad_files import SquadFile, SquadFolder, squad_files

VERSION = 1  # of the reading: raise it when the same files would give other pairs
NO_SENTENCE = "answer_in_no_sentence"  # name of a count
REMEDIES = Remedies(separate="data.parallel=false", trusted="data.unaligned_allowed={share}")


@checked("data")
class SquadFamily(RowSource):
    """A pair source over files in SQuAD's JSON. Files are read once, at first use.

    path: a folder with *.json or *.json.gz, a .zip of one, or one such file.
    files: which files, and in which language: globs, with {l} where the language is not the only code in the name;
        LANGUAGE -> a name, a glob or a list of them; DATASET -> such a mapping or a pattern with {l}. The language
        `by_id` takes it from the ids, as TyDi QA has it. None: all files, by the language in their names.
    languages: the languages, in this order, after `rename`; None: all languages in the files, sorted.
    rename: code in the files -> code to use.
    passages: `paragraphs`, or `sentences`: the sentence with the first answer, by the breaks in the file or by
        `splitter`.
    parallel: the same id in two languages of a dataset is a translation. False: every language has its own questions.
    unaligned_allowed: the largest share of a language's ids that no other language of its dataset may have.
    validation_share, test_share, split_seed, complete_test, held_out, licence: as in `JsonlPairs`.

    Questions without an answer (SQuAD 2.0) are left out, and counted in `summary()`. Every method raises UserError for
    bad input, naming the file and the position in it.
    """

    def __init__(
        self,
        path: str | None,
        files: dict[str, Any] | list[str] | str | None = None,
        languages: list[str] | None = None,
        rename: dict[str, str] | None = None,
        passages: Literal["paragraphs", "sentences"] = "paragraphs",
        splitter: SplitterName = "like_lareqa",
        parallel: bool = True,
        unaligned_allowed: Share = 0.01,
        validation_share: Annotated[float, Gt(0), Lt(1), Because("For example 0.1.")] = 0.1,
        test_share: Annotated[float, Ge(0), Lt(1), Because("0 is no test set; 0.3 is a good start.")] = 0.3,
        split_seed: int = 1,
        complete_test: bool = True,
        held_out: list[str] | None = None,
        name: str = "squad",
        licence: str = "not stated",
    ) -> None:
        if not path:
            raise UserError("data.path is not set: give the folder with the *.json files, or a .zip of it.")
        shares = Shares(validation_share, test_share, split_seed)
        super().__init__(name, path, languages, shares, complete_test, held_out, licence, ", or widen data.files")
        self._files = files
        self._rename = {
            check_language(old, "data.rename"): check_language(new, "data.rename")
            for old, new in (rename or {}).items()
        }
        self._passages = passages
        self._splitter = splitter
        self._parallel = parallel
        self._allowed = unaligned_allowed
        self._left_out: Counter[str] = Counter()
        self._unaligned: dict[str, Any] = {}

    def key(self) -> list[Any]:
        """Settings, and names, sizes, times and probes of the files. Raises UserError where there are none."""
        probes = [file_probe(file, "training pairs") for file in self._folder.probed(one.name for one in self._chosen)]
        files = [[one.dataset, one.language, one.name] for one in self._chosen]
        shares = [self._shares.validation, self._shares.test, self._shares.seed]
        reading = [self._passages, self._splitter, self._parallel, self._allowed, self._rename]
        settings = [self._asked_languages, self._complete_test, self._held_out, self._licence]
        return ["squad_family", VERSION, self.name, files, probes, shares, reading, settings]

    def missing(self) -> list[str]:
        """The error message about files that are missing; none is read."""
        return refusals(lambda: self._chosen, lambda: splitter(self._splitter))

    def _counts(self) -> dict[str, Any]:
        return {"left_out": dict(sorted(self._left_out.items())), "ids_in_no_other_language": self._unaligned}

    @cached_property
    def _folder(self) -> SquadFolder:
        return SquadFolder(self._path)

    @cached_property
    def _chosen(self) -> list[SquadFile]:
        return squad_files(self._folder, self._files, self.name)

    def _read_rows(self) -> list[Row]:
        problems = Problems()
        rows: list[Row] = []
        asked: list[Asked] = []
        seen: dict[tuple[str, str, str], str] = {}
        unknown = self._rename.keys() - {one.language for one in self._chosen if one.language is not None}
        if unknown and all(one.language is not None for one in self._chosen):
            raise UserError(f"data.rename: no file is in {', '.join(sorted(unknown))}.")
        for file in tracked(self._chosen, f"read the files of {self.name}", self._progress):
            paragraphs = read_squad(self._folder.file(file.name), self._left_out)
            if not any(paragraph.questions for paragraph in paragraphs):
                raise UserError(f"{self._where(file)} holds no question with an answer.")
            for paragraph in paragraphs:
                for question in paragraph.questions:
                    try:
                        row = self._row(file, paragraph, question)
                    except UserError as error:
                        problems.add(str(error).rstrip("."))
                        continue
                    if row is None:
                        self._left_out[NO_SENTENCE] += 1
                        continue
                    known = seen.setdefault((row.dataset, row.qid, row.lang), row.file)
                    if len(seen) == len(rows):
                        also = "the same file" if known == row.file else known
                        problems.add(f"{row.file}: id {question.id!r} in {row.lang!r} was already given in {also}")
                        continue
                    rows.append(row)
                    if self._parallel and file.language is not None:
                        asked.append(Asked(row.dataset, row.lang, row.qid, question.answer))
        problems.raise_if_any()
        if not rows:
            raise UserError(f"{self._path}: no answer starts in a sentence. Set data.passages=paragraphs.")
        self._unaligned = check_alignment(asked, self._allowed, REMEDIES)
        return with_passage_groups(rows)

    def _row(self, file: SquadFile, paragraph: Paragraph, question: Question) -> Row | None:
        """The row of a question; None where its answer starts in no sentence."""
        where = f"{self._where(file)}: question {question.id!r}"
        language = file.language or _language_of(question.id, where)
        text = paragraph.context if self._passages == "paragraphs" else self._sentence(paragraph, question, language)
        if text is None:
            return None
        language = self._rename.get(language, language)
        for key, value in (("question", question.text), ("context", text), ("title", paragraph.title)):
            encodable(value, key, where)
        own = file.language is not None and not self._parallel
        return Row(
            dataset=file.dataset,
            qid=f"{language}:{question.id}" if own else question.id,
            lang=language,
            question=question.text,
            passage=text,
            title=paragraph.title or None,
            pid=None,
            negatives=(),
            file=self._where(file),
            line=0,
        )

    def _sentence(self, paragraph: Paragraph, question: Question, language: str) -> str | None:
        breaks = paragraph.breaks
        if breaks is None:
            breaks = splitter(self._splitter)(paragraph.context, language)
        for start, end in breaks:
            if start <= question.answer_start < end:
                return paragraph.context[start:end].replace("\r", " ").replace("\n", " ").strip()
        return None

    def _where(self, file: SquadFile) -> str:
        return str(self._path / file.name if self._path.is_dir() or self._path.suffix == ".zip" else self._path)


def _language_of(identifier: str, where: str) -> str:
    """The language that an id of TyDi QA begins with: `english-...`, `finnish--...`."""
    language = named_language(identifier.partition("-")[0])
    if language is None or "-" not in identifier:
        raise UserError(f"{where}: the id does not begin with a language, such as english-; name it in data.files.")
    return language
