"""The app's tables, some of whose calls fail: before they have had their effect, or after it."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from storage.account.tables import Tables
from storage.errors import StorageUnreachable

WORDS = "the account is away (by the test)"


class FlakyStorage:
    """Each call fails with this `chance`; all fail while it `is_away`. `faults` counts them."""

    def __init__(self, dice: random.Random) -> None:
        self.chance = 0.0
        self.is_away = False
        self.calls = 0
        self.faults = 0
        self._dice = dice

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Let the app have these tables."""
        reliable = Tables.faults

        @asynccontextmanager
        async def faults(tables: Tables) -> AsyncIterator[None]:
            self._called()
            async with reliable(tables):
                yield
            self._called()  # what was written is written, and nobody hears of it

        patch.setattr(Tables, "faults", faults)

    def _called(self) -> None:
        self.calls += 1
        if self.is_away or self._dice.random() < self.chance:
            self.faults += 1
            raise StorageUnreachable(WORDS)
