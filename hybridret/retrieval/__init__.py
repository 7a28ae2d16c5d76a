"""Retrievers, encoding of corpora, and indexes that search them."""
