"""How instances come to be: through the singleton, at once or when their time has come."""
