"""The yardstick: the same fetch, parse and batched upsert as a run, in one plain asyncio script.

No durability, no retries, no limits on what a page may do, no staging: what is left is the work itself. It uses
the same libraries as the app and none of the app's code. Prints one JSON line with pages, rows, seconds,
processor seconds and peak memory.
"""

import argparse
import asyncio
import json
import re
import resource
import time
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urljoin
from xml.etree import ElementTree as ET

import aiohttp
from azure.core.exceptions import ResourceExistsError
from azure.data.tables.aio import TableClient, TableServiceClient
from selectolax.lexbor import LexborHTMLParser

LOC = "{http://www.sitemaps.org/schemas/sitemap/0.9}loc"
ROWS_PER_TRANSACTION = 100
PRICE = re.compile(r"\d+\.\d\d")


async def main(site: str, connection: str, table_name: str, concurrency: int) -> dict[str, Any]:
    service = TableServiceClient.from_connection_string(connection)
    await make_table(service, table_name)
    table = service.get_table_client(table_name)
    connector = aiohttp.TCPConnector(limit=concurrency)
    async with service, aiohttp.ClientSession(connector=connector) as session:
        started, cpu_before = time.perf_counter(), time.process_time()
        urls = await page_urls(session, f"{site}/sitemap.xml")
        rows = await scrape(session, table, urls, concurrency)
        seconds = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "pages": len(urls),
        "rows": rows,
        "seconds": round(seconds, 3),
        "cpu_seconds": round(time.process_time() - cpu_before, 3),
        "peak_mb": round(used.ru_maxrss / 1024, 1),
    }


async def make_table(service: TableServiceClient, table_name: str) -> None:
    try:
        await service.create_table(table_name)
    except ResourceExistsError:
        return


async def page_urls(session: aiohttp.ClientSession, sitemap: str) -> list[str]:
    """Every page of a sitemap or an index of sitemaps."""
    async with session.get(sitemap) as response:
        body = await response.read()
    if body[:2] == b"\x1f\x8b":
        import gzip

        body = gzip.decompress(body)
    root = ET.fromstring(body)
    places = [element.text or "" for element in root.iter(LOC)]
    if not root.tag.endswith("sitemapindex"):
        return places
    return [url for child in places for url in await page_urls(session, child)]


async def scrape(session: aiohttp.ClientSession, table: TableClient, urls: Sequence[str], concurrency: int) -> int:
    """Workers fetch and parse; every hundred rows go off in one transaction, four of them at a time."""
    pending = iter(enumerate(urls))
    rows: list[dict[str, Any]] = []
    written = 0
    slots = asyncio.Semaphore(4)
    uploads: set[asyncio.Task[None]] = set()

    async def upload(chunk: list[dict[str, Any]]) -> None:
        async with slots:
            await table.submit_transaction([("upsert", row) for row in chunk])

    async def worker() -> None:
        nonlocal written
        for index, url in pending:
            async with session.get(url) as response:
                if response.status != 200:
                    continue
                body = await response.read()
            rows.append(entity_of(index, url, body))
            if len(rows) >= ROWS_PER_TRANSACTION:
                chunk, rows[:] = rows[:ROWS_PER_TRANSACTION], rows[ROWS_PER_TRANSACTION:]
                partition = f"batch-{written:08d}"
                written += len(chunk)
                for row in chunk:
                    row["PartitionKey"] = partition
                task = asyncio.create_task(upload(chunk))
                uploads.add(task)
                task.add_done_callback(uploads.discard)

    await asyncio.gather(*(worker() for _ in range(concurrency)))
    if rows:
        for row in rows:
            row["PartitionKey"] = "rest"
        written += len(rows)
        await upload(rows)
    await asyncio.gather(*uploads)
    return written


def entity_of(index: int, url: str, body: bytes) -> dict[str, Any]:
    """The row of one book page, in the shape and the types that the app stores."""
    page = LexborHTMLParser(body)

    def text(selector: str) -> str:
        node = page.css_first(selector)
        return " ".join(node.text(deep=True).split()) if node else ""

    def attribute(selector: str, name: str) -> str:
        node = page.css_first(selector)
        return (node.attributes.get(name) or "").strip() if node else ""

    price = PRICE.search(text("p.price"))
    return {
        "RowKey": f"{index:08d}",
        "_url": urljoin(url, ""),
        "_position": 0,
        "_fetched_at": "2026-11-21T06:00:00Z",
        "title": text("h1.book-title"),
        "author": text("a.author"),
        "price": str(Decimal(price.group())) if price else "",
        "in_stock": attribute("p.availability", "data-in-stock") == "true",
        "stock": int(text("td.stock") or 0),
        "rating": int(attribute("p.rating", "data-rating") or 0),
        "published": date.fromisoformat(attribute("td.published time", "datetime")).isoformat(),
        "isbn": text("td.isbn"),
        "description": text("p.description"),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--site", required=True)
    parser.add_argument("--connection", required=True)
    parser.add_argument("--table", required=True)
    parser.add_argument("--concurrency", type=int, default=16)
    options = parser.parse_args()
    print(json.dumps(asyncio.run(main(options.site, options.connection, options.table, options.concurrency))))
