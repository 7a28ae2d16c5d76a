"""An encoder as a folder: `model.safetensors`, the tokenizer's files and `encoder.json`, which describes them.

`encoder.json` contains the format version, the body's kind and architecture, pooling, text settings, and the SHA-256 of
every other file and of itself. So a folder that is incomplete, mixed or edited is detected before it gives wrong
vectors (docs/pitfalls.md#missing-weights, docs/pitfalls.md#text-settings). Weights are loaded strictly. Nothing is
unpickled.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_model, save_file
from torch import Tensor

from hybridret.base.checksums import CHECKSUM, unsealed, write_sealed
from hybridret.base.errors import UserError
from hybridret.base.files import folder_beside, hash_file, read_json, umask
from hybridret.base.settings import TextSettings
from hybridret.encoders.bodies import body_class
from hybridret.encoders.dual import Body, DualEncoder
from hybridret.encoders.plain_state import plain_state
from hybridret.encoders.tokenization import Tokenization

FORMAT = 2
WITHOUT_CHECKSUM = 1  # the previous format, whose encoder.json has no checksum; one flipped bit does not turn 2 into 1
WEIGHTS = "model.safetensors"
DESCRIPTION = "encoder.json"
_TYPES: Mapping[str, type] = {"body": dict, "pooling": str, "text": dict, "append_eos": bool, "files": dict}
_MISFITS = (
    TypeError, ValueError, OSError, LookupError, AttributeError, ArithmeticError, RuntimeError, MemoryError,
    AssertionError,
)  # fmt: skip


def save_encoder(encoder: DualEncoder, folder: Path, state: Mapping[str, Tensor] | None = None) -> None:
    """Write `encoder` as `folder`, completely or not at all; an older encoder there is replaced. LoRA's weights are
    merged.

    `state`: the weights, for a sharded body (`plain_state.merge` of the tensors gathered from all processes); None: the
    body's own. Raises UserError when it cannot be written.
    """
    with atomic_folder(Path(folder)) as temporary:
        architecture = encoder.body.save_architecture(temporary)
        encoder.tokenization.save(temporary)
        weights = plain_state(encoder.body) if state is None else state
        save_file({name: tensor.contiguous() for name, tensor in weights.items()}, temporary / WEIGHTS)
        files = sorted(path.relative_to(temporary).as_posix() for path in temporary.rglob("*") if path.is_file())
        description: dict[str, Any] = {
            "format": FORMAT,
            "body": {"kind": encoder.body.kind, "architecture": architecture},
            "pooling": encoder.pooling,
            "text": asdict(encoder.tokenization.text),
            "append_eos": encoder.tokenization.append_eos,
            "files": {name: hash_file(temporary / name, length=64) for name in files},
        }
        write_sealed(temporary / DESCRIPTION, description)


def load_encoder(folder: Path, trust_remote_code: bool = False) -> DualEncoder:
    """The encoder that `save_encoder` wrote, on the CPU and in evaluation mode; its outputs are bitwise those of the
    saved encoder.

    Raises UserError naming the file that is missing, damaged, or of another architecture.
    """
    folder, saved = checked_folder(folder)
    body = saved_body(folder, saved, trust_remote_code)
    try:
        load_model(body, str(folder / WEIGHTS), strict=True)
    except (RuntimeError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:300]
        raise UserError(
            f"{folder / WEIGHTS} does not fit the architecture in {folder / DESCRIPTION}: {reason}. "
            "The folder mixes two encoders; copy it again."
        ) from error
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=trust_remote_code
        )
    except (OSError, ValueError, TypeError, KeyError) as error:  # also for a tokenizer with code of its own
        reason = " ".join(str(error).split())[:300]
        raise UserError(f"The tokenizer in {folder} cannot be read ({reason}). Copy the folder again.") from error
    try:
        text = TextSettings(**{field.name: saved["text"][field.name] for field in fields(TextSettings)})
        return DualEncoder(body, saved["pooling"], Tokenization(tokenizer, text, saved["append_eos"])).eval()
    except UserError as error:
        raise UserError(f"{folder / DESCRIPTION}: {error}") from error


def checked_folder(folder: Path) -> tuple[Path, dict[str, Any]]:
    """The folder of a saved encoder, which is another one after a kill, and the content of its `encoder.json`.

    Raises UserError naming the file that is missing or damaged; all files are read.
    """
    folder = _present(folder)
    if not (folder / DESCRIPTION).is_file():
        raise UserError(
            f"{folder} is not a saved encoder: {folder / DESCRIPTION} is missing. Give checkpoints/best of a run."
        )
    saved = _description(folder)
    for name, expected in saved["files"].items():
        path = folder / name
        if not path.is_file():
            raise UserError(f"{path} is missing: the encoder in {folder} is not whole. Copy the folder again.")
        if hash_file(path, length=64) != expected:
            raise UserError(
                f"{path} is damaged or was changed: its SHA-256 is not that in {DESCRIPTION}. Copy the folder again."
            )
    return folder, saved


def weights_sum(folder: Path) -> str:
    """The SHA-256 of the weights that `encoder.json` records. Raises UserError where that is missing or damaged."""
    return str(_description(_present(folder))["files"][WEIGHTS])


def saved_body(folder: Path, saved: Mapping[str, Any], trust_remote_code: bool) -> Body:
    """The body that `saved`, the content of `encoder.json`, describes, with arbitrary weights."""
    found = body_class(saved["body"]["kind"])
    assert found is not None
    try:
        return found.load_architecture(folder, saved["body"]["architecture"], trust_remote_code)
    except UserError as error:
        raise UserError(f"{folder / DESCRIPTION}: {error}") from error
    except _MISFITS as error:
        reason = " ".join(str(error).split())[:300]
        raise UserError(
            f"{folder / DESCRIPTION} does not describe a {saved['body']['kind']} encoder ({reason}). The folder mixes "
            "two encoders; copy it again."
        ) from error


def _description(folder: Path) -> dict[str, Any]:
    path = folder / DESCRIPTION
    saved = read_json(path)
    if not isinstance(saved, dict) or saved.get("format") not in (FORMAT, WITHOUT_CHECKSUM):
        raise UserError(f"{path} is not of format {FORMAT}: the folder was written by another version of hybridret.")
    if unsealed(saved) is None or (saved["format"] == FORMAT and CHECKSUM not in saved):
        raise UserError(
            f"{path} is damaged or was changed: its SHA-256 is not that which stands in it. Copy the folder again."
        )
    for key, kinds in _TYPES.items():
        if not isinstance(saved.get(key), kinds):
            what = "lacks" if key not in saved else "holds another type in"
            raise UserError(f"{path} is not whole: it {what} {key}. Copy the folder again.")
    kind, files = saved["body"].get("kind"), saved["files"]
    if not isinstance(kind, str) or body_class(kind) is None or WEIGHTS not in files or "tokenizer.json" not in files:
        raise UserError(f"{path} is not whole: its body is of kind {kind!r}, or files are not named. Copy it again.")
    if not isinstance(saved["body"].get("architecture"), dict) or not all(
        isinstance(one, str) for one in files.values()
    ):
        raise UserError(f"{path}: its architecture or its files are of another type. Copy the folder again.")
    for field in fields(TextSettings):
        wanted = str if field.name.endswith("prefix") else int
        if type(saved["text"].get(field.name)) is not wanted:
            raise UserError(f"{path}: text.{field.name} is missing or of another type. Copy the folder again.")
    return saved


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `folder` and rename it to `folder` at the end; an older one there is replaced."""
    with folder_beside(folder, SafetensorError) as temporary:
        _recover(folder)
        yield temporary
        os.chmod(temporary, 0o777 & ~umask())  # mkdtemp sets 0700: colleagues on a cluster must be able to read
        for path in temporary.rglob("*"):
            if path.is_dir():
                continue
            os.chmod(path, 0o666 & ~umask())  # safetensors sets 0600
            with open(path, "rb") as file:
                os.fsync(file.fileno())
        if folder.exists():
            os.replace(folder, _old(folder))
        os.replace(temporary, folder)
        shutil.rmtree(_old(folder), ignore_errors=True)


def _present(folder: Path) -> Path:
    """`folder`, or what it was before a replacement that was killed between its two renames."""
    folder = Path(folder)
    return _old(folder) if not folder.exists() and _old(folder).exists() else folder


def _old(folder: Path) -> Path:
    return folder.parent / f".{folder.name}.old"


def _recover(folder: Path) -> None:
    """Undo a replacement that was killed between its two renames, or finish one that was killed after them."""
    if _old(folder).exists():
        if folder.exists():
            shutil.rmtree(_old(folder))
        else:
            os.replace(_old(folder), folder)
