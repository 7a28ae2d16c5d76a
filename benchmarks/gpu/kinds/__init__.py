"""Kinds of cases: `run(options, device)` of each module measures one and returns what it found, as JSON values."""
