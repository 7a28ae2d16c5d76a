"""Sources of pairs and test collections: readers of files, the built-in corpus, benchmarks."""
