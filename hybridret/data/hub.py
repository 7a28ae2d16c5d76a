"""Files of a data set: from a local folder, or from the Hugging Face hub if there is a network.

A local folder has the layout of the hub's repository, so that files fetched on a connected machine can be read on a
machine without network.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from hybridret.base.errors import UserError
from hybridret.data.hints import hint

FEW = 6  # the most files that a message lists one by one


def fetch(
    repo: str,
    files: Sequence[str],
    revision: str,
    path: str | None,
    key: str,
    below: str = "",
    revision_key: str = "revision",
) -> Path:
    """The folder that holds `files` (names or globs such as `docs-*.jsonl.gz`, relative to the repository).

    repo: data set on the hub, OWNER/NAME. revision: branch, tag or commit; only a commit never changes.
    path: a local folder of the same layout; files that are .gz on the hub may be plain there, and vice versa. None: the
    hub (with its own progress bars and cache; resumed after an interruption).
    key: the section of the config, such as `eval.miracl`, for messages.
    revision_key: the key of the section for the revision, for messages.
    below: the folder below `path` that holds the repository; "" for `path` itself.

    Raises UserError for a missing folder or file, and without network or permission, with the command that fetches the
    files on a connected machine.
    """
    if path is not None:
        folder = Path(path).expanduser() / below
        missing = [name for name in files if not find(folder, name)]
        advice = ""
        if not below and len(missing) == len(files):
            advice = hint(folder, f"{key}.path", lambda one: any(find(one, name) for name in files))
        if not folder.is_dir():
            raise UserError(
                f"{key}.path: there is no folder {folder}.{advice} {_command(repo, files, revision, str(folder))}."
            )
        if missing:
            raise UserError(
                f"{folder} lacks {_listed(missing)}.{advice} {_command(repo, missing, revision, str(folder))}."
            )
        return folder
    folder = _from_hub(repo, files, revision, key, below)
    if missing := [name for name in files if not find(folder, name)]:
        raise UserError(
            f"{repo} at revision {revision} on the Hugging Face hub has no {_listed(missing)}. Set "
            f"{key}.{revision_key} to one that has, or {key}.path to a folder with these files."
        )
    return folder


def find(folder: Path, name: str) -> list[Path]:
    """The files of `folder` that match `name`, a relative path or glob, plain or .gz, sorted by the numbers in names.

    If a file exists both plain and packed, only the version that `name` matches is returned; [] if no file matches.
    """
    for wanted in (name, _other(name)):
        if found := [file for file in folder.glob(wanted) if file.is_file()]:
            return sorted(found, key=_by_number)
    return []


def _other(name: str) -> str:
    """The name of the same file with .gz, or without if it has it."""
    return name.removesuffix(".gz") if name.endswith(".gz") else f"{name}.gz"


def _by_number(file: Path) -> tuple[list[int], str]:
    """Sort key by the numbers in a name: docs-2 before docs-10."""
    digits = "".join(character if character.isdecimal() else " " for character in file.name)
    return [int(number) for number in digits.split()], str(file)


def _from_hub(repo: str, files: Sequence[str], revision: str, key: str, below: str) -> Path:
    import huggingface_hub
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

    try:
        folder = huggingface_hub.snapshot_download(
            repo, repo_type="dataset", revision=revision, allow_patterns=[*files, *map(_other, files)]
        )
    except (HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled, OSError) as error:
        reason = f"{type(error).__name__}: {str(error).strip().splitlines()[0].rstrip('.')}"
        if isinstance(error, LocalEntryNotFoundError | OfflineModeIsEnabled):
            reason = "not in its local cache, and the hub is not reached"
        raise UserError(
            f"{key}: {repo} cannot be fetched from the Hugging Face hub ({reason}). "
            f"{_command(repo, files, revision, str(Path('DIR') / below))} ; then set {key}.path=DIR."
        ) from error
    return Path(folder)


def _command(repo: str, files: Sequence[str], revision: str, folder: str) -> str:
    include = " ".join(f"--include {shlex.quote(name)}" for name in _patterns(files))
    return (
        f"On a machine with network: hf download {repo} --repo-type dataset --revision {shlex.quote(revision)} "
        f"{include} --local-dir {shlex.quote(folder)}"
    )


def _patterns(files: Sequence[str]) -> list[str]:
    """`files`, or for many files a few globs that match all of them, so that a command stays short.

    >>> _patterns([f"{language}-corpus/dev-*.parquet" for language in ("ar", "bn", "de", "en", "es", "fa", "fi")])
    ['*-corpus/dev-*.parquet']
    >>> _patterns([f"queries/{language}_train.tsv" for language in "abcdef"] + ["data/triples.tsv"])
    ['queries/*_train.tsv', 'data/triples.tsv']
    """
    if len(files) <= FEW:
        return list(files)
    if all("-" in name for name in files):
        kinds = dict.fromkeys(f"*-{name.partition('-')[2]}" for name in files)  # LANGUAGE-KIND/...
        if len(kinds) <= FEW:
            return list(kinds)
    folders: dict[str, list[str]] = {}
    for name in files:
        folders.setdefault(name.rpartition("/")[0], []).append(name)
    if len(folders) <= FEW:  # FOLDER/LANGUAGE_KIND...
        return [f"{folder}/*{_ending(names)}" if len(names) > 1 else names[0] for folder, names in folders.items()]
    first = os.path.commonprefix(list(files))  # noqa: RUF071 - by character
    return [f"{first}*{_ending(files).lstrip('*')}"]


def _ending(names: Sequence[str]) -> str:
    """The longest text that all of `names` end with."""
    return os.path.commonprefix([name[::-1] for name in names])[::-1]  # noqa: RUF071 - by character


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
