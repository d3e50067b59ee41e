"""What keeps the app in order: health, watchdog, purge."""
