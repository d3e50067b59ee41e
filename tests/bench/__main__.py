"""`make bench`: a run of this project's app against a plain script, then the durable engine by itself.

`python -m tests.bench scrape` and `python -m tests.bench engine` run one of the two, with options of their own.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence

from tests.bench import engine, scrape

PARTS: Mapping[str, Callable[[Sequence[str]], int]] = {"scrape": scrape.main, "engine": engine.main}


def main(words: Sequence[str]) -> int:
    """0 unless something that was measured was not complete, too."""
    if words and words[0] in PARTS:
        return PARTS[words[0]](words[1:])
    if words and words[0] in ("-h", "--help"):
        print(__doc__, "\nusage: python -m tests.bench [scrape | engine] [options]; --help after one lists its options")
        return 0
    if words:
        print(f"the parts are {' and '.join(PARTS)}, not {words[0]}", file=sys.stderr)
        return 2
    return max(part([]) for part in PARTS.values())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
