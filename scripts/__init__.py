"""What the Makefile runs: set up, demo, run. Local helpers only; nothing here reaches Azure."""
