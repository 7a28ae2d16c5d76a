"""What can run the points of a sweep elsewhere: one file for each engine, behind the same few calls."""
