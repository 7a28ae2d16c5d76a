"""Which texts of the benchmarks stand in the training data: equal, almost equal, or as a translation by ids."""
