"""One file per language: `TEMPLATES` maps each relation to (question, question in other words, passage).

Placeholders: {e} the entity, {v} the value, {y} a year, {w} a word to translate. CLDR gives names in their citation form
only, so sentences are built such that this form is right: the name is the subject, stands in apposition ("im Land {e}")
or is set off ("{e}: ..."). A file may define `in_sentence(kind, name)` where a name needs more, such as an article.
A new language is one new file here; no list is to be kept.
"""

from __future__ import annotations
