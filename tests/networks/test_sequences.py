"""Sequence networks: settings out of range, and the weights that their steps take over."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tf_keras as keras

from mobilenn import networks
from mobilenn.core.errors import ConversionError, RecipeError
from mobilenn.core.records import to_dict
from mobilenn.networks import char_lm, seq2seq
from mobilenn.networks._steps import step_models

TRANSFORMER = replace(seq2seq.TINY, form="transformer", heads=2, depth=2)


@pytest.mark.parametrize(
    ("name", "config", "words"),
    [
        ("seq2seq", {"width": 7}, "width is 7"),
        ("seq2seq", {"width": 12, "heads": 8}, "heads cannot share"),
        ("seq2seq", {"vocabulary": 4}, "vocabulary"),
        ("seq2seq", {"source_length": 0}, "source_length"),
        ("seq2seq", {"target_length": 0}, "target_length"),
        ("seq2seq", {"form": "convolution"}, "form"),
        ("seq2seq", {"dropout": 1.0}, "dropout"),
        ("char_lm", {"units": []}, "units is empty"),
        ("char_lm", {"units": [0]}, "units"),
        ("char_lm", {"length": 0}, "length"),
    ],
)
def test_a_config_out_of_range_is_one_error(name, config, words):
    with pytest.raises(RecipeError, match=words):
        networks.make(name, config)


@pytest.mark.parametrize(
    ("name", "config"), [("seq2seq", seq2seq.TINY), ("seq2seq", TRANSFORMER), ("char_lm", char_lm.TINY)]
)
def test_the_steps_hold_every_weight_of_the_network_and_no_other(name, config):
    keras.utils.set_random_seed(1)
    model = networks.module(name).build(config)
    parts = step_models(name, to_dict(config), model)
    held = {w.tobytes() for part in parts.values() for w in part.get_weights()}
    assert held == {w.tobytes() for w in model.get_weights()}


def test_networks_without_steps_have_none():
    model = networks.make("mlp", {"input_shape": [4], "hidden": [3], "classes": 2})
    assert step_models("mlp", {"input_shape": [4], "hidden": [3], "classes": 2}, model) == {}


def test_layers_of_another_shape_are_refused():
    model = seq2seq.build(replace(seq2seq.TINY, width=4))
    with pytest.raises(ConversionError, match="is not that of the trained seq2seq"):
        step_models("seq2seq", to_dict(seq2seq.TINY), model)


def test_a_decoder_sees_nothing_of_what_it_has_yet_to_say():
    """Its probabilities at a place do not depend on later tokens."""
    for config in (seq2seq.TINY, TRANSFORMER):
        model = seq2seq.build(config)
        generator = np.random.default_rng(0)
        source = generator.integers(4, 20, (1, 6)).astype(np.int32)
        first = generator.integers(4, 20, (1, 5)).astype(np.int32)
        second = first.copy()
        second[:, 3:] = 7
        made, other = (model({"source": source, "target_in": text}).numpy() for text in (first, second))
        np.testing.assert_array_equal(made[:, :3], other[:, :3])
        assert np.abs(made[:, 3:] - other[:, 3:]).max() > 0
