from __future__ import annotations

import pytest

from devhost.errors import ConfigurationError
from devhost.workers.worker_count import worker_count


@pytest.mark.parametrize(
    ("given", "setting", "count"), [(None, None, 1), (None, "", 1), (None, "10", 10), (3, "2", 3), (1, "nonsense", 1)]
)
def test_flag_wins_over_the_setting_and_one_is_the_default(given: int | None, setting: str | None, count: int):
    environ = {} if setting is None else {"FUNCTIONS_WORKER_PROCESS_COUNT": setting}
    assert worker_count(given, environ) == count


@pytest.mark.parametrize("text", ["0", "11", "-1", "1.5", "two", "٣"])
def test_setting_that_is_no_number_from_1_to_10_is_refused(text: str):
    with pytest.raises(ConfigurationError, match="set it to a whole number from 1 to 10, or remove it"):
        worker_count(None, {"FUNCTIONS_WORKER_PROCESS_COUNT": text})
