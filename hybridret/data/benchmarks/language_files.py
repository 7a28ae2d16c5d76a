"""Common parts of readers of published files: find one file per language; check whether training used the articles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from hybridret.base.errors import UserError
from hybridret.base.languages import chosen_languages
from hybridret.data.hints import hint
from hybridret.data.squad import Paragraph


@runtime_checkable
class HasArticles(Protocol):
    """A pair source that can name the articles in its training part."""

    def articles(self) -> frozenset[str] | None: ...


def language_files(
    benchmark: str,
    path: str | None,
    pattern: str,
    known: Sequence[str],
    languages: Sequence[str] | None,
    published: str,
) -> dict[str, Path]:
    """Language -> its file in the folder `path`, plain or gzipped. `pattern` is a file name, with {l} for the language.

    languages: the languages, in this order; None: all of the benchmark (`known`).
    published: address of the published data, for the error message.

    Raises UserError when the path is not set or not a folder, a language is unknown, or files are missing.
    """
    if not path:
        raise UserError(f"eval.{benchmark}.path is not set: give the folder with {pattern}. {published}")
    folder = Path(path).expanduser()
    chosen = chosen_languages(f"eval.{benchmark}.languages", languages, known)
    names = {language: pattern.replace("{l}", language) for language in chosen}

    def of_folder(directory: Path) -> dict[str, Path]:
        return {
            language: file
            for language, name in names.items()
            for file in [directory / name, directory / f"{name}.gz"][::-1]
            if file.is_file()
        }

    found = of_folder(folder)
    remark = "" if found else hint(folder, f"eval.{benchmark}.path", lambda directory: bool(of_folder(directory)))
    if not folder.is_dir():
        raise UserError(f"eval.{benchmark}.path: there is no folder {path}.{remark} {published}")
    missing = [names[language] for language in chosen if language not in found]
    if missing:
        here = ", ".join(found)
        if found:
            remark = f" The folder has {here}: eval.{benchmark}.languages=[{here.replace(' ', '')}]."
        raise UserError(f"{folder} lacks {', '.join(missing)}. {published}{remark}")
    return {language: found[language] for language in chosen}


def in_domain_note(source: object, paragraphs: Mapping[str, Iterable[Paragraph]]) -> dict[str, str]:
    """A note when articles of the benchmark occur in the training data: its values are then in-domain."""
    if not isinstance(source, HasArticles):
        return {}
    titles = {paragraph.title for members in paragraphs.values() for paragraph in members if paragraph.title}
    try:
        shared = titles & (source.articles() or frozenset())
    except UserError:  # the training data may be missing on this machine
        return {"in-domain": "not known: the training data of the run is not at hand"}
    if not shared:
        return {}
    return {"in-domain": f"{len(shared)} of its {len(titles)} articles also stand in the training data"}
