"""How often an activity is tried again when the infrastructure fails.

A page that fails is not such a fault: its retries happen inside the batch, and its failure is a result.
"""

from azure.durable_functions import RetryOptions

INFRASTRUCTURE = RetryOptions(first_retry_interval_in_milliseconds=15_000, max_number_of_attempts=12)
