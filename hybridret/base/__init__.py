"""The lowest layer: plain records, files, names, progress, signals. Imports nothing else of this package."""
