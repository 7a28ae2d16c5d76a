"""Before anything starts: what a run needs, what it costs, what is missing here."""
