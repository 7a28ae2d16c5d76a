"""Some of the bad inputs of `bad_inputs.py`, others in each place of a shuffled list."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from bad_inputs import Case, attempt, cases, fault
from commands import Answer, Commands

pytestmark = pytest.mark.slow

COUNT = 40
ALL = cases(Path())
NAMES = [case.name for case in ALL]


@pytest.mark.parametrize("name", random.Random(7).sample(NAMES, COUNT))
def test_one_paragraph(command: Commands, whole: Path, tmp_path: Path, name: str) -> None:
    case = next(case for case in cases(whole) if case.name == name)
    assert attempt(case, command, tmp_path) is None


@pytest.mark.parametrize(
    "name",
    [
        "training rows: a huge number",
        "evaluate eval.folder=3",
        "training rows: deep",
        "benchmark: qrels grade huge",
        "evaluate backbone=null",
        "evaluate name=x/y",
    ],
)
def test_what_was_a_traceback(command: Commands, whole: Path, tmp_path: Path, name: str) -> None:
    case: Case = next(case for case in cases(whole) if case.name == name)
    assert attempt(case, command, tmp_path) is None


def test_names_are_different_and_many() -> None:
    assert len(set(NAMES)) == len(NAMES) > 300


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(2, "", "Traceback (most recent call last):\nValueError: x"), "a traceback: ValueError: x"),
        (Answer(0, "", ""), "exit code 0: "),
        (Answer(1, "", "Error: x"), "exit code 1: Error: x"),
        (Answer(2, "", "something"), "no paragraph: ['something']"),
        (Answer(2, "", "a note\nError: x"), None),
    ],
)
def test_a_wrong_answer_is_found(answer: Answer, said: str | None) -> None:
    assert fault(answer) == said
