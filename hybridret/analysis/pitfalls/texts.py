"""The texts of a test set as two plain frames."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class QuestionTexts:
    """questions: question, language, text, topic ("": unknown) and, where a tokenizer counted them, tokens and unknown.
    passages: question, language and text of each relevant passage. `question` is the one of `QuestionValues`."""

    questions: pd.DataFrame
    passages: pd.DataFrame
