"""A generated book shop: always the same books for the same seed, with faults where you want them."""
