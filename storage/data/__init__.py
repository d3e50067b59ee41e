"""Rows, and the datasets that readers see."""
