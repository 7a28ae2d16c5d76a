"""hybridret: train, evaluate and sweep multilingual dense retrievers with hybrid batches (arXiv 2408.10536)."""

__version__ = "0.1.0"
