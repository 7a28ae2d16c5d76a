"""A sweep on this machine: each point is a process of its own."""
