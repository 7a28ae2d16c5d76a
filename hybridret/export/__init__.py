"""Results and models in the formats of other tools: W&B, TREC, mteb, sentence-transformers."""
