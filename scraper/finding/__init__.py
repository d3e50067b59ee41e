"""Which pages a source has."""
