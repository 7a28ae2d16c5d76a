"""What `gpu_check.py` measures on a GPU, one kind of case in a file, and how it keeps to its seconds."""
