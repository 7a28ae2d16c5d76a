"""Where pairs and test collections come from: readers of files, the built-in corpus, benchmarks."""
