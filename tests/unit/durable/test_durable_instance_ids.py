"""Which texts can be instance IDs."""

from __future__ import annotations

import pytest

from devhost.durable.errors import InvalidInstanceId
from devhost.durable.instance_ids import check_instance_id


@pytest.mark.parametrize("instance_id", ["a", "a b", "\N{GRINNING FACE}", "e\u0301", "x" * 256])
def test_any_text_that_a_url_and_a_file_can_carry_is_an_id(instance_id: str) -> None:
    check_instance_id(instance_id)


@pytest.mark.parametrize("instance_id", ["a\ud800", "\udc80b", "\ude00\ud83d"])
def test_half_a_surrogate_pair_is_refused_and_shown_as_an_escape(instance_id: str) -> None:
    with pytest.raises(InvalidInstanceId, match=r"the character '\\ud") as refused:
        check_instance_id(instance_id)
    assert str(refused.value).isascii()
