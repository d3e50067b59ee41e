"""What every handler needs of HTTP: problem details, and how a request is read."""
