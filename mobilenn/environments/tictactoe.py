"""Tic-tac-toe: the policy plays noughts or crosses, first or second, against an opponent of known strength."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from mobilenn.core.errors import RecipeError
from mobilenn.environments import Environment, Step, part_of
from mobilenn.environments._minimax import CELLS, FULL, best_moves, has_won, open_cells, value

PLANES = ("mine", "theirs", "empty")
_PAPER, _LINE, _MINE, _THEIRS = (250, 250, 247), (87, 96, 107), (10, 108, 176), (178, 58, 0)
_SIDE, _MARGIN = 20, 5  # of a cell in a picture, and around the board, in pixels
_REWARDS = {"won": 1.0, "drawn": 0.0, "lost": -1.0, "open": 0.0}
_STRENGTHS = {"perfect": (1.0,), "random": (0.0,), "mixed": (1.0, 0.0, 0.5)}  # shares of perfect moves, by game

Opponent = Literal["perfect", "random", "mixed"]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Who the opponent is.

    Args:
        opponent: in validation and test. `perfect` draws among the best moves by minimax, `random` among all that are
            left; `mixed` is in one game perfect, in another random, and in a third one of the two anew at each move.
        sparring: the opponent in training.
        first: share of the games in which the policy moves first.
    """

    opponent: Opponent = "perfect"
    sparring: Opponent = "mixed"
    first: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.first <= 1:
            raise RecipeError(f"[data.settings] first is {self.first}.", "Allowed: 0 to 1.")


def build(settings: Settings) -> TicTacToe:
    """Makes the environment."""
    return TicTacToe(settings)


class TicTacToe(Environment):
    """A game; a step is the policy's move and the opponent's answer. A win brings 1, a loss −1.

    Observations are planes of zeros and ones: the policy's stones, the opponent's, and the cells that are empty, which
    are the actions that are allowed.
    """

    actions = tuple(f"{row} {column}" for row in ("top", "middle", "bottom") for column in ("left", "centre", "right"))
    metric = "not_lost"
    observation_shape = (3, 3, len(PLANES))
    max_steps = 5
    masked = True

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def reset(self, seed: int) -> np.ndarray:
        """Sets up an empty board; the opponent, and who begins, are drawn from the seed."""
        self._generator = np.random.default_rng(seed)
        self.mine = self.theirs = 0
        opponent = self.settings.sparring if part_of(seed) == "train" else self.settings.opponent
        self._strength = float(self._generator.choice(_STRENGTHS[opponent]))
        self.begins = bool(self._generator.random() < self.settings.first)
        if not self.begins:
            self._answer()
        return self._observed()

    def step(self, action: int) -> Step:
        """Sets a stone, and lets the opponent set one if the game is not over."""
        self.mine |= 1 << int(action)
        if self.outcome() == "open":
            self._answer()
        outcome = self.outcome()
        return Step(observation=self._observed(), reward=_REWARDS[outcome], done=outcome != "open")

    def legal(self) -> np.ndarray:
        """Which cells are empty."""
        return np.array([not (self.mine | self.theirs) >> cell & 1 for cell in range(CELLS)])

    def outcome(self) -> str:
        """`won`, `drawn`, `lost`, or `open` while the game goes on."""
        if has_won(self.mine):
            return "won"
        if has_won(self.theirs):
            return "lost"
        return "drawn" if self.mine | self.theirs == FULL else "open"

    def score(self) -> float:
        """1 for a win or a draw, 0 for a loss."""
        return float(self.outcome() in ("won", "drawn"))

    def optimum(self) -> float:
        """1: whoever plays perfectly never loses, by minimax from the board as it stands."""
        return float(value(self.mine, self.theirs) >= 0)

    def guide(self) -> int:
        """A best move by minimax, the first of equal ones."""
        return best_moves(self.mine, self.theirs)[0]

    def frame(self) -> np.ndarray:
        """The board: the policy's stones are blue crosses, the opponent's orange noughts."""
        side = 3 * _SIDE + 2
        picture = np.full((side + 2 * _MARGIN, side + 2 * _MARGIN, 3), _PAPER, np.uint8)
        board = picture[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
        for place in (_SIDE, 2 * _SIDE + 1):
            board[place] = board[:, place] = _LINE
        rows, columns = np.mgrid[:_SIDE, :_SIDE] - (_SIDE - 1) / 2
        inside = np.maximum(abs(rows), abs(columns)) < 0.35 * _SIDE
        cross = (abs(abs(rows) - abs(columns)) < 1.5) & inside
        nought = abs(np.hypot(rows, columns) - 0.32 * _SIDE) < 1.2
        for cell in range(CELLS):
            top, left = (place * (_SIDE + 1) for place in divmod(cell, 3))
            part = board[top : top + _SIDE, left : left + _SIDE]
            if self.mine >> cell & 1:
                part[cross] = _MINE
            elif self.theirs >> cell & 1:
                part[nought] = _THEIRS
        return picture

    def _answer(self) -> None:
        perfect = self._generator.random() < self._strength
        moves = (best_moves if perfect else open_cells)(self.theirs, self.mine)
        self.theirs |= 1 << moves[int(self._generator.integers(len(moves)))]

    def _observed(self) -> np.ndarray:
        cells = np.arange(CELLS)
        mine, theirs = self.mine >> cells & 1, self.theirs >> cells & 1
        return np.stack([mine, theirs, 1 - mine - theirs], axis=-1).reshape(self.observation_shape).astype(np.float32)
