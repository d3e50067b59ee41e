"""Traces and metrics by OpenTelemetry, once switched on. Nothing in here can hurt a run, and off it costs nothing."""
