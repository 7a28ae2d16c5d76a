"""What is true of a sweep now, on any machine: its files, reconciled with what engines say of its jobs."""
