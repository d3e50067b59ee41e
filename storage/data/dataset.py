"""What is published of one source."""

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from storage.data.publications import BY_RUN, Publication
from storage.keys import snapshot_id


@dataclass(frozen=True, slots=True)
class Dataset:
    """What is published of one source; `epoch` is 0 and `snapshot` empty until the first publication.

    `fence` is the lowest epoch that may still publish: that of the newest run to work on the source, or the one after
    it if that has ended and somebody has stopped it, or published by hand, since. `by_run` is the highest whose run has
    published: a higher one than `epoch` if somebody has gone back. `publications` are the last ones, newest first.
    Snapshots of runs up to the epoch `purged_to` have been deleted, or are about to be, unless something younger needs
    them: none of them is published again.
    """

    source: str
    fence: int
    epoch: int = 0
    snapshot: str = ""
    run_id: str = ""
    published_at: datetime | None = None
    pages: int = 0
    failed: int = 0
    rows: int = 0
    previous_snapshot: str = ""
    purged_to: int = 0
    by_run: int = 0
    publications: tuple[Publication, ...] = ()

    def before(self, epoch: int) -> str:
        """The snapshot that the run with this epoch replaces, or has replaced; empty if there is no telling."""
        if self.by_run != epoch:
            return self.snapshot
        return self.previous_snapshot if self.epoch == epoch else ""

    def has_passed(self, epoch: int) -> bool:
        """True if the run with this epoch has published its snapshot itself, as far as the last publications tell."""
        return epoch == self.by_run or any(one.epoch == epoch and one.by == BY_RUN for one in self.publications)

    def seen_since(self, moment: datetime) -> set[str]:
        """The snapshots that readers have seen at this time or later, as far as the last publications tell."""
        seen = {self.snapshot}
        if self.published_at is not None and self.published_at > moment:
            seen.add(self.previous_snapshot)
        replaced = (before for after, before in pairwise(self.publications) if after.at > moment)
        return (seen | {snapshot_id(self.source, one.epoch) for one in replaced}) - {""}
