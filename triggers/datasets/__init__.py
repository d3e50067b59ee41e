"""The data over HTTP: published rows, differences, publishing by hand."""
