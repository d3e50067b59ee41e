"""Folders of static HTML, such as the documentation that Debian installs, served as sites to scrape."""
