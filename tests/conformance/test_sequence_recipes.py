"""Every file that a sequence recipe ships, small: it loads and agrees in both runtimes, and LiteRT.js would take it.

The network is the recipe's own in kind (cell, directions, kernels, front end), and of the test size in
its numbers; the variants' precisions are the recipe's, in every form that the pipeline would try.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import tf_keras as keras

from mobilenn import networks
from mobilenn.convert.flatbuffer import to_flatbuffer
from mobilenn.convert.lowerings.recurrent import STOCK, forms
from mobilenn.convert.streaming import STREAM, streamed
from mobilenn.core import recipe as recipes
from mobilenn.core.precision import Precision
from mobilenn.core.records import from_dict, to_dict
from mobilenn.jobs.quantize import quantize
from mobilenn.networks._steps import step_models
from mobilenn.runtime.host import HostSession
from mobilenn.tflite.inspect import precheck
from mobilenn.tflite.merge import SIGNATURE, merge
from mobilenn.tflite.package import Package, pack

SEQUENCES = ("char_lm", "image_attention", "recurrent", "seq2seq", "text_attention", "video_attention")
SOUND = 1440  # four frames
MADE_BY_CONVERTER = (Precision.FLOAT32, Precision.FLOAT16)
SHIPPED = (Precision.FLOAT32, Precision.DYNAMIC_INT8, Precision.INT8)
SAME = 1e-4  # between runtimes, which sum in other orders
COUNT = 6


def cases():
    """By name: network, small config, precisions. Every sequence network, and every recipe of one."""
    found = {name: (name, networks.module(name).TINY, SHIPPED) for name in networks.names() if name in SEQUENCES}
    for cell in ("rnn", "lstm", "gru"):
        config = {"cell": cell, "source": "audio", "length": SOUND, "bidirectional": False}
        found[f"keywords_{cell}"] = ("recurrent", dataclasses.replace(found["recurrent"][1], **config), SHIPPED)
    for name in recipes.names():
        recipe = recipes.load(name)
        if recipe.network in SEQUENCES:
            precisions = tuple(dict.fromkeys(variant.precision for variant in recipe.variants.values()))
            found[f"recipe_{name}"] = (recipe.network, small(recipe), precisions)
    return found


def small(recipe):
    """The recipe's config with the numbers of the network's test config."""
    module = networks.module(recipe.network)
    config = from_dict(module.Config, recipe.config, "[config]")
    numbers = {
        field.name: getattr(module.TINY, field.name)
        for field in dataclasses.fields(config)
        if not isinstance(getattr(config, field.name), str | bool)
    }
    if getattr(config, "source", "") == "audio":
        numbers["length"] = SOUND
    return dataclasses.replace(config, **numbers)


CASES = cases()


def samples(model):
    """Inputs (COUNT, ...) of a network by name: tokens, pixels, sound or vectors."""
    generator = np.random.default_rng(3)
    made = {}
    for tensor in model.inputs:
        shape = (COUNT, *tensor.shape[1:])
        if tensor.dtype.name == "int32":
            made[tensor.name] = generator.integers(4, 12, shape, np.int32)
        elif len(shape) >= 4:
            made[tensor.name] = generator.integers(0, 256, shape).astype(np.float32)
        else:
            scale = 3000 if tensor.name == "audio" else 1
            made[tensor.name] = np.rint(generator.normal(scale=scale * 8, size=shape)).astype(np.float32) / 8
    return made


def float_file(name, config, model, precision, form):
    """What `mobilenn.jobs.keras` writes: one signature, or one a step, and one that listens where it can."""
    chosen = {"form": form} if form else {}
    parts = step_models(name, to_dict(config), model)
    if parts:
        return merge({key: to_flatbuffer(part, precision, **chosen) for key, part in parts.items()})
    made = to_flatbuffer(model, precision, **chosen)
    if name == "recurrent" and not config.bidirectional:
        return merge({SIGNATURE: made, STREAM: to_flatbuffer(streamed(model, 1), precision)})
    return made


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_every_file_runs_everywhere(case, tmp_path):
    name, config, precisions = CASES[case]
    keras.backend.clear_session()
    keras.utils.set_random_seed(4)
    model = networks.module(name).build(config)
    inputs = samples(model)
    for form in [form for form in forms(model) if form != STOCK] or [""]:
        floats = float_file(name, config, model, Precision.FLOAT32, form)
        for precision in precisions:
            path = tmp_path / f"{form}{precision}.tflite"
            if precision in MADE_BY_CONVERTER:
                path.write_bytes(float_file(name, config, model, precision, form))
            else:
                source = tmp_path / "float.tflite"
                source.write_bytes(floats)
                arguments = {"source": str(source), "path": str(path), "precision": precision}
                quantize(arguments, inputs if precision.needs_calibration else {}, lambda _: None)
            agree(path, inputs)


def agree(path, inputs):
    """Asserts that a file is portable, loads in both runtimes, and says the same in them."""
    assert precheck(path.read_bytes()) == []
    path.write_bytes(pack(path.read_bytes(), Package(golden_inputs=inputs)))
    made = []
    for api in ("interpreter", "compiled_model"):
        with HostSession(path, api=api) as session:
            made.append(session.predict(inputs))
    for output, values in made[0].items():
        if values.dtype.kind == "i":
            np.testing.assert_array_equal(values, made[1][output])
        else:
            assert np.isfinite(values).all()
            np.testing.assert_allclose(values, made[1][output], atol=SAME * max(1.0, float(np.abs(values).max())))
