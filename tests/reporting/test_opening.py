"""Every answer that there is has a say in the sentences that open a page."""

from __future__ import annotations

from hybridret.reporting.opening import SENTENCES, opening


def test_two_test_sets_do_not_push_size_off_the_page() -> None:
    kinds = ["significance"] * 6 + ["trade_off"] * 3 + ["scaling"] * 2 + ["claims", "pitfalls"]
    importances = [0.9, 0.85, 0.8, 0.72, 0.68, 0.64, 0.8, 0.8, 0.7, 0.6, 0.6, 0.6, 0.4]
    chosen = opening(kinds, importances)
    assert len(chosen) == SENTENCES
    assert {kinds[i] for i in chosen} == set(kinds)
    assert [importances[i] for i in chosen] == sorted((importances[i] for i in chosen), reverse=True)
    assert chosen == [0, 1, 2, 6, 9, 11, 12]


def test_one_answer_fills_the_page_alone_and_nothing_of_no_importance_does() -> None:
    assert opening(["a"] * 9, [0.5] * 9) == list(range(SENTENCES))
    assert opening(["a", "b"], [0.0, 0.2]) == [1]
    assert opening([], []) == []
