"""Bodies in, rows out: no I/O, no clock."""
