"""Metrics against scikit-learn's."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import linear_model, metrics
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mobilenn import data
from mobilenn.core.errors import RecipeError
from mobilenn.data import Split
from mobilenn.evaluate import baseline, evaluate
from mobilenn.evaluate.classification import calibration_error


def judged(task, made, targets, labels=()):
    split = Split(inputs={"x": np.zeros((len(targets), 1))}, targets=targets)
    return evaluate(task, lambda _: made, split, labels)


@given(st.integers(2, 8), st.integers(5, 60), st.integers(0, 99))
def test_classification_agrees_with_scikit_learn(classes, count, seed):
    generator = np.random.default_rng(seed)
    targets = generator.integers(0, classes, count)
    probabilities = generator.dirichlet(np.ones(classes), count)
    labels = tuple("abcdefgh"[:classes])
    found = judged("classification", {"probabilities": probabilities}, targets, labels)
    predicted = probabilities.argmax(1)
    assert found.value == pytest.approx(metrics.accuracy_score(targets, predicted))
    everything = list(range(classes))
    confusion = metrics.confusion_matrix(targets, predicted, labels=everything)
    assert found.details["confusion"] == confusion.tolist()
    scores = metrics.precision_recall_fscore_support(targets, predicted, labels=everything, zero_division=0)
    for i, row in enumerate(found.details["per_class"]):
        assert [row["precision"], row["recall"], row["f1"], row["support"]] == pytest.approx([s[i] for s in scores])
    if classes > 5:
        top = metrics.top_k_accuracy_score(targets, probabilities, k=3, labels=everything)
        assert found.details["top3_accuracy"] == pytest.approx(top)
    json.dumps(found.details, allow_nan=False)


@given(st.integers(2, 50), st.integers(1, 3), st.integers(0, 99))
def test_regression_agrees_with_scikit_learn(count, width, seed):
    generator = np.random.default_rng(seed)
    truth = generator.normal(size=(count, width)).astype(np.float32)
    made = truth + generator.normal(size=truth.shape).astype(np.float32)
    found = judged("regression", {"value": made}, truth)
    if width == 1:
        assert found.value == pytest.approx(
            metrics.r2_score(truth.astype(float), made.astype(float)), rel=1e-6, abs=1e-9
        )
    assert found.details["mae"] == pytest.approx(metrics.mean_absolute_error(truth, made), rel=1e-5)
    assert found.details["rmse"] == pytest.approx(np.sqrt(metrics.mean_squared_error(truth, made)), rel=1e-5)
    json.dumps(found.details, allow_nan=False)


def test_calibration_error_is_the_gap_between_confidence_and_accuracy():
    assert calibration_error(np.full(10, 0.9), np.arange(10) < 9) == pytest.approx(0.0)
    assert calibration_error(np.full(10, 0.9), np.arange(10) < 5) == pytest.approx(0.4)


def test_an_unknown_task_names_the_nearest():
    with pytest.raises(RecipeError, match="Did you mean 'regression'"):
        judged("regresion", {}, np.zeros(1))


def test_linear_regression_is_scikit_learns():
    table = data.load("autompg", {}, 1)
    known = linear_model.LinearRegression().fit(table.train.inputs["features"], table.train.targets)
    expected = known.score(table.test.inputs["features"], table.test.targets)
    assert baseline("regression", "linear_regression", table) == pytest.approx(expected, abs=1e-4)


def test_classes_are_named_by_number_or_by_least_squares():
    table = data.load("iris", {}, 1)
    rows = table.test.targets
    assert baseline("classification", "majority", table) == pytest.approx((rows == 0).mean(), abs=0.05)
    known = linear_model.LinearRegression().fit(table.train.inputs["features"], np.eye(3)[table.train.targets])
    expected = (known.predict(table.test.inputs["features"]).argmax(1) == rows).mean()
    assert baseline("classification", "linear", table) == pytest.approx(expected)


def test_logistic_regression_sees_standardised_columns():
    table = data.load("breast_cancer", {}, 1)
    known = make_pipeline(StandardScaler(), linear_model.LogisticRegression())
    known.fit(table.train.inputs["features"].astype(np.float64), table.train.targets)
    expected = known.score(table.test.inputs["features"].astype(np.float64), table.test.targets)
    found = baseline("classification", "logistic_regression", table)
    assert found == pytest.approx(expected)
    assert found > baseline("classification", "majority", table) + 0.2


def test_a_column_that_never_changes_says_nothing():
    table = data.load("wine", {}, 1)
    still = [
        Split(inputs={"features": np.c_[s.inputs["features"], np.ones(len(s))]}, targets=s.targets)
        for s in (table.train, table.validation, table.test)
    ]
    other = data.Dataset(
        **dict(zip(("train", "validation", "test"), still, strict=True)),
        labels=table.labels,
        description=table.description,
        preprocessing={},
    )
    assert baseline("classification", "linear", other) == baseline("classification", "linear", table)
