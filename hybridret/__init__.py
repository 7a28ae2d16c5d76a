"""hybridret: train, evaluate and sweep multilingual dense retrievers with hybrid batches (arXiv 2408.10536)."""

from typing import Any

__version__ = "0.1.0"
__all__ = ["__version__", "open_run"]


def __getattr__(name: str) -> Any:
    """`open_run`, imported at its first use: commands start without this import."""
    if name == "open_run":
        from hybridret.components.open_run import open_run

        return open_run
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
