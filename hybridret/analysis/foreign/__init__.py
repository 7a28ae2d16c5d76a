"""Results that other tools made, in the form that every statistic of `analysis` takes: TREC run files with judgments,
and result files of mteb (docs/analysis/foreign.md)."""
