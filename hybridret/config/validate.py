"""A composed config becomes `Settings`: resolved, complete, without unknown keys."""

from __future__ import annotations

import re
import typing
from collections.abc import Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import (
    InterpolationResolutionError,
    InterpolationToMissingValueError,
    MissingMandatoryValue,
    OmegaConfBaseException,
)

from hybridret.base.errors import UserError
from hybridret.base.ranges import check_section
from hybridret.base.settings import EvaluateSettings, LeakSettings, Settings
from hybridret.config.run_identity import check_seed, check_size, without_defaults

LEAKS = "leaks"
BACKBONE_EXTRAS = ("name", "default_size", "checkpoint")  # for other sections and reports


def resolved(config: DictConfig) -> dict[str, Any]:
    """The config without interpolations and without what `without_defaults` leaves out, as plain dicts and lists.

    Raises UserError for a mandatory value that is missing (`???`), for a size that the family lacks, and for a broken
    interpolation.
    """
    check_size(config)
    try:
        plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except MissingMandatoryValue as error:
        key = error.full_key or "a value"
        raise UserError(f"{key} has no value: set it on the command line, {key}=VALUE.") from error
    except InterpolationToMissingValueError as error:  # the key that the interpolation names has no value
        named = re.search(r"Missing mandatory value: (\S+)", str(error))
        key = named[1] if named else error.full_key or "a value"
        raise UserError(f"{key} has no value: set it on the command line, {key}=VALUE.") from error
    except (InterpolationResolutionError, OmegaConfBaseException) as error:
        raise UserError(f"{getattr(error, 'full_key', None) or 'config'}: {str(error).splitlines()[0]}") from error
    return without_defaults(typing.cast(dict[str, Any], plain))


def read_settings(plain: Mapping[str, Any]) -> Settings:
    """Check a resolved config against `Settings`, section by section.

    Raises UserError naming the key (and the nearest right one) for whatever is unknown, missing, of another type or out
    of range.
    """
    return typing.cast(Settings, _read(Settings, _with_leaks(plain)))


def read_evaluate_settings(plain: Mapping[str, Any]) -> EvaluateSettings:
    """The same for a backbone that is evaluated without training; sections that only a training reads are ignored.

    Raises UserError as `read_settings` does.
    """
    of_training = typing.get_type_hints(Settings).keys() - typing.get_type_hints(EvaluateSettings).keys()
    plain = _with_leaks(plain)
    chosen = {key: value for key, value in plain.items() if key not in of_training and value is not None}
    return typing.cast(EvaluateSettings, _read(EvaluateSettings, {"data": {}} | chosen))


def _with_leaks(plain: Mapping[str, Any]) -> dict[str, Any]:
    """`plain` with `data.leaks`, which is no argument of a source, on its own as `leaks`; without `data` where that
    held nothing else. Raises UserError naming the key as the user writes it.
    """
    data = plain.get("data")
    if not isinstance(data, Mapping) or LEAKS not in data:
        return dict(plain)
    section = data[LEAKS]
    if not isinstance(section, Mapping):
        raise UserError(f"data.{LEAKS}={section!r}: it is a section; set data.{LEAKS}.KEY=VALUE.")
    check_section(LeakSettings, section, f"data.{LEAKS}")  # again with the others, then under a name that is none
    own = {key: value for key, value in data.items() if key != LEAKS}
    others = {key: value for key, value in plain.items() if key != "data"} | ({"data": own} if own else {})
    return {**others, LEAKS: section}


def _read(kind: type, plain: Mapping[str, Any]) -> Any:
    plain = {key: value for key, value in plain.items() if key != "hydra"}
    if "seed" in plain:  # checked first: OmegaConf has no bounds, and the name of the run has the seed
        check_seed(plain["seed"])
    return check_section(kind, plain)


def plain_without_hydra(plain: dict[str, Any]) -> dict[str, Any]:
    """The resolved config as a run directory keeps it."""
    return {key: value for key, value in plain.items() if key != "hydra"}
