"""The filters of `hybridret.translate` on real pairs: precision and recall, and what they refuse wrongly.

    python benchmarks/translation_filters.py ../shared/data      a minute; prints the tables of docs/translation.md

Good pairs are translations of people (XQuAD-R, English into ten languages) and of machines that were published
(squad-dev, into seven). Bad pairs are made of them, one fault each: the text of another language, the source itself,
the translation of another text, a part repeated, half of it cut off, digits changed, names changed, nothing.
Recall is the share of pairs with a fault that the filter of that fault refuses; precision is counted over all good
pairs and as many pairs of that fault: good pairs that this filter refuses are wrong.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from hybridret.translation.engines.engine import Translation
from hybridret.translation.filters import FILTERS, fault

Pair = tuple[str, str, str]  # source text in English, translation, its language


def squad_dev(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """(kind, id, language, text) of questions and passages."""
    for file in sorted(folder.glob("squad-dev.*.jsonl.gz")):
        language = file.name.split(".")[1]
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                yield "question", row["qid"], language, row["question"]
                yield "passage", row["pid"], language, row["passage"]


def xquad_r(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """(kind, id, language, text) of questions and passages; passages are parallel by their position."""
    for file in sorted(folder.glob("*.json")):
        language, position = file.stem, 0
        for article in json.loads(file.read_text(encoding="utf-8"))["data"]:
            for paragraph in article["paragraphs"]:
                yield "passage", str(position), language, paragraph["context"]
                position += 1
                for question in paragraph["qas"]:
                    yield "question", question["id"], language, question["question"]


def pairs_of(rows: Iterator[tuple[str, str, str, str]], most: int, seed: int) -> dict[tuple[str, str], list[Pair]]:
    """(kind, language) -> pairs from English, at most `most`."""
    texts: defaultdict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for kind, name, language, text in rows:
        texts[kind, name].setdefault(language, text)
    found: defaultdict[tuple[str, str], list[Pair]] = defaultdict(list)
    for (kind, _), one in texts.items():
        for language, text in one.items():
            if language != "en" and "en" in one:
                found[kind, language].append((one["en"], text, language))
    drawn = random.Random(seed)
    return {key: drawn.sample(pairs, min(most, len(pairs))) for key, pairs in sorted(found.items())}


def faults(pairs: list[Pair], others: list[str], draw: random.Random) -> dict[str, list[Pair]]:
    """Bad pairs by the filter that should find them. `others`: texts of the same kind in other languages."""
    made: defaultdict[str, list[Pair]] = defaultdict(list)
    for number, (source, text, language) in enumerate(pairs):
        made["empty"].append((source, draw.choice(["", " ", "...", "?"]), language))
        made["copied"].append((source, source, language))
        made["language"].append((source, draw.choice(others), language))
        made["length"].append((source, text[: max(1, int(0.4 * len(text)))], language))
        tail = text[-max(4, len(text) // 6) :]
        made["repetition"].append((source, text[: len(text) // 2] + tail * 6, language))
        cut = int(len(text) * draw.uniform(0.4, 0.75))
        made["truncated"].append((source, text[:cut].rstrip(".。?!？ "), language))
        if len(re.findall(r"\d{2,}", source)) and re.search(r"\d{2,}", text):
            made["digits"].append((source, re.sub(r"\d{2,}", lambda one: str(int(one[0]) + 1), text), language))
        other = pairs[(number + 1) % len(pairs)][1]
        made["names"].append((source, other, language))
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="a folder with train/ and eval/xquad-r/")
    parser.add_argument("--most", type=int, default=300, help="pairs of a kind and a language")
    options = parser.parse_args()
    sets = {
        "squad-dev": pairs_of(squad_dev(options.data / "train"), options.most, 1),
        "xquad-r": pairs_of(xquad_r(options.data / "eval" / "xquad-r"), options.most, 1),
    }
    refused: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0])
    print("| pairs | kind | language | pairs | refused | by |\n|---|---|---|--:|--:|---|")
    draw = random.Random(2)
    for name, groups in sets.items():
        for (kind, language), pairs in groups.items():
            reasons: defaultdict[str, int] = defaultdict(int)
            for source, text, _ in pairs:
                if reason := fault(source, Translation(text, False), "en", language, FILTERS):
                    reasons[reason] += 1
                for one, is_bad in FILTERS.items():
                    refused[one][0] += 1
                    refused[one][1] += is_bad(source, text, "en", language)
            listed = ", ".join(f"{one} {count}" for one, count in sorted(reasons.items()))
            count = sum(reasons.values())
            print(f"| {name} | {kind} | {language} | {len(pairs)} | {count / len(pairs):.1%} | {listed} |")
            others = [
                pair[1] for (k, other), found in groups.items() if k == kind and other != language for pair in found
            ]
            for one, bad in faults(pairs, others, draw).items():
                for source, text, _ in bad:
                    refused[one][2] += 1
                    refused[one][3] += FILTERS[one](source, text, "en", language)
                    refused[one][4] += fault(source, Translation(text, False), "en", language, FILTERS) is not None
    print("\n| filter | good pairs | refused | bad pairs | recall | by any filter | precision |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    for one, (good, wrong, bad, found, anyhow) in refused.items():
        share, recall = wrong / good, found / bad
        print(
            f"| {one} | {good:,} | {share:.2%} | {bad:,} | {recall:.1%} | {anyhow / bad:.1%} | "
            f"{recall / (recall + share):.1%} |"
        )


if __name__ == "__main__":
    main()
