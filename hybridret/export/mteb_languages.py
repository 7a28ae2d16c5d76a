"""Language codes as mteb writes them: ISO 639-3 and script, `deu-Latn` for `de`."""

from __future__ import annotations

from hybridret.base.errors import UserError
from hybridret.base.languages import script_of


def mteb_language(code: str) -> str:
    """The code of `de`, `zh-hant` or `ceb` in mteb. Raises UserError for a two-letter code that ISO 639-1 lacks.

    >>> mteb_language("de"), mteb_language("zh-hant"), mteb_language("ceb")
    ('deu-Latn', 'zho-Hant', 'ceb-Latn')
    """
    from langcodes import Language

    language = code.split("-")[0]
    try:
        short = language if len(language) > 2 else Language.make(language=language).to_alpha3()
    except LookupError:
        raise UserError(
            f"{code!r} is no language of ISO 639-1, so that mteb has no code for it. Use its ISO 639-3 code."
        ) from None
    return f"{short}-{script_of(code)}"
