"""What a command does from its config to result.json."""
