"""How a tool ends that a person started: an error of ours is its two lines, and its exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable

from mobilenn.core.errors import MobilennError


def ended(main: Callable[[], None]) -> None:
    """Calls a tool's `main`."""
    try:
        main()
    except MobilennError as problem:
        print(f"{problem.message}\n{problem.hint}".strip(), file=sys.stderr)
        sys.exit(problem.exit_code)
