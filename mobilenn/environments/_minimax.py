"""Perfect play of tic-tac-toe, by minimax over the whole game."""

from __future__ import annotations

from functools import cache

CELLS = 9
FULL = (1 << CELLS) - 1
LINES = (0b111, 0b111000, 0b111000000, 0b1001001, 0b10010010, 0b100100100, 0b100010001, 0b1010100)


def has_won(stones: int) -> bool:
    """Whether stones, bit i for cell i, fill a line."""
    return any(stones & line == line for line in LINES)


@cache
def value(mine: int, theirs: int) -> int:
    """What a position is worth to the side that moves next, if both play perfectly.

    Args:
        mine: stones of the side that moves, bit i for cell i, row by row.
        theirs: stones of the other side.

    Returns:
        1 for a win, 0 for a draw, -1 for a loss.

    Reference:
        von Neumann, Zur Theorie der Gesellschaftsspiele (1928); in the form that Knuth and Moore call negamax (1975).
    """
    if has_won(theirs):
        return -1
    if mine | theirs == FULL:
        return 0
    return max(-value(theirs, mine | 1 << cell) for cell in open_cells(mine, theirs))


@cache
def best_moves(mine: int, theirs: int) -> tuple[int, ...]:
    """The cells that lead to `value(mine, theirs)`, in order; none where the game is over.

    Args:
        mine, theirs: see `value`.
    """
    if has_won(theirs) or has_won(mine):
        return ()
    aim = value(mine, theirs)
    return tuple(cell for cell in open_cells(mine, theirs) if -value(theirs, mine | 1 << cell) == aim)


@cache
def open_cells(mine: int, theirs: int) -> tuple[int, ...]:
    """The empty cells, in order."""
    return tuple(cell for cell in range(CELLS) if not (mine | theirs) >> cell & 1)
