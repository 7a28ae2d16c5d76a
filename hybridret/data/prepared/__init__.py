"""Training data prepared once: tables on disk that every point of a sweep reads in the same way, whatever their size.

stored_texts.py (one column of texts) -> stored_pairs.py, stored_collection.py (views) -> folder.py (a whole source)
-> source.py (`PreparedSource`: the door between a source and a run). lengths.py -> card.py (what a copy holds, counted)
-> card_page.py (as Markdown) -> kept_card.py (beside the copy).
"""
