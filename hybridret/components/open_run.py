"""Open a finished run again: its config, its encoder, its test collections."""

from __future__ import annotations

import io
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from hybridret.base.checksums import read_sealed_text
from hybridret.base.errors import UserError
from hybridret.base.progress import Quiet
from hybridret.base.records import Collection, FloatArray
from hybridret.components.components import Components
from hybridret.components.evaluate_components import EvaluateComponents
from hybridret.config.entry import config_folder
from hybridret.config.trust import REMOTE_CODE, check_plain, check_stored
from hybridret.config.validate import read_settings
from hybridret.data.benchmarks.heldout import Heldout
from hybridret.runs import RunDirectory
from hybridret.runs.migrations import with_later_keys
from hybridret.runs.sums import check_sum

if typing.TYPE_CHECKING:
    from hybridret.encoders.dual import DualEncoder


@dataclass(frozen=True)
class OpenRun:
    """What a finished run left: the encoder of its best validation, its test collections, its config."""

    encoder: DualEncoder
    collections: tuple[Collection, ...]
    config: dict[str, Any]

    def encode(
        self, texts: Sequence[str], kind: typing.Literal["query", "passage"], batch_size: int = 64
    ) -> FloatArray:
        """Unit vectors [n, D], fp32, of `texts`, with the prefix and the length that the run has for `kind`."""
        from hybridret.retrieval.encode import encode_texts

        return encode_texts(self.encoder, texts, kind, batch_size, Quiet())


def open_run(path: Path, trust: Sequence[str] = ()) -> OpenRun:
    """Load a run directory. Raises UserError where it is missing, damaged, or its data no longer exists.

    It starts only the plug-ins that `conf/` names. `trust` adds others by their `_target_`, and with "remote_code" the
    code in its checkpoint.
    """
    run = RunDirectory(Path(path))
    config = read_config(run, trust)
    components = Components(read_settings(config))
    trained = run.read_result()
    if trained is not None:
        check_heldout(components, trained, run.path)
    return OpenRun(components.load(run, REMOTE_CODE in trust), components.collections(Quiet()), config)


def check_heldout(components: EvaluateComponents, trained: Mapping[str, Any], run: Path) -> None:
    """Raise UserError where the held-out part of the data is asked for, but the data is not that of the training: an
    article may have moved from the training to the test part.
    """
    held = (trained.get("data") or {}).get("fingerprint")
    if (
        held is None
        or components.source is None
        or not any(isinstance(one, Heldout) for one in components.benchmarks.values())
    ):
        return
    found = components.source.fingerprint()
    if found != held:
        raise UserError(
            f"The training data of {run} changed since it was trained (fingerprint {held}, now {found}), so its "
            f"held-out part may hold what was trained on. Restore the data, or evaluate on other benchmarks."
        )


def read_config(run: RunDirectory, trust: Sequence[str] = ()) -> dict[str, Any]:
    """The resolved config of a run directory, which may come from another person: it may start only what `conf/` names
    or `trust` grants. Raises UserError otherwise, and where it is missing or damaged.
    """
    if not run.config.is_file():
        raise UserError(f"{run.path} is not a run directory: it has no config.yaml. Give multirun/SWEEP/RUN.")
    check_sum(run.config)
    try:
        stored = OmegaConf.load(io.StringIO(read_sealed_text(run.config)))
        check_plain(OmegaConf.to_container(stored, resolve=False), run.config)
        plain = OmegaConf.to_container(stored, resolve=True)
    except (OmegaConfBaseException, YAMLError, OSError, UnicodeDecodeError) as error:
        raise UserError(f"{run.config} cannot be read: {' '.join(str(error).split())}.") from error
    if not isinstance(plain, dict):
        raise UserError(f"{run.config} is not the config of a run. Copy the run directory again.")
    config = with_later_keys(typing.cast(dict[str, Any], plain))
    check_stored(config, run.config, Path(config_folder()), trust)
    return config
