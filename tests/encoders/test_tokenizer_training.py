from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable

import pytest

from hybridret.base.errors import UserError
from hybridret.encoders.tokenizer_training import cache_path, trained_tokenizer

PROGRAM = """
from hybridret.encoders.tokenizer_training import train

class Numbers:
    def texts(self):
        for n in range(400):
            yield f"What is the square of {n}? The square of {n} is {n * n}."
            yield f"El cuadrado de {n} es {n * n}."
            yield f"{n}の二乗は{n * n}です。"

    def fingerprint(self):
        return "numbers"

print(train(Numbers(), 1000))
"""


class Texts:
    def __init__(self, *texts: str, name: str = "texts") -> None:
        self._texts, self._name, self.reads = texts, name, 0

    def texts(self) -> Iterable[str]:
        self.reads += 1
        return self._texts

    def fingerprint(self) -> str:
        return hashlib.sha256(json.dumps([self._name, *self._texts]).encode()).hexdigest()


ENGLISH = Texts(*["the square of seven is forty-nine", "what is the square of seven?"] * 20)


def test_same_text_gives_the_same_tokenizer_in_any_process() -> None:
    outputs = []
    for threads in ("false", "true", "true"):
        environment = {
            **os.environ,
            "TOKENIZERS_PARALLELISM": threads,
            "PYTHONHASHSEED": str(len(outputs)),
            "PYTHONIOENCODING": "utf-8",
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        command = [sys.executable, "-c", PROGRAM]
        outputs.append(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)
    assert len(outputs[0]) > 10_000
    assert len(set(outputs)) == 1


def test_special_tokens_pieces_and_unknown_characters() -> None:
    tokenizer = trained_tokenizer(ENGLISH, 200, ("Query: ",))
    assert [tokenizer.pad_token_id, tokenizer.unk_token_id, tokenizer.cls_token_id, tokenizer.sep_token_id] == [
        0,
        1,
        2,
        3,
    ]
    assert tokenizer.convert_ids_to_tokens(tokenizer("square?")["input_ids"]) == ["[CLS]", "▁square", "?", "[SEP]"]
    assert tokenizer.tokenize("Query: ") == ["▁Query", ":", "▁"]
    pair = tokenizer("seven", "square")["input_ids"]
    assert tokenizer.convert_ids_to_tokens(pair) == ["[CLS]", "▁seven", "[SEP]", "▁square", "[SEP]"]
    assert tokenizer("seven 七")["input_ids"].count(1) == 1
    assert tokenizer.tokenize("ｓｅｖｅｎ") == ["▁seven"]  # NFKC
    assert tokenizer.decode(tokenizer("the square of seven")["input_ids"], skip_special_tokens=True) == (
        "the square of seven"
    )


def test_the_cache_is_used_and_keyed_by_text_size_and_prefixes() -> None:
    corpus = Texts("one two three four", name="cached")
    first = trained_tokenizer(corpus, 150)
    assert corpus.reads == 1
    assert trained_tokenizer(corpus, 150).get_vocab() == first.get_vocab()
    assert corpus.reads == 1
    paths = {
        cache_path(corpus, 150),
        cache_path(corpus, 151),
        cache_path(corpus, 150, ("Query: ",)),
        cache_path(Texts("one two three"), 150),
    }
    assert len(paths) == 4


@pytest.mark.parametrize("damage", ["cut", "empty", "changed", "not text", "other json"])
def test_a_damaged_cache_file_is_trained_again(damage: str) -> None:
    corpus = Texts("five six seven eight", name=damage)
    expected = trained_tokenizer(corpus, 150).get_vocab()
    path = cache_path(corpus, 150)
    whole = path.read_bytes()
    changed = json.loads(whole)
    changed["tokenizer"] = changed["tokenizer"].replace("five", "fife")
    path.write_bytes(
        {
            "cut": whole[: len(whole) // 2],
            "empty": b"",
            "changed": json.dumps(changed).encode(),
            "not text": b"\xff\xfe\x00",
            "other json": b"[1, 2]",
        }[damage]
    )
    assert trained_tokenizer(corpus, 150).get_vocab() == expected
    assert corpus.reads == 2
    assert path.read_bytes() == whole


def test_no_text_and_tiny_vocabularies_are_user_errors() -> None:
    with pytest.raises(UserError, match="no training text"):
        trained_tokenizer(Texts(), 150)
    with pytest.raises(UserError, match=r"backbone.vocabulary_size=99"):
        trained_tokenizer(ENGLISH, 99)
