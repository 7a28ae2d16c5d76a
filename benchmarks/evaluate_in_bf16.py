"""What an evaluation in bf16 changes: every metric of a pretrained checkpoint on XQuAD-R, in fp32 and in bf16.

    python benchmarks/evaluate_in_bf16.py --data ../shared/data/eval/xquad-r --csv docs/results/evaluate_in_bf16.csv
        # about 10 minutes on two cores

`model=1b`, `3b` and `10b` evaluate in bf16 unless told otherwise (`evaluation.precision=fp32`). The forward pass then
runs under autocast: products in bf16, while weights, pooling, vectors and scores stay in fp32. The table has the macro
values, and the largest change of any language or pair of languages.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

KEY = ["dataset", "setting", "query_language", "corpus_language", "metric", "cutoff"]
MACRO = ["setting", "metric", "cutoff"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/eval/xquad-r"))
    parser.add_argument("--languages", nargs="+", default=["en", "es", "de"])
    parser.add_argument("--csv", type=Path, help="where to write the table, too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = {name: evaluated(options.data, options.languages, name, Path(folder)) for name in ("fp32", "bf16")}
    table = compared(found["fp32"][0], found["bf16"][0])
    if options.csv is not None:
        table.to_csv(options.csv, index=False, float_format="%.6f")
    print(f"all-MiniLM-L6-v2 on XQuAD-R, {' '.join(options.languages)}; macro values, and the largest change of any")
    print("language or pair of languages")
    print(table.to_string(index=False, float_format=lambda value: f"{value:.5f}").replace("<NA>", "    "))
    seconds = {name: took for name, (_, took) in found.items()}
    print(f"seconds of the whole evaluation: fp32 {seconds['fp32']:.0f}, bf16 {seconds['bf16']:.0f}")


def evaluated(data: Path, languages: list[str], precision: str, folder: Path) -> tuple[pd.DataFrame, float]:
    """The metrics of MiniLM, and the seconds that they took."""
    words = [
        "backbone=minilm", "eval=[xquad_r]", f"eval.xquad_r.path='{data.resolve()}'", "logger=none",
        f"eval.xquad_r.languages=[{','.join(languages)}]", f"evaluation.precision={precision}", f"output='{folder}'",
        f"sweep={precision}",
    ]  # fmt: skip
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-m", "hybridret.evaluate", *words], check=True, stdout=subprocess.DEVNULL)
    took = time.perf_counter() - begin
    (file,) = folder.glob(f"{precision}/*/metrics.csv")
    return pd.read_csv(file, keep_default_na=False, na_values={"cutoff": [""]}), took


def compared(fp32: pd.DataFrame, bf16: pd.DataFrame) -> pd.DataFrame:
    """One row for each macro value: both, their difference, and the largest one behind it."""
    both = fp32.merge(bf16, on=KEY, suffixes=("_fp32", "_bf16"), validate="one_to_one")
    both["difference"] = both["value_bf16"] - both["value_fp32"]
    rows = both[both["query_language"] == "macro"].rename(columns={"value_fp32": "fp32", "value_bf16": "bf16"})
    behind = both[both["query_language"] != "macro"].assign(largest=lambda frame: frame["difference"].abs())
    largest = behind.groupby(MACRO, dropna=False)["largest"].max().reset_index()
    table = rows.merge(largest, on=MACRO, how="left")[[*MACRO, "fp32", "bf16", "difference", "largest"]]
    return table.astype({"cutoff": "Int64"})


if __name__ == "__main__":
    main()
