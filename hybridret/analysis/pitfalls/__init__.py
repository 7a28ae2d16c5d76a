"""Cross-lingual pitfalls (arXiv 2505.18673): questions that are found in their own language and lost in another one."""
