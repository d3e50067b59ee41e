"""The dashboard: one page and its files, which live beside this module and talk to the routes of the other rooms."""
