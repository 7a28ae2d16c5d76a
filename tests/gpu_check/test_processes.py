"""The process that measures: cases that hang, die or are alone leave the next one to a new process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from gpu.processes import Measuring

#: Answers with its process id; knows how to hang and to die.
WORKER = """
import json, os, sys, time
answers = open(int(sys.argv[2]), "w")
def answer(found):
    answers.write(json.dumps(found) + chr(10))
    answers.flush()
answer({"device": sys.argv[1]})
for line in sys.stdin:
    case = json.loads(line)
    if case["kind"] == "hang":
        time.sleep(600)
    if case["kind"] == "die":
        sys.exit("no memory is left")
    answer({"process": os.getpid(), "options": case["options"]} | ({"fatal": True} if case["kind"] == "break" else {}))
"""


@pytest.fixture
def measuring(tmp_path: Path) -> Iterator[Measuring]:
    made = Measuring("cpu", tmp_path / "log", (sys.executable, "-S", "-c", WORKER))
    yield made
    made.stop()


def test_cases_share_a_process(measuring: Measuring) -> None:
    assert measuring.machine() == {"device": "cpu"}
    one, other = (measuring.measure("plain", {"number": number}, False, 60, 60) for number in (1, 2))
    assert one["process"] == other["process"]
    assert other["options"] == {"number": 2}


@pytest.mark.parametrize(
    ("kind", "reason"), [("hang", "stopped after 0 s"), ("die", "the process ended: no memory is left")]
)
def test_a_case_that_hangs_or_dies_costs_itself_only(measuring: Measuring, kind: str, reason: str) -> None:
    before = measuring.measure("plain", {}, False, 60, 60)["process"]
    assert measuring.measure(kind, {}, False, 0.2 if kind == "hang" else 60, 60) == {"failed": reason}
    assert measuring.measure("plain", {}, False, 60, 60)["process"] != before


def test_seconds_left_limit_a_case_too(measuring: Measuring) -> None:
    measuring.machine()
    assert measuring.measure("hang", {}, False, 60, 0.2) == {"failed": "stopped after 0 s"}


@pytest.mark.parametrize("kind", ["alone", "break"])
def test_a_case_may_be_the_last_of_its_process(measuring: Measuring, kind: str) -> None:
    before = measuring.measure(kind, {}, kind == "alone", 60, 60)
    assert "fatal" not in before
    assert measuring.measure("plain", {}, False, 60, 60)["process"] != before["process"]
