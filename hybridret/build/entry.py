"""What every Hydra entry shares: where `conf/` is, and errors as one paragraph with the right exit code.

Light on purpose: `--help` and `--cfg job` must answer before torch could even be imported.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from hydra.errors import HydraException, MissingConfigException
from omegaconf.errors import OmegaConfBaseException

from hybridret.errors import BAD_INPUT, INTERRUPTED, UserError, nearest

os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra raises instead of printing and leaving with 1


def config_folder() -> str:
    """The absolute path of `conf/`: the one packaged in the wheel, else the one of the checkout."""
    package = Path(__file__).resolve().parent.parent
    packaged = package / "conf"
    return str(packaged if packaged.is_dir() else package.parent / "conf")


def guarded(main: Callable[[], int | None], config_name: str = "config") -> int:
    """Run an entry; print what the user can mend as one paragraph on stderr; return the exit code."""
    try:
        return main() or 0
    except UserError as error:
        _refuse(str(error))
        return error.exit_code
    except (HydraException, OmegaConfBaseException) as error:
        return _refuse(explain(error, config_name, sys.argv[1:]))
    except KeyboardInterrupt:
        print("Interrupted. Run the same command again to go on.", file=sys.stderr)
        return INTERRUPTED


def _refuse(message: str) -> int:
    print(f"Error: {' '.join(message.split())}", file=sys.stderr)
    return BAD_INPUT


def explain(error: Exception, config_name: str, overrides: Sequence[str]) -> str:
    """A composition error of Hydra in one paragraph that offers the nearest right name."""
    text = str(error)
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        group, _, option = str(error.missing_cfg_file).removesuffix(".yaml").rpartition("/")
        known = [str(option) for option in error.options or ()]
        if known:
            return f"{group}={option}: there is no such option. {nearest(option, known)} All: {', '.join(known)}."
        return f"{error.missing_cfg_file} was not found in conf/."
    if match := re.search(r"Could not override '([^']+)'", text):
        return _unknown_key(match[1], config_name)
    if match := re.search(r"Could not append to config[^']*'?([\w./@]+)'?", text):
        return f"+{match[1]}: that key exists already; set it without the plus sign."
    if "parse" in type(error).__name__.lower() or "mismatched input" in text or "LexerNoViableAlt" in text:
        return f"Cannot read an override: {text.splitlines()[0]}. They look like group=option or section.key=value."
    return text


def _unknown_key(key: str, config_name: str) -> str:
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from omegaconf import DictConfig, OmegaConf

    GlobalHydra.instance().clear()
    with initialize_config_dir(config_folder(), version_base="1.3"):
        config = compose(config_name, overrides=_groups(sys.argv[1:], config_name))
    parent, _, name = key.rpartition(".")
    node = OmegaConf.select(config, parent) if parent else config
    if not isinstance(node, DictConfig):
        return _unknown_key(parent, config_name)
    known = [str(child) for child in node]
    hint = nearest(name, known) if set(known) - {"_target_"} else f"{parent} has no settings."
    elsewhere = _everywhere(config, name)
    if not hint.startswith("Did") and elsewhere:
        hint = f"Did you mean '{elsewhere}'?"
    return f"Unknown key {key}. {hint}"


def _groups(overrides: Sequence[str], config_name: str) -> list[str]:
    """The overrides that choose an option of a group, so that the hint knows the chosen plug-in's own keys."""
    names = {path.name for path in Path(config_folder()).iterdir() if path.is_dir()}
    chosen = [o for o in overrides if o.partition("=")[0] in names and "," not in o.replace("[", "]").split("]")[0]]
    folder = Path(config_folder())
    return [o for o in chosen if (folder / o.partition("=")[0] / f"{o.partition('=')[2]}.yaml").is_file()]


def _everywhere(config: object, name: str) -> str | None:
    """The full key that ends in `name`, where the user named the wrong section (`alpha` for `batching.alpha`)."""
    from omegaconf import DictConfig

    if isinstance(config, DictConfig):
        for key, value in config.items_ex(resolve=False):
            if key == name:
                return name
            if (found := _everywhere(value, name)) is not None:
                return f"{key}.{found}"
    return None
