"""A sweep that searches: which points are worth a run follows from those that ran before."""
