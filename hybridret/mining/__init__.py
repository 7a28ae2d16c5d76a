"""Hard negatives: passages that a retriever ranks high for a question, and that do not answer it.

candidates.py (which hits of a search are kept: pure functions), distinct.py (the passages that are searched),
known.py (what answers a question), asking.py (the language that a question asks in) -> shard.py (some questions)
-> mine.py (all training datasets of a prepared copy, written beside it).
"""
