"""The event-driven workflow, by key: over HTTP and by queue."""
