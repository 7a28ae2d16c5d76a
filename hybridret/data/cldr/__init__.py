"""The built-in parallel corpus, generated from Unicode CLDR through babel.

facts.py (codes) -> names.py (words) -> render.py with templates/ (sentences) -> described.py (facts with texts in all
languages, without collisions) -> fact_split.py -> source.py (`CldrCorpus`); card.py writes the data card.
"""

from __future__ import annotations

from hybridret.data.cldr.source import CldrCorpus

__all__ = ["CldrCorpus"]
