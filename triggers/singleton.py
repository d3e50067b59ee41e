"""The singleton start under the name that triggers know it by; it lies in `starts`, where activities reach it, too."""

from starts.singleton import RunAlreadyLive, Start, StartingClient, start_singleton

__all__ = ["RunAlreadyLive", "Start", "StartingClient", "start_singleton"]
