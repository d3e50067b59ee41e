"""What is remembered of pages, so that those that have not changed are not parsed again."""
