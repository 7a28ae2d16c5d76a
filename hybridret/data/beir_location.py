"""Location of a set in BEIR's layout: in a folder, in a subfolder, or in BEIR's own .zip archive of the set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from hybridret.base.errors import UserError
from hybridret.data.archive import listed, unpacked
from hybridret.data.beir_layout import CORPUS, QUERIES
from hybridret.data.hints import hint, is_archive
from hybridret.data.hub import find


def holds_set(folder: Path) -> bool:
    """Whether a folder holds a set in BEIR's layout: whether it has a corpus."""
    return bool(find(folder, CORPUS))


def zipped(file: Path, names: Sequence[str] = (), unpack: bool = True) -> Path:
    """The cache folder with the set of a .zip: its folder with one of `names`, else its root, else its only folder with
    a corpus. Without `unpack` only the list of files is read, and `file` is returned.

    Raises UserError if the archive has no complete set, or is not a .zip.
    """
    if is_archive(file) and file.suffix.lower() != ".zip":
        raise UserError(f"{file}: only .zip archives are read as they are. Unpack it, and give the folder.")
    parts = [name for name in listed(file) if _is_part(name)]
    holding = {name.parent for name in parts if name.name.removesuffix(".gz") == CORPUS}
    root = PurePosixPath()
    found = [one for one in (*map(PurePosixPath, names), root) if one in holding][:1]
    found = found or sorted(one for one in holding if one.parent == root)
    if len(found) != 1:
        within = f"several sets ({', '.join(map(str, found))})" if found else f"no {CORPUS}"
        raise UserError(
            f"{file} holds {within}; expected the archive of one set, with {CORPUS} in it or in its folder."
        )
    folder = found[0]
    asked = any(name.parent == folder and name.name.removesuffix(".gz") == QUERIES for name in parts)
    if not (asked and any(name.parent == folder / "qrels" for name in parts)):
        raise UserError(f"{file} lacks {QUERIES} or qrels/ beside its {CORPUS}. Fetch the file again.")
    return unpacked(file, _is_part) / folder if unpack else file


def location_of(path: Path, names: Sequence[str], unpack: bool = True) -> Path | None:
    """The folder of a set: one of `names` below `path` ("": `path` itself), or the unpacked .zip with that name; `path`
    may be the .zip itself. None if there is no such folder or .zip. `unpack` and errors as in `zipped`."""
    if path.is_file():
        return zipped(path, [name for name in names if name], unpack)
    for name in names:
        if holds_set(path / name):
            return path / name
    for name in filter(None, names):
        file = path / f"{name.partition('/')[0]}.zip"
        if file.is_file():
            return zipped(file, [name, name.partition("/")[2] or name], unpack)
    return None


def elsewhere(path: Path, key: str, names: Sequence[str]) -> str:
    """A hint for an error message if such a set is directly below or above `path`, else ""."""
    if found := hint(path, key, lambda folder: any(holds_set(folder / name) for name in names)):
        return found
    files = [one for one in sorted(path.glob("*.zip")) if one.is_file()] if path.is_dir() else []
    return f" It holds {files[0].name}, which is read as it is: set {key}={files[0]}." if "" in names and files else ""


def _is_part(name: PurePosixPath) -> bool:
    if ".." in name.parts or name.is_absolute():  # suspicious: no honest archive has such names
        return False
    return name.name.removesuffix(".gz") in (CORPUS, QUERIES) or name.parent.name == "qrels"
