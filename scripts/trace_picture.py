"""A trace as a waterfall, in SVG: one line for each span, children below their parents, times from left to right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from scripts.trace_file import attributes_of

LINE_PX, LABEL_PX, CHART_PX, MARGIN_PX, HEAD_PX = 19, 320, 600, 12, 46
WIDTH_PX = LABEL_PX + CHART_PX + 2 * MARGIN_PX
TICKS = 5
STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #1f2328 } .dim { fill: #59636e } .head { font-weight: 600 }
  .paper { fill: #ffffff } .grid { stroke: #d1d9e0 }
  .daily_scrape { fill: #0550ae } .scrape_source { fill: #1f883d } .scrape_batch { fill: #bc4c00 }
  .step { fill: #8250df } .failed { stroke: #cf222e; stroke-width: 2 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc } .dim { fill: #9198a1 } .paper { fill: #0d1117 } .grid { stroke: #3d444d }
    .daily_scrape { fill: #58a6ff } .scrape_source { fill: #3fb950 } .scrape_batch { fill: #f0883e }
    .step { fill: #bc8cff }
  }
"""

Span = Mapping[str, Any]


def waterfall(spans: Sequence[Span]) -> str:
    """The picture of one whole trace; spans as scripts.trace_file reads them."""
    lines = list(_in_order(spans))
    begin = min(int(span["startTimeUnixNano"]) for span in spans)
    length = max(1, max(int(span["endTimeUnixNano"]) for span in spans) - begin)
    workers = {process: number for number, process in enumerate(sorted({span["process"] for span in spans}), start=1)}
    height = HEAD_PX + LINE_PX * len(lines) + MARGIN_PX
    root = attributes_of(lines[0][0])
    title = f"{root['run_id']}: {root['outcome']}, {root['pages']:,} pages in {length / 1e9:.1f} s"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH_PX} {height}" role="img">',
        f"<title>Trace of the run {escape(title)}</title><style>{STYLE}</style>",
        f'<rect class="paper" width="{WIDTH_PX}" height="{height}"/>',
        f'<text class="head" x="{MARGIN_PX}" y="20">{escape(title)}</text>',
        *_grid(length, height),
    ]
    for number, (span, depth) in enumerate(lines):
        parts += _line(span, depth, HEAD_PX + LINE_PX * number, begin, length, workers[span["process"]])
    return "\n".join([*parts, "</svg>\n"])


def _in_order(spans: Sequence[Span]) -> Iterator[tuple[Span, int]]:
    """Every span behind its parent, with its depth; brothers by their starts."""
    children: dict[str, list[Span]] = {}
    for span in sorted(spans, key=lambda one: int(one["startTimeUnixNano"])):
        children.setdefault(span.get("parentSpanId", ""), []).append(span)

    def below(parent: str, depth: int) -> Iterator[tuple[Span, int]]:
        for span in children.get(parent, []):
            yield span, depth
            yield from below(span["spanId"], depth + 1)

    return below("", 0)


def _grid(length: int, height: int) -> Iterator[str]:
    for tick in range(TICKS + 1):
        x = MARGIN_PX + LABEL_PX + CHART_PX * tick / TICKS
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{HEAD_PX - 8}" y2="{height - MARGIN_PX}"/>'
        anchor = "end" if tick == TICKS else "middle"
        told = f"{length * tick / TICKS / 1e9:.1f} s"
        yield f'<text class="dim" x="{x:.1f}" y="{HEAD_PX - 12}" text-anchor="{anchor}">{told}</text>'


def _line(span: Span, depth: int, top: int, begin: int, length: int, worker: int) -> Iterator[str]:
    start, end = int(span["startTimeUnixNano"]) - begin, int(span["endTimeUnixNano"]) - begin
    left = MARGIN_PX + LABEL_PX + CHART_PX * start / length
    width = max(2.0, CHART_PX * (end - start) / length)
    own = span["name"] if span["name"] in {"daily_scrape", "scrape_source", "scrape_batch"} else "step"
    kind = f"{own} failed" if span["status"]["code"] == 2 else own
    label, baseline = _label(span), top + LINE_PX - 5
    yield f'<text x="{MARGIN_PX + 14 * depth}" y="{baseline}">{escape(label)}</text>'
    edge = MARGIN_PX + LABEL_PX - 8
    yield f'<text class="dim" x="{edge}" y="{baseline}" text-anchor="end">worker {worker}</text>'
    yield (
        f'<rect class="{kind}" x="{left:.1f}" y="{top + 3}" width="{width:.1f}" height="{LINE_PX - 6}" rx="2">'
        f"<title>{escape(_details(span, end - start, worker))}</title></rect>"
    )


def _label(span: Span) -> str:
    told = attributes_of(span)
    if span["name"] == "scrape_batch":
        return f"scrape_batch {told['batch']}: {told['pages']} pages, {told.get('failed', 0)} failed"
    return f"{span['name']} {told['source']}" if span["name"] == "scrape_source" else str(span["name"])


def _details(span: Span, length: int, worker: int) -> str:
    told = ", ".join(f"{name} {value}" for name, value in attributes_of(span).items() if value != "")
    return f"{span['name']}: {length / 1e6:.0f} ms, sent by worker {worker}: {told}"
