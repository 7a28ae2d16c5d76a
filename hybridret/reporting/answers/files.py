"""Write answers: every frame as NAME.csv, every figure as PNG and SVG, and all sentences as `findings.csv`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import pandas as pd

from hybridret.base.files import write_text
from hybridret.base.markup import spreadsheet
from hybridret.reporting.answers.answer import Answer, Finding, Findings


def findings_frame(answers: Mapping[Answer, Findings]) -> pd.DataFrame:
    """One row for each sentence: the name of its answer, then the fields of `Finding`."""
    names = [one.name for one in fields(Finding)]
    rows = [
        {"answer": answer.name, **{name: getattr(one, name) for name in names}}
        for answer, found in answers.items()
        for one in found.sentences
    ]
    return pd.DataFrame(rows, columns=["answer", *names])


def write_answers(answers: Mapping[Answer, Findings], folder: Path) -> None:
    """Write all files of `answers` into `folder`. Same answers, same bytes."""
    frames = {"findings": findings_frame(answers)}
    for found in answers.values():
        frames.update(found.frames)
        for plot in found.plots:
            plot.write(folder / "figures")
    for name, frame in frames.items():
        write_text(folder / f"{name}.csv", csv_text(frame))


def csv_text(frame: pd.DataFrame) -> str:
    """`frame` as CSV; no text of it is a formula of a spreadsheet."""
    safe = frame.copy()
    for column in safe.select_dtypes(include=["object", "string", "category"]):
        safe[column] = [spreadsheet(value) if isinstance(value, str) else value for value in safe[column]]
    return safe.to_csv(index=False)
