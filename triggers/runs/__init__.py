"""Runs over HTTP and by queue: start, look, stop, retry."""
