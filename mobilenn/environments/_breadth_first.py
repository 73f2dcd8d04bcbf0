"""Shortest ways through a grid, by breadth-first search."""

from __future__ import annotations

from collections import deque

import numpy as np

MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))  # up, right, down, left: (rows, columns)


def distances(free: np.ndarray, goal: tuple[int, int]) -> np.ndarray:
    """Counts the steps from every cell to the goal.

    Args:
        free: which cells may be walked on, (H, W) bool.
        goal: row and column of a free cell.

    Returns:
        Steps, (H, W) int64; -1 where no way leads to the goal, and in walls.

    Reference:
        Moore, The shortest path through a maze (1959).
    """
    height, width = free.shape
    cells = free.tolist()
    steps = np.full((height, width), -1, np.int64)
    steps[goal] = 0
    waiting = deque([goal])
    while waiting:
        row, column = waiting.popleft()
        for down, right in MOVES:
            to = (row + down, column + right)
            if 0 <= to[0] < height and 0 <= to[1] < width and cells[to[0]][to[1]] and steps[to] < 0:
                steps[to] = steps[row, column] + 1
                waiting.append(to)
    return steps
