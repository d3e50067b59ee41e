"""`python -m samples.site`: the shop on 127.0.0.1 until SIGINT or SIGTERM."""

import argparse
import sys
from collections.abc import Sequence

from samples.serving import port_number, run
from samples.site.catalogue import Catalogue
from samples.site.faults import fault_kinds
from samples.site.moments import Moments
from samples.site.shop import DEFAULT_HANG_S, Shop


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the shop that the command line describes; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m samples.site", description="A generated book shop to scrape.")
    parser.add_argument("--port", type=port_number, default=0, help="0, the default, takes a free one")
    parser.add_argument("--books", type=int, default=1000, help="how many books there are (default 1000)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, another shop (default 1)")
    parser.add_argument("--faults", type=float, default=5.0, help="percent of detail pages with a fault (default 5)")
    parser.add_argument("--latency-ms", type=float, default=0.0, help="added to every page (default 0)")
    parser.add_argument("--hang-s", type=float, default=DEFAULT_HANG_S, help="how long a hanging page hangs")
    parser.add_argument("--fault-kinds", default="common", help="common, all, or names with commas (default common)")
    parser.add_argument("--mirror", action="store_true", help="listen on another port, too, for redirects")
    parser.add_argument("--burst-at", type=int, help="from this request on, answer 503 for a while")
    parser.add_argument("--burst-length", type=int, default=50, help="how many requests that are (default 50)")
    parser.add_argument("--robots-change-at", type=int, help="from this request on, robots.txt is another one")
    parser.add_argument("--crawl-delay", type=float, help="seconds between requests that robots.txt asks for")
    parser.add_argument("--layout-change-at", type=int, help="from this book on, pages have another markup")
    options = parser.parse_args(arguments)
    if options.latency_ms < 0 or options.hang_s < 0:
        parser.error("--latency-ms and --hang-s cannot be negative")
    try:
        catalogue = Catalogue(options.books, options.seed, options.faults, fault_kinds(options.fault_kinds))
    except ValueError as refusal:
        parser.error(str(refusal))
    if options.layout_change_at is not None:
        catalogue = catalogue.with_new_layout_from(options.layout_change_at)
    if options.crawl_delay is not None:
        catalogue = catalogue.with_crawl_delay(options.crawl_delay)
    moments = Moments(options.burst_at, options.burst_length, options.robots_change_at)
    shop = Shop(catalogue, latency_s=options.latency_ms / 1000, hang_s=options.hang_s, moments=moments)
    return run(shop.handle, port=options.port, mirrored=shop.has_mirror if options.mirror else None)


if __name__ == "__main__":
    sys.exit(main())
