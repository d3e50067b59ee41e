"""How politely a site is asked: pace, retries, pauses."""
