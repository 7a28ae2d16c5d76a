from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from hybridret.base.errors import UserError
from hybridret.base.settings import TextSettings
from hybridret.encoders.shares import shares, truncated_share, unknown_share
from hybridret.encoders.tokenization import Tokenization

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[EOS]", "q", "p", "a", "b", "c", "d", "e"]
PAD, UNK, CLS, SEP, EOS, Q, P, A, B, C, D, E = range(12)
TEXT = TextSettings(query_prefix="q ", passage_prefix="p ", query_length=6, passage_length=8)


def word_tokenizer(framed: bool = True, eos: str | None = "[EOS]", side: str = "right") -> PreTrainedTokenizerFast:
    backend = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    if framed:
        backend.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=[("[CLS]", CLS), ("[SEP]", SEP)]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token="[PAD]", unk_token="[UNK]", eos_token=eos, padding_side=side
    )


def as_lists(rows: list[np.ndarray]) -> list[list[int]]:
    assert all(row.dtype == np.int32 for row in rows)
    return [row.tolist() for row in rows]


def test_prefixes_and_truncation_by_hand() -> None:
    tokenization = Tokenization(word_tokenizer(), TEXT)
    assert as_lists(tokenization.queries(["a b", "a b c d"])) == [[CLS, Q, A, B, SEP], [CLS, Q, A, B, C, SEP]]
    assert as_lists(tokenization.passages(["a", "a b c d e a"])) == [[CLS, P, A, SEP], [CLS, P, A, B, C, D, E, SEP]]
    assert tokenization.queries([]) == []


def test_a_tokenizer_that_opens_rows_with_the_end_token_does_not_close_them() -> None:
    """XGLM's does: the empty row is [SEP], which looks like a closing one."""
    tokenizer = word_tokenizer(eos="[SEP]")
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="[SEP] $A", pair="[SEP] $A [SEP] $B", special_tokens=[("[SEP]", SEP)]
    )
    rows = as_lists(Tokenization(tokenizer, TEXT, append_eos=True).queries(["a b", "a b c d e"]))
    assert all(row[0] == SEP and row[-1] == SEP and len(row) <= TEXT.query_length for row in rows)


def test_the_context_is_cut_first_and_a_full_passage_reads_none() -> None:
    tokenization = Tokenization(word_tokenizer(), TEXT)
    rows = tokenization.passages(
        ["a", "a b", "a b c", "a b c d", "a b c d e a b", "a"], ["b", "c d e a", "d e", "e", "e", ""]
    )
    assert as_lists(rows) == [
        [CLS, P, A, SEP, B, SEP],
        [CLS, P, A, B, SEP, C, D, SEP],
        [CLS, P, A, B, C, SEP, D, SEP],
        [CLS, P, A, B, C, D, SEP],  # a context of no token is none
        [CLS, P, A, B, C, D, E, SEP],  # the passage alone is too long
        [CLS, P, A, SEP],
    ]
    with pytest.raises(ValueError, match="2 passages, 1 contexts"):
        tokenization.passages(["a", "b"], ["c"])


def test_eos_is_put_behind_the_cut_text() -> None:
    tokenization = Tokenization(word_tokenizer(framed=False), TEXT, append_eos=True)
    assert as_lists(tokenization.queries(["a", "a b c d e"])) == [[Q, A, EOS], [Q, A, B, C, D, EOS]]
    assert as_lists(tokenization.passages(["a", "a b c d e a b c"])) == [[P, A, EOS], [P, A, B, C, D, E, A, EOS]]
    assert [row[-1] for row in as_lists(tokenization.passages(["a", "a"], ["b c", "b c d e a b c d"]))] == [EOS, EOS]
    assert max(len(row) for row in tokenization.passages(["a"], ["b c d e a b c d"])) == TEXT.passage_length


def test_a_tokenizer_that_writes_eos_itself_is_left_alone() -> None:
    tokenization = Tokenization(word_tokenizer(eos="[SEP]"), TEXT, append_eos=True)
    assert as_lists(tokenization.queries(["a b c d e"])) == [[CLS, Q, A, B, C, SEP]]


def test_eos_without_such_a_token_is_an_error() -> None:
    with pytest.raises(UserError, match="no end-of-text token"):
        Tokenization(word_tokenizer(eos=None), TEXT, append_eos=True)


@pytest.mark.parametrize("key", ["query_length", "passage_length"])
def test_a_length_without_room_is_an_error(key: str) -> None:
    with pytest.raises(UserError, match=f"text.{key}=2 leaves no room"):
        Tokenization(word_tokenizer(), replace(TEXT, **{key: 2}))


@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_is_on_the_right_whatever_the_tokenizer_says(side: str) -> None:
    tokenization = Tokenization(word_tokenizer(side=side), TEXT)
    rows = tokenization.queries(["a", "a b"])
    ids, mask = tokenization.pad(rows)
    assert ids.tolist() == [[CLS, Q, A, SEP, PAD], [CLS, Q, A, B, SEP]]
    assert mask.tolist() == [[1, 1, 1, 1, 0], [1, 1, 1, 1, 1]]
    assert tokenization.pad(rows, length=7).input_ids.shape == (2, 7)
    with pytest.raises(ValueError, match="5 tokens does not fit in 4"):
        tokenization.pad(rows, length=4)


def test_a_text_of_nothing_still_has_a_token() -> None:
    tokenization = Tokenization(word_tokenizer(framed=False), replace(TEXT, query_prefix=""))
    assert [len(row) for row in tokenization.queries([""])] == [1]


def test_batch_tokenisation_equals_one_by_one() -> None:
    tokenization = Tokenization(word_tokenizer(), TEXT)
    texts = ["a", "", "a b c d e", "x y", "b " * 20]
    contexts = ["b " * i for i in range(5)]
    assert as_lists(tokenization.queries(texts)) == [
        row for one in texts for row in as_lists(tokenization.queries([one]))
    ]
    assert as_lists(tokenization.passages(texts, contexts)) == [
        row for one, two in zip(texts, contexts, strict=True) for row in as_lists(tokenization.passages([one], [two]))
    ]


def test_truncated_and_unknown_shares_by_hand() -> None:
    tokenization = Tokenization(word_tokenizer(), TEXT)
    # prefix + 2 special tokens: of 6, three are left for the text
    assert truncated_share(tokenization, ["a b c", "a b c d", "a", "a b c d e"], "q ", 6) == 0.5
    assert unknown_share(tokenization, ["a x", "y b c", ""]) == 2 / 5
    assert unknown_share(tokenization, []) == 0
    table = shares(tokenization, {"en": ["a"], "de": ["a b c d"]}, {"en": ["a x"], "fr": ["a b c d e a"]})
    assert list(table) == ["de", "en", "fr"]
    assert table["de"] == {"query_truncated": 1, "passage_truncated": 0, "query_unknown": 0, "passage_unknown": 0}
    assert table["en"] == {"query_truncated": 0, "passage_truncated": 0, "query_unknown": 0, "passage_unknown": 0.5}
    assert table["fr"]["passage_truncated"] == 1


def test_truncated_share_agrees_with_the_rows() -> None:
    tokenization = Tokenization(word_tokenizer(), TEXT, append_eos=True)
    for words in range(8):
        text = " ".join("abcde"[i % 5] for i in range(words))
        whole = Tokenization(word_tokenizer(), replace(TEXT, query_length=100), append_eos=True).queries([text])[0]
        cut = tokenization.queries([text])[0]
        assert truncated_share(tokenization, [text], "q ", 6) == float(len(cut) < len(whole))
