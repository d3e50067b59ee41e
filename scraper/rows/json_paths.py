"""JMESPath: where values are in JSON."""

from functools import lru_cache

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult


@lru_cache(maxsize=1000)
def compiled_path(path: str) -> ParsedResult:
    """`path` as JMESPath. Raises ValueError, which says why it is none."""
    try:
        return jmespath.compile(path)
    except JMESPathError as error:
        reason = " ".join(str(error).split("\n")[0].split())[:300]
        raise ValueError(f"{path!r} is not JMESPath: {reason}") from error
