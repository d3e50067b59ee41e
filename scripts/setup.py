"""`make setup`: the environment of this checkout, from nothing but Python.

Old interpreters must be able to read this file, so that they can say what is wrong: hence the plain syntax.
"""

import sys

OLDEST = (3, 11)

if sys.version_info < OLDEST:
    found = sys.executable + " is " + sys.version.split()[0]
    sys.stderr.write("This project needs Python 3.11 or newer; " + found + ".\n")
    sys.stderr.write("Name another one: make setup PYTHON=python3.12\n")
    sys.exit(2)

from scripts.install import main  # noqa: E402  - it may use the syntax of Python 3.11

if __name__ == "__main__":
    sys.exit(main())
