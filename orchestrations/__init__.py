"""The orchestrators: pure generators that name activities and never touch the world."""
