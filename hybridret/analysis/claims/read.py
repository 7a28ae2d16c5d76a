"""Read claims from a yaml file: a list under `claims`, each with its `kind` and the fields of that kind."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from hybridret.analysis.claims.statements import KINDS, Claim
from hybridret.base.errors import UserError, nearest

PAPER = Path(__file__).with_name("paper.yaml")
_CHOICES = ("of", "against", "among")
_KINDS = {str(kind.__dataclass_fields__["kind"].default): kind for kind in KINDS}


def read_claims(path: Path) -> list[Claim]:
    """The claims of the file `path`, in order.

    Raises UserError that names the file, the line and the key: no yaml, no list, an unknown kind or key, a key that is
    missing, a value that it may not have, or a name that stands twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        found = yaml.safe_load(text)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}). Give the file of claims.") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(f"{path} is no yaml: {' '.join(str(error).split())}") from error
    rows = found.get("claims") if isinstance(found, Mapping) else None
    if not isinstance(rows, list) or not rows:
        raise UserError(f"{path}: expected a list under `claims:`, each with name, kind, says, metric and setting.")
    lines = _lines(node)
    claims: list[Claim] = []
    for row, line in zip(rows, lines, strict=True):
        claim = _claim(row, f"{path}, line {line}")
        if claim.name in {one.name for one in claims}:
            raise UserError(f"{path}, line {line}: two claims are called {claim.name!r}; give one another name.")
        claims.append(claim)
    return claims


def _lines(node: Any) -> list[int]:
    """The lines of the entries of `claims`."""
    (rows,) = [value for key, value in node.value if key.value == "claims"]
    return [one.start_mark.line + 1 for one in rows.value]


def _claim(row: Any, where: str) -> Claim:
    if not isinstance(row, Mapping):
        raise UserError(f"{where}: a claim is a mapping with name, kind and says, not {row!r}.")
    kind = row.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise UserError(f"{where}: kind {kind!r} is not known. {nearest(str(kind), _KINDS)}")
    return _record(_KINDS[kind], row, where)


def _record(kind: type[Claim], row: Mapping[Any, Any], where: str) -> Claim:
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for key in row:
        if key not in fields:
            raise UserError(f"{where}: the key {key!r} is not known. {nearest(str(key), fields)}")
    needed = (dataclasses.MISSING, dataclasses.MISSING)
    for name, field in fields.items():
        if name not in row and (field.default, field.default_factory) == needed:
            raise UserError(f"{where}: the key {name!r} is missing.")
    try:
        return TypeAdapter(kind).validate_python({key: _short(key, value) for key, value in row.items()})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(one) for one in first["loc"] if not str(one).startswith(("function", "tuple", "float")))
        raise UserError(f"{where}: {key}={first['input']!r} is refused: {first['msg'].lower()}.") from None


def _short(key: str, value: Any) -> Any:
    """`mono` is short for `{strategy: mono}`."""
    if key not in _CHOICES:
        return value
    if isinstance(value, list):
        return [{"strategy": one} if isinstance(one, str) else one for one in value]
    return {"strategy": value} if isinstance(value, str) else value
