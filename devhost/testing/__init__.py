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
from devhost.testing.replay.check import Replayed, check_replay
from devhost.testing.replay.records import read_record, record
from devhost.testing.rig.http_exchange import Reply
from devhost.testing.rig.power import CrashPoint, Moment
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
    "Replayed",
    "Reply",
    "Status",
    "StillBusy",
    "SyncHost",
    "UnexpectedCalls",
    "check_replay",
    "read_record",
    "record",
    "survive_every_crash",
]
