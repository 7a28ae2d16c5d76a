"""A translation model by its name: a short name, a name of the hub, a folder, or a package that ships one."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from hybridret.base.errors import UserError, nearest
from hybridret.base.files import NOT_JSON, hash_json
from hybridret.data.prepared.folder import probe
from hybridret.translation.engines.engine import Decoding, Engine, ModelSource
from hybridret.translation.engines.packaged import NAME as PACKAGED
from hybridret.translation.engines.packaged import PackagedModel
from hybridret.translation.engines.token_texts import TokenTexts, vocabulary_of
from hybridret.translation.families import Direction, Family, direction, family_of, pair_of

SHORT = {
    "nllb": "facebook/nllb-200-distilled-600M",
    "m2m100": "facebook/m2m100_418M",
    "madlad400": "google/madlad400-3b-mt",
    "opus": "Helsinki-NLP/opus-mt-{source}-{target}",
}
READ = ("*.json", "*.safetensors", "*.bin", "*.model", "*.spm", "*.txt")  # files of a repository that are fetched
ENGINES = ("transformers", "ctranslate2")

EngineName = Literal["transformers", "ctranslate2"]


def find_model(
    name: str, source: str, target: str, revision: str | None = None, engine: EngineName = "transformers"
) -> ModelSource:
    """The model `name` for a direction; `{source}` and `{target}` in it stand for the languages.

    Raises UserError where there is none, with the command that fetches it, and as the models do.
    """
    if name == PACKAGED:
        return PackagedModel()
    full = SHORT.get(name, name).replace("{source}", source).replace("{target}", target)
    return FoundModel(full, _folder(full, revision), engine)


class FoundModel:
    """A folder in transformers' layout. Raises UserError where its config cannot be read."""

    def __init__(self, name: str, folder: Path, engine: EngineName) -> None:
        self.name, self.folder, self._engine = name, folder, engine
        try:
            self.config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
            self._architecture = str(self.config["model_type"])
        except (OSError, *NOT_JSON, KeyError, TypeError) as error:
            raise UserError(
                f"{folder} holds no model of transformers: its config.json cannot be read ({error}). Give a folder "
                "with config.json, the weights and the tokenizer's files."
            ) from error

    @cached_property
    def identity(self) -> Mapping[str, Any]:
        """Name, commit where the hub's cache says it, family, engine, and a hash of probes of all files."""
        files = sorted({file for pattern in READ for file in self.folder.glob(pattern)})
        commit = self.folder.name if self.folder.parent.name == "snapshots" else None
        return {
            "model": self.name,
            "revision": commit,
            "content": hash_json([(file.name, probe(file)) for file in files]),
            "family": self.family.name,
            "engine": self._engine,
            "version": _version(self._engine),
        }

    @cached_property
    def tokenizer(self) -> Any:
        """Raises UserError where it cannot be read."""
        from transformers import AutoTokenizer

        try:
            return AutoTokenizer.from_pretrained(str(self.folder), trust_remote_code=False)  # None asks the user
        except (OSError, ValueError, KeyError, ImportError, TypeError, AssertionError) as error:
            what = " ".join(str(error).split())[:300]
            raise UserError(
                f"The tokenizer of {self.name} cannot be read from {self.folder} ({what}). It may need "
                "pip install 'hybridret[translate]', or files that were not copied."
            ) from error

    @cached_property
    def vocabulary(self) -> list[str]:
        """All tokens, those of languages included."""
        return vocabulary_of(self.tokenizer)

    @cached_property
    def family(self) -> Family:
        """Raises UserError for a model of another kind."""
        return family_of(self._architecture, self.vocabulary, self.name)

    def check(self, source: str, target: str) -> None:
        """Raise UserError where the model lacks a language."""
        self.direction(source, target)

    def direction(self, source: str, target: str) -> Direction:
        """The language tokens of a direction. Raises UserError where the model lacks a language."""
        tokenizer = self.tokenizer
        pair = pair_of(self.name, getattr(tokenizer, "source_lang", None), getattr(tokenizer, "target_lang", None))
        return direction(self.family, self.vocabulary, source, target, self.name, pair)

    def engine(self, source: str, target: str, decoding: Decoding, device: str) -> Engine:
        """Load the weights. Raises UserError where they cannot be read, and for a precision that the engine lacks."""
        asked, tokens = self.direction(source, target), TokenTexts(self.tokenizer, self.family)
        if self._engine == "ctranslate2":
            from hybridret.translation.engines.ctranslate import ConvertedEngine

            return ConvertedEngine(self.folder, self.identity, tokens, asked, decoding, device)
        from hybridret.translation.engines.seq2seq import Seq2SeqEngine

        return Seq2SeqEngine(self.folder, tokens, asked, decoding, device)


def _folder(name: str, revision: str | None) -> Path:
    if Path(name).is_dir():
        return Path(name)
    if name.startswith((".", "/", "~")) or name.count("/") != 1:
        hint = nearest(name, [*SHORT, PACKAGED])
        raise UserError(f"--model {name}: there is no such folder, and it is no name of the hub. {hint}")
    import huggingface_hub
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OfflineModeIsEnabled

    try:
        return Path(huggingface_hub.snapshot_download(name, revision=revision, allow_patterns=list(READ)))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OfflineModeIsEnabled, OSError) as error:
        asked = f" --revision {shlex.quote(revision)}" if revision else ""
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            f"The model {name} is neither a folder nor in the local hub cache, and the hub did not deliver it "
            f"({reason}). On a connected machine run `hf download {name}{asked}`, then copy that cache here and set "
            "HF_HOME to it, or give the folder: --model FOLDER."
        ) from error


def _version(engine: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(engine)
    except PackageNotFoundError as error:
        raise UserError(f"--engine {engine} needs the package {engine}: pip install {engine}.") from error
