"""The loop of training over signatures that numpy plays: the four steps of mobilenn.train.backpropagation."""

from __future__ import annotations

import numpy as np
import pytest

from mobilenn.core.artifacts import Signature, TensorSpec
from mobilenn.core.errors import ArtifactError, DataError, RecipeError
from mobilenn.runtime import training
from mobilenn.runtime.training import Descent
from mobilenn.runtime.training_calls import SIGNATURES, example_calls
from mobilenn.train import backpropagation as written

BATCH, FEATURES, CLASSES = 4, 3, 2
SHAPES = {"a_kernel": (5, FEATURES), "a_bias": (5,), "b_kernel": (CLASSES, 5), "b_bias": (CLASSES,)}


def specs(shapes, dtypes=()):
    return tuple(TensorSpec(name=n, shape=s, dtype=dict(dtypes).get(n, "float32")) for n, s in shapes.items())


def transposed(arrays):
    return [array.T for array in arrays]


class Played:
    """What a file's signatures do, in float64."""

    def __init__(self):
        step = {"prepared": (BATCH, FEATURES), "target": (BATCH,), "share": (BATCH,), "learning_rate": (1,)}
        moving = {f"velocity_{name}": shape for name, shape in SHAPES.items()}
        inputs = specs({**step, "momentum": (1,), **SHAPES, **moving}, {"target": "int32"}.items())
        row = {"features": (1, FEATURES)}
        self.signatures = {
            "prepare": Signature(key="prepare", inputs=specs(row), outputs=specs({"prepared": (1, FEATURES)})),
            "train": Signature(key="train", inputs=inputs, outputs=()),
            "infer": Signature(key="infer", inputs=specs({**row, **SHAPES}), outputs=()),
            "initial_weights": Signature(key="initial_weights", inputs=specs({"gain": (1,)}), outputs=specs(SHAPES)),
        }
        generator = np.random.default_rng(0)
        self.weights = {name: generator.normal(size=shape).astype(np.float32) for name, shape in SHAPES.items()}
        self.calls = 0

    def runner(self, key):
        return getattr(self, f"run_{key}")

    def run_prepare(self, row):
        return {"prepared": row["features"] / 10}

    def run_initial_weights(self, inputs):
        return {name: weight * inputs["gain"] for name, weight in self.weights.items()}

    def run_infer(self, inputs):
        weights = transposed(inputs[name] for name in SHAPES)
        return {"probabilities": written.forward(weights, inputs["features"] / 10, "tanh")[-1]}

    def run_train(self, inputs):
        expected = {spec.name: spec.shape for spec in self.signatures["train"].inputs}
        assert {name: np.shape(value) for name, value in inputs.items()} == expected
        self.calls += 1
        weights = transposed(inputs[name].astype(np.float64) for name in SHAPES)
        outputs = written.forward(weights, inputs["prepared"].astype(np.float64), "tanh")
        value, made = 0.0, np.zeros_like(outputs[-1])
        for row, share in enumerate(inputs["share"]):
            one = slice(row, row + 1)
            error, gradient = written.loss(outputs[-1][one], inputs["target"][one], "softmax_cross_entropy")
            value += share * error
            made[row] = share * gradient[0]
        found = {"loss": np.array([value])}
        for name, gradient in zip(SHAPES, written.backward(weights, outputs, made, "tanh"), strict=True):
            velocity = inputs["momentum"] * inputs[f"velocity_{name}"] - inputs["learning_rate"] * gradient.T
            found |= {f"next_{name}": inputs[name] + velocity, f"next_velocity_{name}": velocity}
        return found


@pytest.fixture
def played():
    return Played()


@pytest.fixture
def file(played):
    return training.trainable(played.signatures, played.runner)


def samples(count):
    generator = np.random.default_rng(3)
    return generator.normal(size=(count, FEATURES)).astype(np.float32), generator.integers(0, CLASSES, count)


