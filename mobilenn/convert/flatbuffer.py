"""Keras model in, flatbuffer bytes out: builtin operators, batch 1, static shapes, a named signature."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras

from mobilenn.convert.lowerings import lower
from mobilenn.convert.lowerings.copies import is_wrapper, unwrapped
from mobilenn.core.errors import ConversionError
from mobilenn.core.precision import Precision
from mobilenn.tflite.edits import let_pixels_in, order_outputs, own_outputs
from mobilenn.tflite.inspect import precheck
from mobilenn.tflite.writer import parse, serialize

Samples = Iterable[Mapping[str, np.ndarray]]


def to_flatbuffer(
    model: keras.Model, precision: Precision, representative: Samples | None = None, form: str = "hoisted"
) -> bytes:
    """Converts a model, with every lowering applied.

    Args:
        model: a functional tf_keras model with named inputs and outputs; for INT8 a
            quantization-aware one (a float model is converted to FLOAT32, and quantized by
            mobilenn.quantize in a fraction of the converter's time).
        precision: FLOAT32, FLOAT16, INT16X8 or, of a quantization-aware model, INT8.
        representative: calibration samples for INT16X8: input name to (1, ...) float32, raw values.
        form: of recurrent layers, one of mobilenn.convert.lowerings.recurrent.FORMS.

    Returns:
        A bare flatbuffer with the signature `serving_default`. Inputs and outputs have the model's
        dtypes; the pixel inputs of an INT8 file are uint8. The bytes depend on the model alone.

    Raises:
        ConversionError: the converter refuses the model, or the file would need operators that are
            not builtin; names the first reason.
    """
    made_here = precision in (Precision.FLOAT32, Precision.FLOAT16, Precision.INT16X8)
    if not made_here and not (precision is Precision.INT8 and any(map(is_wrapper, model.submodules))):
        hint = "Allowed here: float32, float16, int16x8, and int8 after quantization-aware training."
        raise ConversionError(f"{precision} of {model.name} is made by mobilenn.quantize from a float32 file.", hint)
    names = output_names(model)
    lowered = lower(model, form)
    owner = tf.Module()
    owner.weights = lowered.weights  # the converter finds variables through what owns them
    converter = tf.lite.TFLiteConverter.from_concrete_functions([_function(lowered, names)], owner)
    _set_precision(converter, precision, representative)
    parsed = parse(_converted(converter, f"{model.name} as {precision}"))
    order_outputs(parsed, names)
    own_outputs(parsed)
    if precision is Precision.INT8:
        let_pixels_in(parsed)
    return _portable(serialize(parsed), f"{model.name} as {precision}")


def function_to_flatbuffer(function: Any, outputs: Sequence[str], owner: tf.Module, name: str) -> bytes:
    """Converts a function of tensors, in float32.

    Args:
        function: a tf.function of one dictionary by input name, with an input signature of fixed shapes, that
            returns a dictionary by output name.
        outputs: their order in the file.
        owner: of the variables that the function reads.
        name: what errors call it.

    Returns:
        A bare flatbuffer with the signature `serving_default`.

    Raises:
        ConversionError: as `to_flatbuffer`.
    """
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], owner)
    _set_precision(converter, Precision.FLOAT32, None)
    parsed = parse(_converted(converter, name))
    order_outputs(parsed, outputs)
    own_outputs(parsed)
    return _portable(serialize(parsed), name)


def _converted(converter: Any, name: str) -> bytes:
    try:
        with _quiet():
            return bytes(converter.convert())
    except ConversionError:
        raise
    except Exception as error:  # the converter raises many classes, most with a page of MLIR
        raise ConversionError(f"The converter refused {name}: {_reason(error)}.") from error


def _portable(flatbuffer: bytes, name: str) -> bytes:
    """The flatbuffer itself; raises ConversionError where a runtime would refuse it."""
    faults = precheck(flatbuffer)
    if faults:
        message = f"{name} would not run on every phone and browser: {'; '.join(faults)}."
        raise ConversionError(message, "Allowed: layers that convert to builtin operators with fixed shapes.")
    return flatbuffer


def output_names(model: keras.Model) -> list[str]:
    """The model's output names as they were before quantization-aware training wrapped its layers."""
    inner = {name: layer.name for name, layer in unwrapped(model)}
    return [inner.get(name, name) for name in model.output_names]


def _function(model: keras.Model, outputs: list[str]) -> Any:
    """A concrete function of batch 1 from input names to output names."""
    pairs = zip(model.input_names, model.inputs, strict=True)
    specs = {name: tf.TensorSpec((1, *tensor.shape[1:]), tensor.dtype, name=name) for name, tensor in pairs}
    for name, spec in specs.items():
        if None in spec.shape:
            raise ConversionError(f"Input '{name}' has the shape {tuple(spec.shape)}; every dimension must be fixed.")

    @tf.function(input_signature=[specs])
    def serving_default(inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        # `call`, not `__call__`: tensors are then named after layers, not after the model too
        made = model.call([inputs[name] for name in model.input_names], training=False)
        return dict(zip(outputs, tf.nest.flatten(made), strict=True))

    return serving_default.get_concrete_function()


def _set_precision(converter: Any, precision: Precision, representative: Samples | None) -> None:
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if precision is Precision.FLOAT32:
        return
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision is Precision.FLOAT16:
        converter.target_spec.supported_types = [tf.float16]
    if precision is Precision.INT16X8:
        converter.representative_dataset = _dataset(representative)
        int16 = tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        converter.target_spec.supported_ops = [int16]


def _dataset(representative: Samples | None) -> Callable[[], Iterator[dict[str, np.ndarray]]]:
    samples = [dict(sample) for sample in representative or ()]
    if not samples:
        raise ConversionError("int16x8 needs calibration samples and got none.")
    return lambda: iter(samples)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps Python's warnings and log lines of the converter from the screen."""
    loggers = [logging.getLogger(name) for name in ("absl", "tensorflow")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _reason(error: Exception) -> str:
    """The line that tells, out of a page of MLIR."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = next((line for line in lines if "error:" in line), lines[0] if lines else type(error).__name__)
    return telling.rpartition("error: ")[2][:300].rstrip(".")
