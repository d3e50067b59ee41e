"""`make package`: the zip that a deployment uploads, what is in it, and how long importing the app from it takes."""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections import Counter
from pathlib import Path

from scripts.checkout import ROOT
from scripts.deployment_zip import unpack, write_zip
from scripts.import_time import ImportFailed, import_app, slowest_imports

TARGET = ROOT / ".run" / "app.zip"
IMPORTS = 5
LEADERS = 10


def main() -> int:
    """Write .run/app.zip and print its figures; 1 if the app cannot be imported from it."""
    files = write_zip(ROOT, TARGET)
    size = sum((ROOT / path).stat().st_size for path in files)
    zipped = TARGET.stat().st_size
    print(f"{TARGET.relative_to(ROOT)}: {zipped / 1024:,.0f} KiB, {len(files)} files of {size / 1024:,.0f} KiB")
    for name, count in sorted(Counter(path.parts[0] for path in files).items()):
        print(f"  {name:<18} {count:>4} {'file' if count == 1 else 'files'}")
    with tempfile.TemporaryDirectory() as folder:
        unpack(TARGET, Path(folder))
        try:
            _print_import_times(Path(folder))
        except ImportFailed as failure:
            print(failure, file=sys.stderr)
            return 1
    return 0


def _print_import_times(folder: Path) -> None:
    imports = [import_app(folder) for _ in range(IMPORTS)]
    cpu_s = statistics.median(one.cpu_s for one in imports)
    wall_s = statistics.median(one.wall_s for one in imports)
    of = f"median of {IMPORTS}, {imports[0].functions} functions, {len(imports[0].modules):,} modules"
    print(f"importing function_app: {cpu_s:.2f} s of processor time, {wall_s:.2f} s by the clock ({of})")
    for module in slowest_imports(folder, LEADERS):
        print(f"  {module.name:<42} {module.self_ms:>6.0f} ms by itself, {module.total_ms:>6.0f} ms in all")


if __name__ == "__main__":
    sys.exit(main())
