"""What counting alone foretells: an n-gram model with Witten-Bell smoothing, the floor under a language model.

Reference: Witten, Bell: "The zero-frequency problem", IEEE Transactions on Information Theory 37(4), 1991.
"""

from __future__ import annotations

import numpy as np


def bits_per_token(known: np.ndarray, asked: np.ndarray, order: int, size: int) -> float:
    """Mean bits with which an n-gram model foretells rows of tokens.

    A token is foretold from what stands before it in its own row, at most `order` - 1 tokens, as a network is
    that starts anew with every row. The probability at one order is mixed with that of the order below, by as
    much as the context is followed by different tokens; below the single token all are equally probable.

    Args:
        known: (N, T + 1) token numbers to count; `rows_of(split)` makes them.
        asked: (M, T + 1) token numbers to foretell; the first of each row is only read.
        order: 5 looks at four tokens back.
        size: of the vocabulary.

    Returns:
        Bits per token, over M × T tokens.

    Raises:
        ValueError: the contexts do not fit in 63 bits.
    """
    if order * np.log2(size) > 63:
        raise ValueError(f"An order of {order} with {size} tokens does not fit in 63 bits.")
    probability = np.full((len(asked), asked.shape[1] - 1), 1.0 / size)
    for width in range(order):
        contexts, tokens = _grams(known, width, size)
        asked_contexts, asked_tokens = _grams(asked, width, size)
        pairs, pair_counts = np.unique(contexts * size + tokens, return_counts=True)
        seen = np.unique(contexts, return_counts=True)
        total = _looked_up(asked_contexts, *seen)
        follow = np.unique(pairs // size, return_counts=True)  # different tokens behind each context
        different = _looked_up(asked_contexts, *follow)
        count = _looked_up(asked_contexts * size + asked_tokens, pairs, pair_counts)
        first = max(width - 1, 0)  # the first targets of a row have no context of this width
        below = probability[:, first:].reshape(-1)
        mixed = np.where(total > 0, (count + different * below) / np.maximum(total + different, 1), below)
        probability[:, first:] = mixed.reshape(len(asked), -1)
    return float(-np.log2(probability).mean())


def rows_of(tokens: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Puts windows together again: (N, T) and the same one token ahead to (N, T + 1) int64."""
    return np.concatenate([tokens, targets[:, -1:]], axis=1).astype(np.int64)


def _grams(rows: np.ndarray, width: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Each target of the rows that has `width` tokens before it, and these as one number; flat int64 both."""
    rows = rows.astype(np.int64)
    tokens = rows[:, max(width, 1) :]
    contexts = np.zeros_like(tokens)
    for back in range(width, 0, -1):
        contexts = contexts * size + rows[:, max(width, 1) - back : rows.shape[1] - back]
    return contexts.reshape(-1), tokens.reshape(-1)


def _looked_up(wanted: np.ndarray, keys: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The count of each wanted key, 0 where there is none; `keys` is sorted."""
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, counts[place], 0)
