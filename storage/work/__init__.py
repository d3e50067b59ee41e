"""What a run has to do and what it has done: plans, page lists, results of batches, pauses, robots.txt."""
