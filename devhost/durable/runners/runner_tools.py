"""What every runner of the engine works with."""

import logging
from dataclasses import dataclass

from devhost.background import SideWork
from devhost.clock import Clock
from devhost.durable.durable_functions import DurableFunctions
from devhost.durable.store.store import Store


@dataclass(frozen=True, slots=True)
class RunnerTools:
    """One set serves all runners of a hub."""

    store: Store
    store_thread: SideWork
    """Every call of the store goes through it."""
    functions: DurableFunctions
    clock: Clock
    fault_pause_s: float
    """Time between two tries when the file cannot be read or written."""
    logger: logging.Logger
