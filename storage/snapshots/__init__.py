"""Snapshots as a whole, and how they differ."""
