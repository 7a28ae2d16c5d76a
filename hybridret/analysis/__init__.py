"""What the numbers of a sweep say: the Pareto front, the spread over seeds, scaling laws."""
