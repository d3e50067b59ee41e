"""What the development host promises, row by row, and which test holds each row: `python -m tests.conformance`."""
