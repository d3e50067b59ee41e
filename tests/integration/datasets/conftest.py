"""A site whose pages have versions, and runs over it whose steps a test takes one by one."""

from tests.helpers.versioned_runs import runs, site

__all__ = ["runs", "site"]
