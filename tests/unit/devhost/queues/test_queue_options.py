"""`extensions.queues` of host.json."""

from __future__ import annotations

from pathlib import Path

import pytest

from devhost.queues.queue_options import QueueOptions, QueueOptionsError, read_queue_options


@pytest.mark.row(
    "host/5/options/batch-size",
    "host/5/options/max-polling-interval",
    "host/5/options/max-dequeue-count",
    "host/5/options/visibility-timeout",
    "host/5/options/message-encoding",
)
def test_without_a_section_the_defaults_of_development_hold() -> None:
    assert read_queue_options({}, {}, cpu_count=1) == QueueOptions(
        batch_size=16,
        new_batch_threshold=8,
        max_polling_interval_s=2.0,
        max_dequeue_count=5,
        visibility_timeout_s=0.0,
        is_base64=True,
        lease_s=600.0,
    )


@pytest.mark.row("host/5/options/batch-size", "host/5/options/message-encoding")
def test_every_option_is_read_ignoring_case() -> None:
    section = {
        "BatchSize": 4,
        "newbatchthreshold": 0,
        "maxPollingInterval": "00:01:00",
        "maxDequeueCount": "2",
        "visibilityTimeout": "00:00:30",
        "messageEncoding": "None",
    }
    assert read_queue_options(section, {}, cpu_count=4) == QueueOptions(
        batch_size=4,
        new_batch_threshold=0,
        max_polling_interval_s=60.0,
        max_dequeue_count=2,
        visibility_timeout_s=30.0,
        is_base64=False,
    )


@pytest.mark.row("host/5/options/new-batch-threshold")
def test_the_threshold_grows_with_the_batch_and_the_processors() -> None:
    assert read_queue_options({"batchSize": 10}, {}, cpu_count=2).new_batch_threshold == 10


@pytest.mark.row("host/5/options/batch-size", "host/5/options/max-polling-interval")
@pytest.mark.parametrize(
    ("key", "value", "cure"),
    [
        ("batchSize", 0, "write a whole number from 1 to 32"),
        ("batchSize", 33, "write a whole number from 1 to 32"),
        ("newBatchThreshold", -1, "write a whole number from 0 to 1000"),
        ("maxDequeueCount", 0, "write a whole number from 1 to"),
        ("maxPollingInterval", "00:00:00.05", "not below 0.1 s"),
        ("maxPollingInterval", 2000, "write hh:mm:ss"),
        ("visibilityTimeout", "8.00:00:00", "up to 7 days"),
        ("visibilityTimeout", "soon", "write hh:mm:ss"),
        ("messageEncoding", "utf8", "write base64 or none"),
    ],
)
def test_a_bad_value_is_refused_with_its_key_and_the_cure(key: str, value: object, cure: str) -> None:
    shown = value if isinstance(value, int) else f"'{value}'"
    place = rf"^/app/host.json: 'extensions.queues.{key}' is {shown}; .*{cure}"
    with pytest.raises(QueueOptionsError, match=place):
        read_queue_options({key: value}, {}, path=Path("/app/host.json"))


def test_the_lease_can_be_shortened_by_a_variable() -> None:
    assert read_queue_options({}, {"DEVHOST_QUEUE_LEASE_SECONDS": "5"}).lease_s == 5.0


def test_a_bad_lease_is_refused() -> None:
    with pytest.raises(QueueOptionsError, match="DEVHOST_QUEUE_LEASE_SECONDS is '0'; set it to whole seconds"):
        read_queue_options({}, {"DEVHOST_QUEUE_LEASE_SECONDS": "0"})
