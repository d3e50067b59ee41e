"""`python -m tests.fuzz --seconds 60 READER …`: feed readers of foreign bytes, each in a process of its own.

Prints a line for each reader; whatever breaks one is a finding, with the input in a folder. Exits with 1
if there is any.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
from pathlib import Path

from tests.fuzz.readers import Reader
from tests.fuzz.runs import Most, Report, feed
from tests.fuzz.table import READERS

_MOST_ADDRESS_SPACE = 4 * 1024**3
"""Beyond it memory is refused: an input that takes all of it must not take the machine's."""
_HEAD = (
    f"{'reader':22}{'executions':>11}{'accepted':>10}{'growing':>9}{'steepest':>10}{'memory':>9}{'/ size':>8}  findings"
)


def main() -> int:
    """Feed the readers that the arguments name."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="for each reader")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--to", type=Path, default=Path("fuzz-findings"), help="folder for the last input of each reader"
    )
    parser.add_argument("--alone", action="store_true", help="one reader in this process; prints its report as JSON")
    parser.add_argument("readers", nargs="*", help="all of them, if there is none")
    told = parser.parse_args()
    readers = [reader for reader in READERS if not told.readers or reader.name in told.readers]
    told.to.mkdir(parents=True, exist_ok=True)
    if told.alone:
        _feed_alone(readers[0], told.seconds, told.seed, told.to)
        return 0
    print(_HEAD)
    findings = sum(_feed_apart(reader, told.seconds, told.seed, told.to) for reader in readers)
    print(f"{findings} findings")
    return 1 if findings else 0


def _feed_alone(reader: Reader, seconds: float, seed: int, to: Path) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_ADDRESS_SPACE, most))
    print(feed(reader, most=Most(seconds=seconds), seed=seed, last_input=_last_input(reader, to)).as_json())


def _feed_apart(reader: Reader, seconds: float, seed: int, to: Path) -> int:
    """Feed a reader in another process, which it may break, and print its line; the number of findings."""
    command = [sys.executable, "-m", "tests.fuzz", "--alone", "--seconds", str(seconds), "--seed", str(seed)]
    ended = subprocess.run(
        [*command, "--to", str(to), reader.name], capture_output=True, text=True, check=False, encoding="utf-8"
    )
    if ended.returncode == 0:
        _last_input(reader, to).unlink(missing_ok=True)
        print(_line(Report.from_json(ended.stdout)), flush=True)
        return 0
    print(f"{reader.name:22}  1 finding, exit code {ended.returncode}, last input {_last_input(reader, to)}")
    print(ended.stderr[-6000:], flush=True)
    return 1


def _line(report: Report) -> str:
    accepted = 100 * report.outcomes[""] / report.executions
    costs = f"{report.steepest:10.2f}{report.memory_mb:6.0f} MB{report.memory_factor:8.0f}"
    return f"{report.reader:22}{report.executions:11}{accepted:8.0f} %{report.growths:9}{costs}  0"


def _last_input(reader: Reader, to: Path) -> Path:
    return to / f"{reader.name.replace(' ', '-').replace(':', '').replace(',', '')}.pickle"


if __name__ == "__main__":
    sys.exit(main())
