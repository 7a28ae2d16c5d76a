"""Are two configurations different, by how much, and what would it take to know: pure functions of question values."""
