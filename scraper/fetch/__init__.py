"""Asking a site: one URL in, one answer out, within limits. The only room that opens connections."""
