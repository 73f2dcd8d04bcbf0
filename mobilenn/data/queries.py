"""Queries and the documents found for them, made by a generator whose taste is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mobilenn.core.errors import RecipeError
from mobilenn.data import Dataset, Split
from mobilenn.data._tables import check_shares, split_rows

COLUMNS = (
    *("title_match", "body_match", "popularity", "freshness", "length", "links", "spam", "loading_time"),
    *("query_words", "news_wanted"),  # of the query: equal for all its documents
)
GRADES = (0.5, 0.7, 0.85, 0.95)  # shares of all documents below the grades 1, 2, 3 and 4


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How many queries are made, and how they are handed out.

    Args:
        queries: number of queries.
        documents: found for each.
        validation, test: shares of all queries.
    """

    queries: int = 2000
    documents: int = 20
    validation: float = 0.15
    test: float = 0.25

    def __post_init__(self) -> None:
        check_shares(self.validation, self.test)
        if not 40 <= self.queries <= 1_000_000 or not 2 <= self.documents <= 1000:
            message = f"[data] queries is {self.queries} and documents {self.documents}."
            raise RecipeError(message, "Allowed: queries 40 to 1000000, documents 2 to 1000.")


def fingerprint(settings: Settings) -> str:
    """The generator's version; its settings are part of the recipe."""
    return "queries 1"


def load(settings: Settings, seed: int) -> Dataset:
    """Generates the lists: `features` (N, documents, 10) float32, grades 0 to 4 (N, documents) float32.

    The lists do not depend on the recipe's seed.
    """
    features, grades = generate(settings.queries, settings.documents, np.random.default_rng(23))
    rows = split_rows(np.arange(len(features)), settings.validation, settings.test, seed, stratify=False)
    train, validation, test = (Split(inputs={"features": features[part]}, targets=grades[part]) for part in rows)
    return Dataset(
        train=train,
        validation=validation,
        test=test,
        labels=(),
        description=f"{len(features):,} generated queries with {settings.documents} documents each, graded 0 to 4.",
        preprocessing={"columns": list(COLUMNS), "standardised": "inside the graph"},
    )


def generate(queries: int, documents: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Makes lists and grades.

    A reader likes a document that matches in title and body at once, is neither short nor long, and no spam; what is
    popular where no news is wanted, and what is fresh where it is. One grade in some is a slip of the pen.

    Returns:
        Features (queries, documents, 10) float32 in 0..1, and grades (queries, documents) float32.
    """
    features = generator.beta(1.5, 2.0, (queries, documents, len(COLUMNS)))
    features[:, :, -2:] = generator.random((queries, 1, 2))
    title, body, popular, fresh, length, links, spam, slow, _, news = np.moveaxis(features, -1, 0)
    liking = 2.5 * title * body + 0.4 * links - 0.2 * slow
    liking -= 1.5 * np.maximum(spam - 0.5, 0) + 1.5 * (length - 0.45) ** 2
    liking += np.where(news > 0.6, 0.9 * fresh, 0.7 * popular)
    liking += generator.normal(0, 0.12, liking.shape)
    grades = np.searchsorted(np.quantile(liking, GRADES), liking, side="right")
    return features.astype(np.float32), grades.astype(np.float32)
