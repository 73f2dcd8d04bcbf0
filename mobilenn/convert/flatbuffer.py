"""Keras model in, flatbuffer bytes out: builtin operators, batch 1, static shapes, a named signature."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import tensorflow as tf
import tf_keras as keras

from mobilenn.convert.lowerings import lower
from mobilenn.core.errors import ConversionError
from mobilenn.core.precision import Precision

Samples = Iterable[Mapping[str, np.ndarray]]


class _Trackable(tf.Module):
    """Holds the model while its function is converted."""

    def __init__(self, model: keras.Model) -> None:
        super().__init__()
        self.model = model


def to_flatbuffer(model: keras.Model, precision: Precision, representative: Samples | None = None) -> bytes:
    """Converts a model.

    Args:
        model: a functional tf_keras model with named inputs and outputs; for INT8 a
            quantization-aware one (a float model is converted to FLOAT32 and quantized by
            mobilenn.quantize, ten times as fast).
        precision: FLOAT32, FLOAT16, INT16X8 or INT8.
        representative: calibration samples for INT16X8: input name to (1, ...) float32.

    Returns:
        The flatbuffer, with the signature `serving_default`; equal weights give equal bytes.

    Raises:
        ConversionError: the converter refuses the model, or would need operators that are not
            builtin; names the first reason.
    """
    function = _function(lower(model), model.input_names, model.output_names)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.concrete], function.owner)
    _set_precision(converter, precision, representative, [t.name.split(":")[0] for t in function.concrete.inputs])
    try:
        return bytes(converter.convert())
    except Exception as error:  # the converter raises many classes, most with a page of MLIR
        raise ConversionError(f"The converter refused {model.name} as {precision}: {_first_line(error)}.") from error


class _Function:
    """A concrete function with batch 1, and what has to live as long as it does."""

    def __init__(self, owner: tf.Module, concrete: tf.types.experimental.ConcreteFunction) -> None:
        self.owner, self.concrete = owner, concrete


def _function(model: keras.Model, inputs: list[str], outputs: list[str]) -> _Function:
    owner = _Trackable(model)
    shapes = zip(inputs, model.inputs, strict=True)
    specs = [tf.TensorSpec((1, *tensor.shape[1:]), tf.float32, name=name) for name, tensor in shapes]

    @tf.function(input_signature=specs)
    def serving_default(*arguments: tf.Tensor) -> dict[str, tf.Tensor]:
        made = owner.model(list(arguments) if len(arguments) > 1 else arguments[0], training=False)
        return dict(zip(outputs, made if isinstance(made, list | tuple) else [made], strict=True))

    return _Function(owner, serving_default.get_concrete_function())


def _set_precision(
    converter: tf.lite.TFLiteConverter, precision: Precision, representative: Samples | None, inputs: list[str]
) -> None:
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if precision is Precision.FLOAT32:
        return
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision is Precision.FLOAT16:
        converter.target_spec.supported_types = [tf.float16]
    elif precision is Precision.INT16X8:
        if representative is None:
            raise ConversionError("int16x8 needs calibration samples and got none.")
        converter.target_spec.supported_ops = [
            tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        ]
        samples = list(representative)
        names = list(samples[0])
        converter.representative_dataset = lambda: ([sample[name] for name in names] for sample in samples)
    elif precision is not Precision.INT8:
        raise ConversionError(f"{precision} is made by mobilenn.quantize from a float32 file.")


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = next((line for line in lines if "error:" in line), lines[0] if lines else type(error).__name__)
    return telling.rpartition("error: ")[2][:300].rstrip(".")
