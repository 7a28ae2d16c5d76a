"""SQuAD-shaped files, and retrieval collections whose candidates are sentences (LAReQA, https://arxiv.org/abs/2004.05484).

A question's relevant passages are the sentences of its paragraph whose text equals the answer sentence, in every
language that has the question. The context of each sentence is its paragraph.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hybridret.base.errors import UserError
from hybridret.base.files import NOT_JSON, json_fault
from hybridret.base.records import Collection
from hybridret.data.fields import is_number
from hybridret.data.sentences import Breaks

LARGEST = 1 << 28  # bytes of a file, unpacked: these sets have some megabytes a language
UNANSWERABLE, UNANSWERED = "unanswerable", "without_answer"  # names of counts: is_impossible (SQuAD 2.0), and no answer


@dataclass(frozen=True)
class Question:
    """A question on a paragraph. `answer_start` is a character offset into the paragraph, of the first answer (-1: not
    known)."""

    id: str
    text: str
    answer_start: int
    answer: str = field(default="", compare=False)  # the text of the first answer, where it was read


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of a file; `breaks` are its sentences as half-open ranges, None if the file has none."""

    title: str
    context: str
    breaks: Breaks | None
    questions: tuple[Question, ...]


def read_squad(path: Path, left_out: Counter[str] | None = None) -> list[Paragraph]:
    """All paragraphs of a .json or .json.gz file of the SQuAD shape.

    left_out: None for a benchmark, where each question has an answer and a text as its id. For training data the
        questions without an answer are left out and counted here, and ids may be numbers.

    Raises UserError, naming the position in the file, when it cannot be read or does not have that shape.
    """
    raw = b""
    try:
        with gzip.open(path, "rb") if path.name.endswith(".gz") else open(path, "rb") as file:
            raw = file.read(LARGEST + 1)
        data = json.loads(raw.decode("utf-8-sig")) if len(raw) <= LARGEST else None
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise UserError(f"Cannot read {path}: {error}. Fetch the file again.") from error
    except NOT_JSON as error:
        line = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise UserError(f"{path}{line}: not valid JSON ({json_fault(error)}). Fetch the file again.") from error
    if len(raw) > LARGEST:
        what = "no file of XQuAD or MLQA" if left_out is None else "too large to be read at once"
        raise UserError(f"{path}: larger than {LARGEST >> 20} MiB, so it is {what}. Fetch it again, or split it.")
    root = _Node(data, str(path))
    return [
        _paragraph(node, _title(article, left_out is None), left_out)
        for article in root.child("data").children()
        for node in article.child("paragraphs").children()
    ]


def _title(article: _Node, needed: bool) -> str:
    if not article.has("title") or (not needed and article.child("title").value in (None, "")):
        return ""
    return article.child("title").text()


def _paragraph(node: _Node, title: str, left_out: Counter[str] | None) -> Paragraph:
    context = node.child("context").text()
    breaks: Breaks | None = None
    if node.has("sentence_breaks"):
        breaks = [(pair.at(0).integer(), pair.at(1).integer()) for pair in node.child("sentence_breaks").children()]
        if any(not 0 <= start < end <= len(context) for start, end in breaks):
            raise UserError(f"{node.where}.sentence_breaks: a range lies outside the context. Fetch the file again.")
    questions = []
    for qa in node.child("qas").children():
        if left_out is not None and (reason := _without_answer(qa)):
            left_out[reason] += 1
            continue
        answer = qa.child("answers").at(0)
        if left_out is None:
            start, identifier = answer.child("answer_start").integer(), qa.child("id").text()
        else:  # translations often lack the offset
            start = (
                int(answer.value["answer_start"])
                if answer.has("answer_start") and is_number(answer.value["answer_start"])
                else -1
            )
            identifier = qa.child("id").identifier()
        text = answer.child("text").value if answer.has("text") else ""
        questions.append(
            Question(identifier, qa.child("question").text(), start, text if isinstance(text, str) else "")
        )
    return Paragraph(title, context, breaks, tuple(questions))


def _without_answer(qa: _Node) -> str:
    """Why a question has no answer, "" if it has one."""
    if qa.has("is_impossible") and qa.child("is_impossible").value is True:
        return UNANSWERABLE
    return UNANSWERED if not qa.has("answers") or qa.child("answers").children() == [] else ""


