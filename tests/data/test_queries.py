"""Generated queries: what a reader of them likes."""

from __future__ import annotations

import numpy as np
import pytest

from mobilenn import data
from mobilenn.core.errors import RecipeError
from mobilenn.data.queries import COLUMNS, GRADES, generate


def test_grades_have_the_shares_that_they_are_said_to_have():
    features, grades = generate(300, 20, np.random.default_rng(4))
    assert features.shape == (300, 20, len(COLUMNS))
    assert features.min() >= 0
    assert features.max() <= 1
    for grade, share in enumerate(GRADES, 1):
        assert (grades < grade).mean() == pytest.approx(share, abs=0.01)


def test_columns_of_the_query_are_equal_for_its_documents():
    features, _ = generate(50, 7, np.random.default_rng(4))
    assert (np.ptp(features[..., -2:], axis=1) == 0).all()


def test_what_is_fresh_is_liked_where_news_is_wanted_and_else_what_is_popular():
    features, grades = generate(2000, 10, np.random.default_rng(4))
    column = {name: features[..., place].ravel() for place, name in enumerate(COLUMNS)}
    news = column["news_wanted"] > 0.6

    def pull(name, rows):
        return np.corrcoef(column[name][rows], grades.ravel()[rows])[0, 1]

    assert pull("freshness", news) > 0.2 > abs(pull("freshness", ~news)) + 0.1
    assert pull("popularity", ~news) > 0.2 > abs(pull("popularity", news)) + 0.1


@pytest.mark.parametrize("changed", [{"queries": 3}, {"documents": 1}, {"test": 0.9}])
def test_a_setting_out_of_range_is_refused(changed):
    with pytest.raises(RecipeError, match=next(iter(changed))):
        data.load("queries", changed, 1)
