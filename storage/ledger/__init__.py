"""Which runs there are and were, who holds the lock, and what was due and did not happen."""
