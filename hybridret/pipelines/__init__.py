"""The steps of each command, from its config to result.json."""
