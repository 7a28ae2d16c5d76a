"""Points as jobs of a queue: the launcher that submits them, what runs inside a job, and how jobs are followed."""
