"""Names in a text by its capitals: a rule that anybody can repeat, not a tagger."""

from __future__ import annotations

import re

from hybridret.base.languages import script_of

CASED = ("Latn", "Cyrl", "Grek", "Armn")  # scripts with capitals
NOUNS = ("de", "lb")  # capitals begin every noun there, so they do not tell names
_WORD = re.compile(r"[^\W_](?:[\w'’-]*\w)?")
_ENDS = ".?!:;…"


def tells_names(language: str) -> bool:
    """Whether capitals tell names in this language: its script has some, and common nouns begin small."""
    return script_of(language) in CASED and language.split("-")[0] not in NOUNS


def names_in(text: str) -> tuple[str, ...]:
    """The capitalised inner words of `text`, in order: a run of letters, digits, inner hyphens and apostrophes of at
    least two characters whose first is a capital, and which begins neither the text nor what follows one of . ? ! : ; …

    >>> names_in("Where did Ada Lovelace meet Babbage? In London, or in Turin's Palazzo?")
    ('Ada', 'Lovelace', 'Babbage', 'London', "Turin's", 'Palazzo')
    """
    found = []
    for number, match in enumerate(_WORD.finditer(text)):
        before = text[: match.start()].rstrip(" \t\n\"'“”„«»‘’()[]¿¡")
        starts = number == 0 or before.endswith(tuple(_ENDS))
        word = match.group()
        if not starts and len(word) > 1 and (word[0].isupper() or word[0].istitle()):
            found.append(word)
    return tuple(found)
