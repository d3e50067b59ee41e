"""Any orchestrator over HTTP: the singleton start, and polling it."""
