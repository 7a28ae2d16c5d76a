"""Language codes: BCP 47 tags as the field writes them (`en`, `zh`, `zh-hant`), their names and scripts from CLDR."""

from __future__ import annotations

import re
from functools import cache

from hybridret.errors import UserError

_CODE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*")


def check_language(code: str, where: str) -> str:
    """Return `code` if it has the form of a language code, else raise UserError that names `where` it stood."""
    if not _CODE.fullmatch(code):
        raise UserError(f"{where}: {code!r} is not a language code; write it in lower case, like 'en' or 'zh-hant'.")
    return code


@cache
def script_of(code: str) -> str:
    """The usual script of a language as an ISO 15924 code (`Latn`, `Arab`); `Zzzz` where CLDR knows none."""
    from babel.core import get_global

    parts = code.split("-")
    for part in parts[1:]:
        if len(part) == 4 and part.isalpha():
            return part.title()
    likely = get_global("likely_subtags").get(parts[0], "")
    return likely.split("_")[1] if likely.count("_") >= 2 else "Zzzz"


@cache
def language_name(code: str) -> str:
    """The English name of a language; the code itself where CLDR knows none."""
    from babel import Locale

    names = Locale("en").languages
    return str(names.get(code.replace("-", "_")) or names.get(code.split("-")[0]) or code)
