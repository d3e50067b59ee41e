"""How far a run has come, and how it ended."""
