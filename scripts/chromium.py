"""The Chromium that drives the dashboard in tests and screenshots: found, or installed. `python -m scripts.chromium`.

First the one that CHROMIUM names, then one on PATH, then the one that Playwright has installed for this checkout. Where
there is none, the system's package manager installs it if we may ask it (Debian and its relatives, as root), else
Playwright does, into .venv.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from scripts.checkout import SETUP_LOCK, VENV, file_lock

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ANSWERS = ("Chromium ", "Google Chrome ")
ANSWER_TIMEOUT_S = 60.0
CURE = "install Chromium (on Debian: apt install chromium), or set CHROMIUM to the path of one"
# Two set-ups on one machine wait for each other; a minimal image has no recommended packages to spare.
APT_INSTALL = (
    "apt-get",
    "install",
    "-y",
    "-qq",
    "--no-install-recommends",
    "-o",
    "DPkg::Lock::Timeout=600",
    "chromium",
)
PLAYWRIGHT_INSTALL = (sys.executable, "-m", "playwright", "install", "chromium")


class NoChromium(Exception):
    """There is no Chromium that runs; the message names the cure."""


def main() -> int:
    """Find or install one, and name it; 1 with the cure where that cannot be done."""
    try:
        with file_lock(SETUP_LOCK):
            chromium = find_chromium() or install_chromium()
    except NoChromium as failure:
        print(f"setup failed: {failure}", file=sys.stderr)
        return 1
    print(f"browser: {chromium}")
    return 0


def require_chromium() -> Path:
    """The Chromium of this machine. Raises NoChromium, which names the cure."""
    found = find_chromium()
    if found is None:
        raise NoChromium(f"there is no Chromium; run: make browser, or {CURE}")
    return found


def find_chromium() -> Path | None:
    """A Chromium that says so itself, or None. Raises NoChromium when CHROMIUM names something else."""
    chosen = os.environ.get("CHROMIUM")
    if chosen:
        named = shutil.which(chosen)
        if named is None or not _answers(named):
            raise NoChromium(f"CHROMIUM names {chosen}, which is no Chromium that runs; {CURE}")
        return Path(named)
    candidates = [*(shutil.which(name) for name in NAMES), *map(str, _of_playwright())]
    return next((Path(candidate) for candidate in candidates if candidate and _answers(candidate)), None)


def install_chromium() -> Path:
    """Have one installed. Raises NoChromium when that failed."""
    if _may_use_apt():
        print("setup: installing Chromium (apt-get); this takes about a minute", flush=True)
        # Lists that cannot be fetched may still be good enough: the installation decides.
        _run(["apt-get", "update", "-qq"])
        _run(APT_INSTALL, DEBIAN_FRONTEND="noninteractive")
    else:
        print("setup: installing Chromium (playwright); this takes about a minute", flush=True)
        _run(PLAYWRIGHT_INSTALL, PLAYWRIGHT_BROWSERS_PATH=str(_playwright_folder()))
    found = find_chromium()
    if found is None:
        raise NoChromium(f"Chromium could not be installed, see above; {CURE}")
    return found


def _may_use_apt() -> bool:
    return shutil.which("apt-get") is not None and os.geteuid() == 0


def _playwright_folder() -> Path:
    """Where Playwright keeps its browsers for this checkout, so that `make clean` removes them, too."""
    return VENV / "playwright"


def _of_playwright() -> list[Path]:
    return [
        *_playwright_folder().glob("chromium-*/chrome-linux*/chrome"),
        *_playwright_folder().glob("chromium-*/chrome-mac*/*.app/Contents/MacOS/*"),
    ]


def _answers(candidate: str) -> bool:
    """Whether it runs and is a Chromium: on some systems the name belongs to a script that asks for a snap."""
    try:
        answer = subprocess.run(
            [candidate, "--version"],
            capture_output=True,
            text=True,
            timeout=ANSWER_TIMEOUT_S,
            check=True,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return answer.stdout.startswith(ANSWERS)


def _run(command: Sequence[str], **environment: str) -> None:
    """Run it to its end, whatever that is: what counts is whether there is a Chromium afterwards."""
    try:
        subprocess.run(
            command, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False
        )
    except OSError as failure:
        print(f"setup: {command[0]}: {failure}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
