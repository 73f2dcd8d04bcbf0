"""A classifier's file that judges images: the same one for Keras, host, phone and browser."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mobilenn.runtime.host import HostSession


def judge(path: Path) -> Callable[[Mapping[str, Any]], dict[str, np.ndarray]]:
    """Returns what runs a judge's file, in a worker process of its own for every call.

    Args:
        path: a .tflite with the input `image` and the outputs `probabilities` and `features`; it need not be there
            before the first call.
    """

    def judged(inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
        with HostSession(path) as session:
            return session.predict(inputs)

    return judged
