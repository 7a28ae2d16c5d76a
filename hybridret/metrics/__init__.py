"""Pure functions of ranks, one family in each file."""
