"""Which weights of an encoder are trained."""
