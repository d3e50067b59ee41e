"""The daily timer: what becomes of a tick, and its control."""
