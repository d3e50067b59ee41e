"""The storage account: its tables, and how many entities are written at a time."""
