"""Ratings of films, made by a generator whose users have a taste that is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mobilenn.core.errors import RecipeError
from mobilenn.data import Dataset
from mobilenn.data._ratings import Shares, dataset

TASTES = 16  # kinds of users
FAVOURITES = 0.15  # share of the films that a taste is about


@dataclass(frozen=True, kw_only=True)
class Settings(Shares):
    """How many ratings are made; the rest is that of all ratings.

    Args:
        users, films: how many.
    """

    users: int = 3000
    films: int = 120

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 100 <= self.users <= 100_000 or not 20 <= self.films <= 10_000:
            message = f"[data] users is {self.users} and films {self.films}."
            raise RecipeError(message, "Allowed: users 100 to 100000, films 20 to 10000.")


def fingerprint(settings: Settings) -> str:
    """The generator's version; its settings are part of the recipe."""
    return "ratings 1"


def load(settings: Settings, seed: int) -> Dataset:
    """Generates the ratings; they do not depend on the recipe's seed."""
    ratings = generate(settings.users, settings.films, np.random.default_rng(31))
    described = (
        f"{int((ratings > 0).sum()):,} generated ratings, 1 to 5, of {settings.films} films by "
        f"{settings.users:,} users of {TASTES} tastes."
    )
    names = [f"film {number:03d}" for number in range(1, settings.films + 1)]
    return dataset(ratings >= settings.liked, names, settings, seed, described)


def generate(users: int, films: int, generator: np.random.Generator) -> np.ndarray:
    """Makes ratings: a user sees what is popular and what the own taste is about, and likes the latter.

    Returns:
        (users, films) int64, 1 to 5, and 0 where a user has not seen a film.
    """
    favourite = generator.random((TASTES, films)) < FAVOURITES
    popular = generator.beta(1.0, 6.0, films)
    own = favourite[generator.integers(0, TASTES, users)]
    seen = generator.random((users, films)) < np.where(own, 0.45, 0.35 * popular)
    opinion = np.where(own, 4.4, 2.8) + 0.8 * popular + generator.normal(0, 0.8, (users, films))
    return np.where(seen, np.clip(np.rint(opinion), 1, 5), 0).astype(np.int64)
