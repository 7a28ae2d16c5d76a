"""Statistics over the results of a sweep: the Pareto front, the spread over seeds, smoothed curves."""
