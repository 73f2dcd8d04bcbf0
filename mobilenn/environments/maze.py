"""Mazes drawn at random: the policy sees the whole of a maze from above and walks to the goal."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from mobilenn.core.errors import RecipeError
from mobilenn.environments import Environment, Step, part_of
from mobilenn.environments._breadth_first import MOVES, distances

PLANES = ("free", "agent", "goal")
SHARES = {"train": range(0, 14), "validation": range(14, 15), "test": range(15, 16)}  # of all mazes, in sixteenths
_RANGES = {"cells": (3, 64), "openings": (0.0, 1.0), "least_steps": (1, 10_000), "max_steps": (1, 100_000)}
_SIDE = 120  # of a picture, in pixels, or somewhat less
_WALL, _FREE, _TRACE, _GOAL, _AGENT = (38, 50, 56), (250, 250, 247), (187, 222, 251), (46, 139, 87), (178, 58, 0)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What mazes are drawn.

    Args:
        cells: along each side; with the walls between them a maze is 2 · cells − 1 blocks wide and high.
        openings: share of the walls between neighbouring cells, of those that the first drawing left, that are
            opened afterwards, so that there are several ways, and some are longer.
        least_steps: between start and goal, in the mazes of validation and test, or as many as the maze has; in
            training the start may lie anywhere.
        max_steps: after which an episode ends unsolved.
    """

    cells: int = 5
    openings: float = 0.1
    least_steps: int = 8
    max_steps: int = 60

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            if not low <= getattr(self, name) <= high:
                message = f"[data.settings] {name} is {getattr(self, name)}."
                raise RecipeError(message, f"Allowed: {low:g} to {high:g}.")


def build(settings: Settings) -> Maze:
    """Makes the environment."""
    return Maze(settings)


def draw(cells: int, openings: float, generator: np.random.Generator) -> np.ndarray:
    """Draws a maze in which every free block can be reached from every other.

    A walk digs from cell to cell, and goes back where it cannot, until every cell is open; so far no way closes a
    ring. Then some walls are opened.

    Args:
        cells: along each side.
        openings: share of the remaining walls between neighbouring cells that are opened.
        generator: what is drawn from.

    Returns:
        Which blocks are free, (2 · cells − 1, 2 · cells − 1) bool; cells lie where row and column are even.
    """
    side = 2 * cells - 1
    free = np.zeros((side, side), bool)
    way = [tuple((2 * generator.integers(cells, size=2)).tolist())]
    free[way[0]] = True
    while way:
        row, column = way[-1]
        beside = [(row + 2 * down, column + 2 * right) for down, right in MOVES]
        closed = [to for to in beside if min(to) >= 0 and max(to) < side and not free[to]]
        if not closed:
            way.pop()
            continue
        to = closed[int(generator.integers(len(closed)))]
        free[to] = free[(row + to[0]) // 2, (column + to[1]) // 2] = True
        way.append(to)
    walls = np.argwhere(~free & (np.add.outer(np.arange(side), np.arange(side)) % 2 == 1))
    opened = walls[generator.random(len(walls)) < openings]
    free[opened[:, 0], opened[:, 1]] = True
    return free


def maze_part(free: np.ndarray) -> str:
    """The part that may use a maze, by a checksum of its blocks: none of the test is ever trained on."""
    sixteenth = zlib.crc32(np.packbits(free).tobytes()) % 16
    return next(part for part, share in SHARES.items() if sixteenth in share)


class Maze(Environment):
    """To reach the goal brings 1; a step into a wall ends the episode without, and so do `max_steps`.

    Observations are planes of zeros and ones: where it is free, where the agent stands, where the goal is.
    """

    actions = ("up", "right", "down", "left")
    metric = "solved"

    def __init__(self, settings: Settings) -> None:
        side = 2 * settings.cells - 1
        self.settings, self.max_steps = settings, settings.max_steps
        self.observation_shape = (side, side, len(PLANES))
        self._trace: list[tuple[int, int]] = []

    def reset(self, seed: int) -> np.ndarray:
        """Draws maze, start and goal from the seed; the maze is one of those that belong to the seed's part."""
        generator, part = np.random.default_rng(seed), part_of(seed)
        while True:
            self.free = draw(self.settings.cells, self.settings.openings, generator)
            if maze_part(self.free) == part:
                break
        places = np.argwhere(self.free)
        self.goal = tuple(places[generator.integers(len(places))].tolist())
        self._steps_to_goal = distances(self.free, self.goal)
        apart = min(1 if part == "train" else self.settings.least_steps, int(self._steps_to_goal.max()))
        starts = np.argwhere(self._steps_to_goal >= apart)
        self._trace = [tuple(starts[generator.integers(len(starts))].tolist())]
        return self._observed()

    def step(self, action: int) -> Step:
        """Walks one block up, right, down or left."""
        to = self._beside(action)
        if not (min(to) >= 0 and max(to) < len(self.free) and self.free[to]):
            return Step(observation=self._observed(), reward=0.0, done=True)
        self._trace.append(to)
        solved = to == self.goal
        late = len(self._trace) > self.max_steps and not solved
        return Step(observation=self._observed(), reward=float(solved), done=solved or late, truncated=late)

    @property
    def agent(self) -> tuple[int, int]:
        """Row and column of where the agent stands."""
        return self._trace[-1]

    def shortest(self) -> int:
        """Steps of the shortest way from here to the goal."""
        return int(self._steps_to_goal[self.agent])

    def score(self) -> float:
        """1 where the goal was reached, else 0."""
        return float(self.agent == self.goal)

    def optimum(self) -> float:
        """1 where the shortest way is not too long."""
        return float(self.shortest() <= self.max_steps)

    def guide(self) -> int:
        """The first step of a shortest way, by breadth-first search."""
        beside = [self._beside(action) for action in range(len(MOVES))]
        inside = [min(to) >= 0 and max(to) < len(self.free) for to in beside]
        steps = [int(self._steps_to_goal[to]) if within else -1 for to, within in zip(beside, inside, strict=True)]
        return steps.index(self.shortest() - 1)

    def frame(self) -> np.ndarray:
        """The maze from above: walls dark, the goal green, the agent orange, and blue where it has been."""
        picture = np.full((len(self.free) + 2,) * 2 + (3,), _WALL, np.uint8)
        inside = picture[1:-1, 1:-1]
        inside[self.free] = _FREE
        for place in self._trace:
            inside[place] = _TRACE
        inside[self.goal], inside[self.agent] = _GOAL, _AGENT
        factor = max(1, _SIDE // len(picture))
        return picture.repeat(factor, axis=0).repeat(factor, axis=1)

    def _beside(self, action: int) -> tuple[int, int]:
        down, right = MOVES[action]
        return self.agent[0] + down, self.agent[1] + right

    def _observed(self) -> np.ndarray:
        seen = np.zeros(self.observation_shape, np.float32)
        seen[..., 0] = self.free
        seen[(*self.agent, 1)] = seen[(*self.goal, 2)] = 1
        return seen
