"""Minimax against a search that remembers nothing and reads the board as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobilenn.environments._minimax import CELLS, FULL, LINES, best_moves, has_won, open_cells, value

ROWS = ((0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6))


def plain(board, player):
    """The worth of a board of 'x', 'o' and '.' to the player that moves."""
    other = "o" if player == "x" else "x"
    if any(all(board[cell] == other for cell in row) for row in ROWS):
        return -1
    places = [place for place in range(CELLS) if board[place] == "."]
    if not places:
        return 0
    return max(-plain(board[:place] + player + board[place + 1 :], other) for place in places)


@st.composite
def positions(draw):
    """After at least two moves each, of a game that goes on."""
    mine = theirs = 0
    for _ in range(draw(st.integers(4, 8))):
        if has_won(mine) or has_won(theirs):
            break
        mine, theirs = theirs, mine | 1 << draw(st.sampled_from(open_cells(mine, theirs)))
    return mine, theirs


@given(positions())
def test_values_and_best_moves_are_those_of_a_plain_search(position):
    mine, theirs = position
    board = "".join("x" if mine >> cell & 1 else "o" if theirs >> cell & 1 else "." for cell in range(CELLS))
    assert value(mine, theirs) == plain(board, "x")
    if not has_won(mine) and not has_won(theirs):
        worth = {cell: -plain(board[:cell] + "x" + board[cell + 1 :], "o") for cell in open_cells(mine, theirs)}
        assert best_moves(mine, theirs) == tuple(cell for cell in worth if worth[cell] == max(worth.values()))


def test_lines_are_rows_columns_and_diagonals():
    assert sorted(LINES) == sorted(sum(1 << cell for cell in row) for row in ROWS)


def test_the_game_is_a_draw_wherever_it_begins():
    assert value(0, 0) == 0
    assert best_moves(0, 0) == tuple(range(CELLS))


@pytest.mark.parametrize("first", [True, False])
def test_best_moves_never_lose_whatever_the_other_side_does(first):
    def ends(mine, theirs, moving):
        if has_won(mine) or has_won(theirs) or mine | theirs == FULL:
            yield has_won(theirs)
        elif moving:
            for cell in best_moves(mine, theirs):
                yield from ends(mine | 1 << cell, theirs, False)
        else:
            for cell in open_cells(mine, theirs):
                yield from ends(mine, theirs | 1 << cell, True)

    start = (1 << 4, 0, False) if first else (0, 0, False)
    assert not any(ends(*start))


def test_what_is_over_has_no_best_move():
    assert best_moves(0b111, 0b11000) == best_moves(0b11000, 0b111) == ()
