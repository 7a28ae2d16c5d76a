"""How the texts of a run were cut and prefixed, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NOT_RECORDED = "not recorded"
WHOLE = "whole texts"
_KEYS = ("query_length", "passage_length", "query_prefix", "passage_prefix")


def text_words(result: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """The text settings of a run as words, `32/64 tokens, "Query: ", "Passage: "`: queries, then passages.

    `result` is its result.json, and `settings` its flat config, for results that do not say it yet. A retriever without
    a model reads whole texts.
    """
    if "text" in result:
        found = result["text"]
        return WHOLE if found is None else _words(found)
    if result.get("training") is None and not result.get("parameters"):
        return WHOLE
    if str(settings.get("backbone._target_", "")).endswith(".SentenceTransformers"):
        return NOT_RECORDED  # the model's own, which the config does not hold
    return _words({key: settings.get(f"text.{key}") for key in _KEYS})


def _words(text: Any) -> str:
    if not isinstance(text, Mapping) or not all(isinstance(text.get(key), int) for key in _KEYS[:2]):
        return NOT_RECORDED
    prefixes = [str(text.get(key) or "") for key in _KEYS[2:]]
    shown = ", ".join(f'"{prefix}"' for prefix in prefixes) if any(prefixes) else "no prefixes"
    return f"{text['query_length']}/{text['passage_length']} tokens, {shown}"
