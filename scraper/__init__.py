"""Web pages into rows: plain Python, usable without Azure."""
