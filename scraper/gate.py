"""The gate before publishing: is this snapshot good enough to replace the one that readers have?"""

from dataclasses import dataclass

from scraper.sources import Gate


@dataclass(frozen=True, slots=True)
class SnapshotCounts:
    """`pages` were planned; those with an outcome are `loaded` or `failed`; `rows` are staged.

    `failed` also counts what is none of `pages`: places that should have named some, pages that cannot be asked for.
    Of the failed ones, robots.txt refuses `disallowed`, also where a redirect leads: the gate does not mind them.
    `unread_listings` are sitemaps and feeds of which at least a part could not be read: nobody knows which pages they
    name, so that all other counts say nothing of these.
    """

    pages: int
    loaded: int
    failed: int
    rows: int
    disallowed: int = 0
    unread_listings: int = 0


def why_refused(gate: Gate, counts: SnapshotCounts, *, rows_before: int | None) -> str:
    """The rule that the snapshot breaks, with its figures; empty if it passes.

    `rows_before` is the size of the published dataset, or None before the first publication.
    """
    if counts.unread_listings and not gate.listings_may_fail:
        return (
            f"listings_may_fail: incomplete discovery, {counts.unread_listings} sitemaps or feeds could not be read, "
            "and nobody knows which pages are missing; a new run reads them again, a retry does not"
        )
    if counts.rows < gate.min_rows:
        return f"min_rows: {counts.rows} rows, at least {gate.min_rows} are wanted"
    failed = counts.failed - counts.disallowed
    attempted = counts.loaded + failed
    failed_percent = 100 * failed / attempted if attempted else 100.0
    if failed_percent > gate.max_failed_percent:
        without = f"; {counts.disallowed} disallowed are not counted" if counts.disallowed else ""
        return (
            f"max_failed_percent: {failed} of {attempted} pages failed ({failed_percent:.1f} %), "
            f"at most {gate.max_failed_percent:g} % may fail{without}"
        )
    if rows_before and gate.max_drop_percent is not None:
        drop_percent = 100 * (rows_before - counts.rows) / rows_before
        if drop_percent > gate.max_drop_percent:
            return (
                f"max_drop_percent: {counts.rows} rows after {rows_before} ({drop_percent:.1f} % fewer), "
                f"at most {gate.max_drop_percent:g} % may be lost"
            )
    return ""
