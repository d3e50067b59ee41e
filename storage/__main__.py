"""`python -m storage datasets` and `python -m storage rows SOURCE`: the published data, all of it."""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from typing import Final

try:
    from scraper.errors import ScraperError
    from scraper.settings import Settings
    from storage.data.row_formats import csv_header, csv_line, json_line, row_document
    from storage.errors import StorageError
    from storage.snapshots.snapshots import RunIds, columns_of, open_snapshot
    from storage.store import Store, open_store
except ModuleNotFoundError as missing:
    if __name__ != "__main__" or str(missing.name).partition(".")[0] in {"scraper", "storage", "telemetry"}:
        raise
    sys.exit(f"error: this Python lacks the package {missing.name}; use .venv/bin/python (make setup makes it)")

_PUBLISHED: Final = ("run_id", "epoch", "published_at", "pages", "failed", "rows")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what was asked for; 1, with one line on stderr, if it cannot be had."""
    parser = argparse.ArgumentParser(prog="python -m storage", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("datasets", help="one line per source: run, time, counts")
    rows = commands.add_parser("rows", help="one line per row of a source's published snapshot, in page order")
    rows.add_argument("source")
    rows.add_argument(
        "--format", choices=["ndjson", "csv"], default="ndjson", help="ndjson, one JSON object a line, or csv"
    )
    options = parser.parse_args(arguments)
    try:
        asyncio.run(_print(options))
    except (ScraperError, StorageError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        return 0  # `| head` has seen enough
    return 0


async def _print(options: argparse.Namespace) -> None:
    store = open_store(Settings())
    try:
        if options.command == "datasets":
            await _print_datasets(store)
        else:
            await _print_rows(store, options.source, as_csv=options.format == "csv")
    finally:
        await store.tables.close()


async def _print_datasets(store: Store) -> None:
    for dataset in await store.datasets.all():
        published = {name: getattr(dataset, name) for name in _PUBLISHED} if dataset.epoch else {}
        print(json.dumps({"source": dataset.source, **published}, default=str))


async def _print_rows(store: Store, source: str, *, as_csv: bool) -> None:
    dataset = await store.published(source)
    snapshot, runs = await open_snapshot(store, source, dataset.epoch), RunIds(store)
    columns = await columns_of(store, snapshot) if as_csv else []
    sys.stdout.write(csv_header(columns) if as_csv else "")
    async for row in store.rows.of_snapshot(snapshot.name, snapshot.results):
        document = row_document(row, await runs.of(row.epoch))
        sys.stdout.write(csv_line(document, columns) if as_csv else json_line(document) + "\n")


if __name__ == "__main__":
    sys.exit(main())
