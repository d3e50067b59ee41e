from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.helpers.telemetry_capture import Captured, capturing


@pytest.fixture
def sent() -> Iterator[Captured]:
    """What the app sends in this test."""
    with capturing() as captured:
        yield captured
