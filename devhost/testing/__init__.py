"""Tests of durable Python apps in one process: the real engine, a virtual clock, no emulator. See docs/testing.md."""

from devhost.testing.calls import Call, Calls
from devhost.testing.crashes import CrashReport, survive_every_crash
from devhost.testing.errors import (
    CrashFound,
    HostCrashed,
    KitError,
    NotReached,
    ReplayBroken,
    StillBusy,
    UnexpectedCalls,
)
from devhost.testing.host import Host
from devhost.testing.http_exchange import Reply
from devhost.testing.power import CrashPoint, Moment
from devhost.testing.status import Status
from devhost.testing.sync_host import SyncHost

__all__ = [
    "Call",
    "Calls",
    "CrashFound",
    "CrashPoint",
    "CrashReport",
    "Host",
    "HostCrashed",
    "KitError",
    "Moment",
    "NotReached",
    "ReplayBroken",
    "Reply",
    "Status",
    "StillBusy",
    "SyncHost",
    "UnexpectedCalls",
    "survive_every_crash",
]
