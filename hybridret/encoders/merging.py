"""Two saved encoders of one architecture become a third, whose weights lie on the line between theirs.

Weights are read, mixed and written in pieces of some megabytes, so that memory does not grow with the model. Sums are
in fp64, then rounded to the type of the file (by torch, to 16 bits by way of fp32).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import torch

from hybridret.base.checksums import CHECKSUM, write_sealed
from hybridret.base.errors import UserError
from hybridret.base.files import hash_file, read_json
from hybridret.base.progress import Progress
from hybridret.encoders.folder import DESCRIPTION, FORMAT, WEIGHTS, atomic_folder, checked_folder, saved_body
from hybridret.encoders.tensor_file import FLOATS, StoredTensor, read_header
from hybridret.encoders.tokenization import tokenizer_rules

CONFIG = "config.json"  # of transformers: compared by what it says, since it also names versions
TOKENIZER = "tokenizer.json"
_SHOWN = 5  # differences in one message
#: Keys of an architecture that no vector in evaluation mode depends on.
_WITHOUT_EFFECT = ("attention", "_name_or_path", "architectures", "dtype", "torch_dtype", "transformers_version")


def check_mergeable(first: Path, second: Path, trust_remote_code: bool = False) -> None:
    """Raise UserError naming all that differs beside the weights between the saved encoders `first` and `second`:
    architecture, pooling, text settings, the rules of the tokenizer, names, shapes and types of tensors, and the values
    of buffers and of integers, which cannot be interpolated. Also where a folder is damaged.
    """
    (first, ours), (second, theirs) = checked_folder(first), checked_folder(second)
    found = list(_differences(first, ours, second, theirs))
    found = found or list(_tensor_differences(first, second, _buffers(first, ours, trust_remote_code)))
    if found:
        more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise UserError(
            f"{first} and {second} cannot be merged, they differ in {'; '.join(found[:_SHOWN])}{more}. Merge runs of "
            "one backbone, size, tokenizer and text settings."
        )


def merge_encoders(first: Path, second: Path, ratio: float, folder: Path, progress: Progress) -> None:
    """Write `folder`, a saved encoder with the weights ratio * first + (1 - ratio) * second, whole or not at all. 1 and
    0 give the bits of `first` and `second`.

    For encoders that passed `check_mergeable`. Raises UserError where one is damaged or `folder` cannot be written.
    """
    (first, saved), (second, _) = checked_folder(first), checked_folder(second)
    with atomic_folder(folder) as temporary:
        for name in saved["files"]:
            if name != WEIGHTS:
                (temporary / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(first / name, temporary / name)
        _write_weights(first / WEIGHTS, second / WEIGHTS, ratio, temporary / WEIGHTS, progress)
        described = {key: value for key, value in saved.items() if key != CHECKSUM}
        files = {**saved["files"], WEIGHTS: hash_file(temporary / WEIGHTS, length=64)}
        write_sealed(temporary / DESCRIPTION, {**described, "format": FORMAT, "files": files})


def _write_weights(first: Path, second: Path, ratio: float, target: Path, progress: Progress) -> None:
    header, tensors = read_header(first)
    others = {one.name: one for one in read_header(second)[1]}
    with open(first, "rb") as ours, open(second, "rb") as theirs, open(target, "wb") as out:
        out.write(header)
        with progress.task("merge weights", len(tensors)) as advance:
            for tensor in tensors:
                for piece in _mixed(tensor, ours, others[tensor.name], theirs, ratio):
                    out.write(piece)
                advance(1)


def _mixed(
    tensor: StoredTensor, ours: BinaryIO, other: StoredTensor, theirs: BinaryIO, ratio: float
) -> Iterator[bytes | bytearray]:
    """The bytes of ratio * tensor + (1 - ratio) * other."""
    kind = FLOATS.get(tensor.kind)
    if ratio == 1 or kind is None:
        yield from tensor.pieces(ours)
    elif ratio == 0:  # not by the sum, which would turn -0.0 into 0.0
        yield from other.pieces(theirs)
    else:
        for left, right in zip(tensor.pieces(ours), other.pieces(theirs), strict=True):
            # In place: the pieces are read for this alone.
            a = torch.frombuffer(left, dtype=kind).double().mul_(ratio)
            b = torch.frombuffer(right, dtype=kind).double().mul_(1 - ratio)
            yield a.add_(b).to(kind).view(torch.uint8).numpy().tobytes()


def _differences(first: Path, ours: dict[str, Any], second: Path, theirs: dict[str, Any]) -> Iterator[str]:
    """What differs in the descriptions and in the files beside the weights."""
    for key in ("body", "pooling", "append_eos", "text"):
        yield from _unequal(key, ours[key], theirs[key])
    names = [name for name in {**ours["files"], **theirs["files"]} if name != WEIGHTS]
    for name in names:
        held = [saved["files"].get(name) for saved in (ours, theirs)]
        if name == CONFIG and all(held):
            yield from _unequal(name, read_json(first / name), read_json(second / name))
        elif held[0] != held[1] and not (name == TOKENIZER and all(held) and _same_rules(first / name, second / name)):
            yield name if all(held) else f"{name}, which only {first if held[0] else second} has"


def _same_rules(ours: Path, theirs: Path) -> bool:
    """Whether two tokenizers give the same tokens: earlier versions also wrote how their last texts were cut."""
    try:
        return tokenizer_rules(ours.read_text("utf-8")) == tokenizer_rules(theirs.read_text("utf-8"))
    except ValueError:
        return False  # no JSON: the bytes count


def _unequal(key: str, ours: Any, theirs: Any) -> Iterator[str]:
    """`key: 1 against 2` for each value below `key` that differs, but for those without effect."""
    name = key.rpartition(".")[2]
    if name in _WITHOUT_EFFECT or "dropout" in name:
        return
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        for one in {**ours, **theirs}:
            yield from _unequal(f"{key}.{one}", ours.get(one), theirs.get(one))
    elif ours != theirs:
        yield f"{key}: {json.dumps(ours)} against {json.dumps(theirs)}"


def _tensor_differences(first: Path, second: Path, buffers: set[str]) -> Iterator[str]:
    ours, theirs = ({one.name: one for one in read_header(folder / WEIGHTS)[1]} for folder in (first, second))
    if missing := sorted(ours.keys() ^ theirs.keys()):
        yield f"the tensor {missing[0]}, which only {first if missing[0] in ours else second} has"
        return
    with open(first / WEIGHTS, "rb") as left, open(second / WEIGHTS, "rb") as right:
        for name, one in ours.items():
            other = theirs[name]
            for what, pair in (("shape", (one.shape, other.shape)), ("type", (one.kind, other.kind))):
                if pair[0] != pair[1]:
                    yield f"the {what} of {name}: {pair[0]} against {pair[1]}"
                    break
            else:
                fixed = one.kind not in FLOATS or name in buffers
                if fixed and any(a != b for a, b in zip(one.pieces(left), other.pieces(right), strict=True)):
                    yield f"the values of {name}, which are not trained"


def _buffers(folder: Path, saved: dict[str, Any], trust_remote_code: bool) -> set[str]:
    """Names of the tensors of a body that are no parameters; its weights are not made."""
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        body = saved_body(folder, saved, trust_remote_code)
    return {name for name, _ in body.named_buffers()}
