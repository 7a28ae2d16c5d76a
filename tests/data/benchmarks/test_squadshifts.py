"""SQuADShifts: one collection for each domain, questions against all paragraphs, counts and missing files."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hybridret.base.errors import UserError
from hybridret.data.benchmarks import squadshifts
from hybridret.data.benchmarks.squadshifts import FILES, Squadshifts


def content(domain: str) -> dict[str, Any]:
    """Three paragraphs of one article, as published; two have the same text."""
    paragraphs = [
        {
            "context": f"{domain} paragraph {min(number, 1)}. \n",
            "qas": [
                {
                    "answers": [{"answer_start": 0, "text": domain}],
                    "question": f"what is {number}.{one} of {domain}?",
                    "id": f"5d65{domain}{number}{one}",
                }
                for one in range(2)
            ],
        }
        for number in range(3)
    ]
    return {"data": [{"paragraphs": paragraphs, "title": "T"}], "version": 1.1}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for domain, name in FILES.items():
        raw = json.dumps(content(domain)).encode()
        if domain == "nyt":
            (tmp_path / f"{name}.gz").write_bytes(gzip.compress(raw))
        else:
            (tmp_path / name).write_bytes(raw)
        monkeypatch.setitem(squadshifts.QUESTIONS, domain, 6)
    return tmp_path


def test_every_domain_is_a_collection_of_one_group(folder: Path) -> None:
    found = Squadshifts(str(folder)).collections(None)
    assert [one.name for one in found] == [f"squadshifts_{domain}" for domain in FILES]
    assert {one.group for one in found} == {"squadshifts"}
    for domain, one in zip(FILES, found, strict=True):
        assert one.languages == ("en",)
        assert list(one.passages) == [f"{domain} paragraph 0. \n", f"{domain} paragraph 1. \n"]
        assert one.relevant_queries.tolist() == [0, 1, 2, 3, 4, 5]
        assert one.relevant_passages.tolist() == [0, 0, 1, 1, 1, 1]
        assert one.queries[3] == f"what is 1.1 of {domain}?"
        assert one.query_ids[3] == f"5d65{domain}11"
        assert len(set(one.query_ids)) == 6
    assert Squadshifts(str(folder)).published() is None


def test_domains_are_chosen(folder: Path) -> None:
    assert [one.name for one in Squadshifts(str(folder), ["nyt"]).collections(None)] == ["squadshifts_nyt"]
    with pytest.raises(UserError, match=r"eval\.squadshifts\.domains: there is no domain 'nty'\. Did you mean 'nyt'\?"):
        Squadshifts(str(folder), ["nty"])
    for wrong in ([], ["nyt", "nyt"]):
        with pytest.raises(UserError, match="name one or more of new_wiki, nyt, reddit, amazon, none of them twice"):
            Squadshifts(str(folder), wrong)


def test_missing_files_are_named_with_their_address(folder: Path, tmp_path: Path) -> None:
    (folder / FILES["reddit"]).unlink()
    (said,) = Squadshifts(str(folder)).missing()
    assert f"lacks {FILES['reddit']}. The folder has new_wiki, nyt, amazon: eval.squadshifts.domains=[" in said
    assert f"curl --create-dirs --output-dir {folder} -O 'https://raw.githubusercontent.com/modestyachts/" in said
    assert said.count("reddit_v1.0.json") == 2
    (said,) = Squadshifts(str(folder / "none")).missing()
    assert "{new_wiki_v1.0.json,nyt_v1.0.json,reddit_v1.0.json,amazon_reviews_v1.0.json}" in said
    with pytest.raises(UserError, match=r"eval\.squadshifts\.path is not set"):
        Squadshifts(None).collections(None)


def test_an_id_that_occurs_twice(folder: Path) -> None:
    value = content("nyt")
    value["data"][0]["paragraphs"][2]["qas"][1]["id"] = "5d65nyt00"
    (folder / f"{FILES['nyt']}.gz").write_bytes(gzip.compress(json.dumps(value).encode()))
    with pytest.raises(UserError, match=r"squadshifts_nyt, question '5d65nyt00': the id occurs twice"):
        Squadshifts(str(folder)).collections(None)


def test_questions_without_an_answer_are_left_out(folder: Path) -> None:
    value = content("nyt")
    value["data"][0]["paragraphs"][2]["qas"][1]["answers"] = []
    (folder / f"{FILES['nyt']}.gz").write_bytes(gzip.compress(json.dumps(value).encode()))
    (one,) = Squadshifts(str(folder), ["nyt"], allow_other=True).collections(None)
    assert (one.name, one.group) == ("squadshifts_nyt_other", "squadshifts_other")
    assert one.notes["questions left out, without answer"] == "1"
    assert one.notes["not as published"] == "5 questions where 6 were published"


def test_new_wikipedia_as_published(real_data: Path, tmp_path: Path) -> None:
    """Its rows, back in the layout of the published file."""
    articles: dict[str, dict[str, Any]] = {}
    with gzip.open(real_data / "eval" / "squadshifts" / "new_wiki.jsonl.gz", "rt", encoding="utf-8") as rows:
        for row in map(json.loads, rows):
            one = articles.setdefault(row["title"], {}).setdefault(row["pid"], {"context": row["passage"], "qas": []})
            answers = [{"text": row["answer"], "answer_start": row["answer_start"]}]
            one["qas"].append({"answers": answers, "question": row["question"], "id": row["qid"]})
    data = [{"title": title, "paragraphs": list(paragraphs.values())} for title, paragraphs in articles.items()]
    (tmp_path / FILES["new_wiki"]).write_text(json.dumps({"data": data, "version": 1.1}), encoding="utf-8")
    (found,) = Squadshifts(str(tmp_path), ["new_wiki"]).collections(None)
    assert found.name == "squadshifts_new_wiki"
    assert (len(found.queries), len(found.passages)) == (7938, 1581)
    assert np.bincount(found.relevant_queries).tolist() == [1] * 7938
    assert set(found.relevant_passages.tolist()) == set(range(1581))
