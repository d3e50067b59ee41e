"""Deleting what is older than RETENTION_DAYS, and nothing that anybody still needs.

A purge works in slices, each of which may be repeated, or cut off anywhere:

1. `expiry` finds the newest run that has expired; that run and all before it are the ones to delete.
2. The pointer of every source forbids to publish their snapshots. So from here on what readers see can only change to
   a younger snapshot, and a retry that has not begun by now finds that it comes too late.
3. Whatever is not needed goes, run by run: first the plan, by which a snapshot is found, then its rows and failures,
   then what led to them. The run's record goes last: while it is there, the next purge finds what this one has left.
4. The ledgers follow: starts that did not happen, starts that were cancelled, tickets of instances that are gone.
"""
