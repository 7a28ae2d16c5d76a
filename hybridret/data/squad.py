"""SQuAD-shaped files, and retrieval collections whose candidates are sentences (LAReQA, https://arxiv.org/abs/2004.05484).

A question's relevant passages are the sentences of its paragraph whose text equals the answer sentence, in every
language that has the question. The context of each sentence is its paragraph.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hybridret.base.errors import UserError
from hybridret.base.files import NOT_JSON, json_fault
from hybridret.base.records import Collection
from hybridret.data.sentences import Breaks

LARGEST = 1 << 28  # bytes of a file, unpacked: these sets have some megabytes a language


@dataclass(frozen=True)
class Question:
    """A question on a paragraph. `answer_start` is a character offset into the paragraph, of the first answer."""

    id: str
    text: str
    answer_start: int


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of a file; `breaks` are its sentences as half-open ranges, None if the file has none."""

    title: str
    context: str
    breaks: Breaks | None
    questions: tuple[Question, ...]


def read_squad(path: Path) -> list[Paragraph]:
    """All paragraphs of a .json or .json.gz file of the SQuAD shape.

    Raises UserError, naming the position in the file, when it cannot be read or does not have that shape.
    """
    raw = b""
    try:
        with gzip.open(path, "rb") if path.name.endswith(".gz") else open(path, "rb") as file:
            raw = file.read(LARGEST + 1)
        data = json.loads(raw.decode("utf-8")) if len(raw) <= LARGEST else None
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise UserError(f"Cannot read {path}: {error}. Fetch the file again.") from error
    except NOT_JSON as error:
        line = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise UserError(f"{path}{line}: not valid JSON ({json_fault(error)}). Fetch the file again.") from error
    if len(raw) > LARGEST:
        raise UserError(f"{path}: larger than {LARGEST >> 20} MiB, so it is no file of XQuAD or MLQA. Fetch it again.")
    root = _Node(data, str(path))
    return [
        _paragraph(node, article.child("title").text() if article.has("title") else "")
        for article in root.child("data").children()
        for node in article.child("paragraphs").children()
    ]


def _paragraph(node: _Node, title: str) -> Paragraph:
    context = node.child("context").text()
    breaks: Breaks | None = None
    if node.has("sentence_breaks"):
        breaks = [(pair.at(0).integer(), pair.at(1).integer()) for pair in node.child("sentence_breaks").children()]
        if any(not 0 <= start < end <= len(context) for start, end in breaks):
            raise UserError(f"{node.where}.sentence_breaks: a range lies outside the context. Fetch the file again.")
    questions = []
    for qa in node.child("qas").children():
        start = qa.child("answers").at(0).child("answer_start").integer()
        questions.append(Question(qa.child("id").text(), qa.child("question").text(), start))
    return Paragraph(title, context, breaks, tuple(questions))


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
    )


def _sentence_at(ranges: Breaks, offset: int, where: str) -> int:
    """The first range with start <= offset < end."""
    for index, (start, end) in enumerate(ranges):
        if start <= offset < end:
            return index
    raise UserError(
        f"{where}: the answer starts at character {offset}, which lies in no sentence. Fetch the file again."
    )