@dataclass(frozen=True)
class _Node:
    """A JSON value with its position in the file, which errors about a malformed file name."""

    value: Any
    where: str

    def has(self, key: str) -> bool:
        return isinstance(self.value, dict) and key in self.value

    def child(self, key: str) -> _Node:
        if not self.has(key):
            raise UserError(f"{self.where}: no {key!r}. Is this a file of the SQuAD shape?")
        return _Node(self.value[key], f"{self.where}: {key}" if ": " not in self.where else f"{self.where}.{key}")

    def children(self) -> list[_Node]:
        if not isinstance(self.value, list):
            raise UserError(f"{self.where} must be a list. Is this a file of the SQuAD shape?")
        return [_Node(value, f"{self.where}[{index}]") for index, value in enumerate(self.value)]

    def at(self, index: int) -> _Node:
        values = self.children()
        if index >= len(values):
            raise UserError(f"{self.where} has no element {index}. Is this a file of the SQuAD shape?")
        return values[index]

    def text(self) -> str:
        if not isinstance(self.value, str) or not self.value.strip():
            raise UserError(f"{self.where} must be a text that is not empty.")
        return self.value

    def identifier(self) -> str:
        return str(self.value) if is_number(self.value) else self.text()

    def integer(self) -> int:
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            raise UserError(f"{self.where} must be a whole number.")
        return self.value


def sentence_collection(
    name: str,
    paragraphs: Mapping[str, Sequence[Paragraph]],
    breaks: Callable[[Paragraph, str], Breaks],
    notes: Mapping[str, str],
) -> Collection:
    """Every sentence of every paragraph is a candidate, equal texts included; one query per question and language.

    paragraphs: language -> paragraphs, in the order of the collection's languages.
    breaks: (paragraph, language) -> its sentences. Line breaks become spaces, so that offsets do not change.

    Raises UserError when a question id occurs twice in a language or no sentence contains the start of an answer.
    """
    clusters: dict[str, int] = {}
    query_ids: list[str] = []
    queries: list[str] = []
    questions: list[int] = []
    query_languages: list[int] = []
    topics: list[str] = []
    passage_ids: list[str] = []
    passages: list[str] = []
    contexts: list[str] = []
    passage_languages: list[int] = []
    answers: defaultdict[int, list[int]] = defaultdict(list)  # question cluster -> relevant passages
    for language_number, (language, members) in enumerate(paragraphs.items()):
        seen: set[str] = set()
        for number, paragraph in enumerate(members):
            context = paragraph.context.replace("\r", " ").replace("\n", " ")
            ranges = breaks(paragraph, language)
            sentences = [context[start:end].strip() for start, end in ranges]
            first = len(passages)
            passages += sentences
            contexts += [context] * len(sentences)
            passage_languages += [language_number] * len(sentences)
            passage_ids += [f"{language}:{number}:{index}" for index in range(len(sentences))]
            for question in paragraph.questions:
                where = f"{name}, language {language}, question {question.id!r}"
                if question.id in seen:
                    raise UserError(f"{where}: the id occurs twice. Fetch the file again.")
                seen.add(question.id)
                cluster = clusters.setdefault(question.id, len(clusters))
                answer = sentences[_sentence_at(ranges, question.answer_start, where)]
                answers[cluster] += [first + index for index, text in enumerate(sentences) if text == answer]
                query_ids.append(f"{language}:{question.id}")
                queries.append(question.text)
                questions.append(cluster)
                query_languages.append(language_number)
                topics.append(paragraph.title)
    relevant = [answers[cluster] for cluster in questions]
    return Collection(
        name=name,
        languages=tuple(paragraphs),
        query_ids=tuple(query_ids),
        queries=queries,
        query_languages=np.array(query_languages, dtype=np.int64),
        questions=np.array(questions, dtype=np.int64),
        passage_ids=tuple(passage_ids),
        passages=passages,
        passage_languages=np.array(passage_languages, dtype=np.int64),
        relevant_queries=np.repeat(np.arange(len(queries), dtype=np.int64), [len(found) for found in relevant]),
        relevant_passages=np.array([passage for found in relevant for passage in found], dtype=np.int64),
        grades=np.ones(sum(map(len, relevant)), dtype=np.int64),
        contexts=contexts,
        notes=notes,
        topics=topics,
    )


def _sentence_at(ranges: Breaks, offset: int, where: str) -> int:
    """The first range with start <= offset < end."""
    for index, (start, end) in enumerate(ranges):
        if start <= offset < end:
            return index
    raise UserError(
        f"{where}: the answer starts at character {offset}, which lies in no sentence. Fetch the file again."
    )
