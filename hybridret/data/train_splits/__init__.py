"""Train splits of retrieval benchmarks as training pairs: judged questions that exist in one language each."""
