"""Metrics of a retriever on a collection, by setting, language and language pair."""
