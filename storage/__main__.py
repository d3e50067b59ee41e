"""`python -m storage datasets` and `python -m storage rows SOURCE`: the published data, as JSON lines."""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from scraper.errors import ScraperError
from scraper.settings import Settings
from storage.errors import StorageError
from storage.store import Store, open_store


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what was asked for; 1, with one line on stderr, if it cannot be had."""
    parser = argparse.ArgumentParser(prog="python -m storage", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("datasets", help="one line per source: run, time, counts")
    rows = commands.add_parser("rows", help="one line per row of a source's published snapshot, in page order")
    rows.add_argument("source")
    options = parser.parse_args(arguments)
    try:
        asyncio.run(_print(options.command, getattr(options, "source", "")))
    except (ScraperError, StorageError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        return 0  # `| head` has seen enough
    return 0


async def _print(command: str, source: str) -> None:
    store = open_store(Settings())
    try:
        await (_print_datasets(store) if command == "datasets" else _print_rows(store, source))
    finally:
        await store.tables.close()


async def _print_datasets(store: Store) -> None:
    for dataset in await store.datasets.all():
        print(json.dumps(asdict(dataset), default=str))


async def _print_rows(store: Store, source: str) -> None:
    async for row in store.published_rows(source):
        lineage = {"_url": row.url, "_position": row.position, "_fetched_at": row.fetched_at.isoformat()}
        print(json.dumps({**row.values, **lineage}, ensure_ascii=False))


if __name__ == "__main__":
    sys.exit(main())
