"""What knows processes and their ranks: which one this is, where they meet, how they share an evaluation."""
