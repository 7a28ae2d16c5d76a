"""Dual encoders: text to tokens to unit vectors. One encoder with shared weights encodes queries and passages."""
