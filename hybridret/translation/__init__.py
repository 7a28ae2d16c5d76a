"""Machine translation of training texts, offline: texts -> pieces -> batches by length -> shards -> filters -> folder.

families.py (how a model family writes languages) -> engines/ (what translates a batch) -> text_translation.py (a text
from its pieces) -> shards.py (files that survive a kill) -> filters.py, translated_folder.py (prepared data).
"""
