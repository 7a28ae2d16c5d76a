"""Training data from any table of rows, streamed into a prepared copy in memory that does not grow with the rows.

columns.py (which column is what) -> formats.py, delimited.py, json_lines.py (a file -> Arrow tables) -> parts.py (a
file -> texts by language, and hashes of ids) -> numbering.py (hashes -> numbers of questions, passages and groups,
sorted on disk by DuckDB) -> arrange.py (texts in the order of their numbers) -> source.py (`TableSource`, which the
plug-ins tsv.py, parquet.py, json_rows.py and hub.py configure).
"""
