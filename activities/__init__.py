"""The activities: thin wiring between a payload, the scraper and the tables. They may run more than once."""