@pytest.mark.parametrize(("count", "calls"), [(1, 1), (4, 1), (11, 3)])
def test_a_step_on_any_number_of_samples_is_one_step(played, file, count, calls):
    inputs, targets = samples(count)
    settings = written.BackpropagationConfig(learning_rate=0.3, momentum=0.8, activation="tanh")
    state = training.beginning(file)
    weights = [array.T.astype(np.float64) for array in played.weights.values()]
    velocity = [np.zeros_like(weight) for weight in weights]
    for number in range(1, 4):
        expected = written.step(weights, velocity, inputs.astype(np.float64), targets, settings)
        value, state = training.step(file, (inputs, targets), state, Descent(learning_rate=0.3, momentum=0.8))
        assert value == pytest.approx(expected, abs=1e-6)
        assert played.calls == number * calls
    for name, weight in zip(SHAPES, weights, strict=True):
        np.testing.assert_allclose(state[name], weight.T, atol=1e-5)


def test_an_epoch_sees_every_sample_once_in_an_order_of_its_own(file):
    orders = [np.concatenate(list(training.mini_batches(10, BATCH, (1, number)))) for number in range(2)]
    assert not np.array_equal(*orders)
    assert all(sorted(order) == list(range(10)) for order in orders)
    losses, state = training.epoch(file, samples(10), training.beginning(file), Descent(), (1, 0))
    assert len(losses) == 3
    assert any(state[f"velocity_{name}"].any() for name in SHAPES)


def test_a_blank_last_layer_forgets_its_classes_alone(played, file):
    state = training.beginning(file, blank=True)
    assert not state["b_kernel"].any()
    assert not state["b_bias"].any()
    np.testing.assert_array_equal(state["a_kernel"], played.weights["a_kernel"])


def test_answers_follow_the_state(played, file):
    inputs, _ = samples(3)
    found = training.prepared(file, {"features": inputs})
    np.testing.assert_allclose(found, inputs / 10)
    blank = training.predict(file, {"features": inputs}, training.beginning(file, blank=True))
    assert blank.shape == (3, CLASSES)
    assert not blank.any()
    assert training.predict(file, {"features": inputs}, training.beginning(file)).any()


def test_a_call_of_each_signature_to_time(played, file):
    calls = example_calls(file, {"features": np.full((1, FEATURES), 10.0)})
    assert tuple(calls) == SIGNATURES
    assert np.isfinite(played.run_train(calls["train"])["loss"]).all()
    np.testing.assert_array_equal(calls["train"]["prepared"], np.ones((BATCH, FEATURES)))
    assert played.run_infer(calls["infer"])["probabilities"].shape == (1, CLASSES)


def test_a_lesson_is_recited_or_not(file):
    inputs, targets = samples(6)
    state, losses = training.beginning(file), []
    for _ in range(3):
        value, state = training.step(file, (inputs / 10, targets), state, Descent(learning_rate=0.3, momentum=0.5))
        losses.append(value)
    lesson = {"targets": targets.tolist(), "learning_rate": 0.3, "momentum": 0.5, "losses": losses}
    recited = training.lesson_losses(file, {"features": inputs}, lesson)
    assert recited == pytest.approx(losses, abs=1e-6)
    assert training.lesson_error(recited, losses) == pytest.approx(0, abs=1e-6)
    assert training.lesson_error(recited, [losses[0], losses[1] + 0.25, losses[2]]) == pytest.approx(0.25, rel=0.2)
    assert training.lesson_error([8.0, 10.5], [8.0, 10.0]) == pytest.approx(0.05)


def test_a_steady_rate_is_smaller_for_larger_values():
    inputs, _ = samples(5)
    assert training.steady_rate(inputs) > training.steady_rate(inputs * 10) > 0


def test_files_and_samples_that_cannot_be_trained_are_refused(played, file):
    with pytest.raises(ArtifactError, match="lacks the signature 'train'"):
        training.trainable({k: v for k, v in played.signatures.items() if k != "train"}, played.runner)
    inputs, targets = samples(4)
    state = training.beginning(file)
    wrong = [
        ((inputs[:0], targets[:0]), "there are 0 targets"),
        ((inputs[:, :2], targets), r"shape \(4, 2\)"),
        ((inputs, targets[:3]), "3 targets"),
        ((inputs, targets + CLASSES), "no class"),
        ((inputs, targets.astype(float)), "no class"),
        ((inputs * np.nan, targets), "not finite"),
    ]
    for given, reason in wrong:
        with pytest.raises(DataError, match=reason):
            training.step(file, given, state, Descent())
    for settings in ({"learning_rate": 0.0}, {"learning_rate": float("nan")}, {"momentum": 1.0}):
        with pytest.raises(RecipeError, match=next(iter(settings))):
            Descent(**settings)
