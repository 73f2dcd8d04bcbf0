"""Quantization-aware training: the network learns with int8's rounding in its forward pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow_model_optimization as tfmot
import tf_keras as keras
from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import (
    default_8bit_quantize_configs as configs,
)

from mobilenn.compress._layers import kernel_layers
from mobilenn.core.errors import ConversionError
from mobilenn.layers.dropout import Dropout
from mobilenn.layers.lrn import LocalResponseNormalization
from mobilenn.layers.step import Step

_LAYERS = keras.layers
# Layers whose parameters and outputs tfmot's registry knows how to quantize.
_KNOWN = (
    _LAYERS.Conv2D,
    _LAYERS.Dense,
    _LAYERS.ReLU,
    _LAYERS.Concatenate,
    _LAYERS.Flatten,
    _LAYERS.MaxPooling2D,
    _LAYERS.AveragePooling2D,
    _LAYERS.GlobalAveragePooling2D,
    _LAYERS.BatchNormalization,
)
# Layers that stay float inside but whose output is quantized, so that the next one can be int8.
_OUTPUT_ONLY = (_LAYERS.Rescaling, _LAYERS.Normalization, LocalResponseNormalization)
_SCOPE = {
    "Dropout": Dropout,
    "LocalResponseNormalization": LocalResponseNormalization,
    "Step": Step,
    "Default8BitOutputQuantizeConfig": configs.Default8BitOutputQuantizeConfig,
    "NoOpQuantizeConfig": configs.NoOpQuantizeConfig,
}


def transform_name(done: Sequence[str]) -> str:
    """The kind of quantization-aware training that keeps what earlier steps made: zeros, clusters, both."""
    kept = [step for step in ("prune", "cluster") if step in done]
    return "_".join(["qat", *kept, "preserve"]) if kept else "qat"


def _scheme(transform: str) -> Any:
    combine = tfmot.experimental.combine
    schemes = {
        "qat": lambda: None,
        "qat_prune_preserve": combine.Default8BitPrunePreserveQuantizeScheme,
        "qat_cluster_preserve": lambda: combine.Default8BitClusterPreserveQuantizeScheme(preserve_sparsity=False),
        "qat_prune_cluster_preserve": lambda: combine.Default8BitClusterPreserveQuantizeScheme(preserve_sparsity=True),
    }
    return schemes[transform]()


def apply_transform(model: keras.Model, transform: str) -> keras.Model:
    """Wraps a float model's layers for quantization-aware training.

    Layers that tfmot does not know stay float: softmax, 3-D convolutions and poolings, the step.

    Args:
        model: a trained or freshly built model; it is not changed.
        transform: a name that `transform_name` returns.

    Returns:
        The wrapped model, with the float model's weights.

    Raises:
        ConversionError: tfmot refuses the model, or there is nothing to quantize.

    Reference:
        Jacob et al., Quantization and Training of Neural Networks for Efficient
        Integer-Arithmetic-Only Inference (CVPR 2018), section 3.
    """
    kernel_layers(model, "quantization-aware training")
    if not any(type(layer) in (_LAYERS.Conv2D, _LAYERS.Dense) for layer in model.layers):
        raise ConversionError(f"{model.name} has no layer that quantization-aware training works on (Conv2D, Dense).")
    keras.backend.reset_uids()  # tfmot's input layer is named by a counter; a stored name has to come back
    annotated = keras.models.clone_model(model, clone_function=_annotate)
    annotated.set_weights(model.get_weights())
    scheme = _scheme(transform)
    try:
        with tfmot.quantization.keras.quantize_scope(_SCOPE):
            if scheme is None:
                return tfmot.quantization.keras.quantize_apply(annotated)
            return tfmot.quantization.keras.quantize_apply(annotated, scheme)
    except (ValueError, RuntimeError, AttributeError) as error:
        first = str(error).splitlines()[0][:300].rstrip(".")
        raise ConversionError(f"tfmot refuses quantization-aware training of {model.name}: {first}.") from error


def _stands_alone(layer: keras.layers.Layer) -> bool:
    """Whether a batch normalisation follows no 2-D convolution, with which tfmot would fold it."""
    before = layer.inbound_nodes[0].inbound_layers
    return type(layer) is _LAYERS.BatchNormalization and type(before) is not _LAYERS.Conv2D


def settled(trained: keras.Model, float_model: keras.Model) -> keras.Model:
    """Takes a model out of training: plain wrappers, whose kernels hold the zeros and clusters that were kept.

    The preserving schemes keep masks, centroids and indices beside each kernel, in shapes that
    depend on the weights; a model that is to be stored and built again must not have them.

    Args:
        trained: what `apply_transform` made, after its fine-tuning.
        float_model: the float model it was made from.

    Returns:
        The model that `apply_transform(float_model, "qat")` builds, with the trained weights.
    """
    made = apply_transform(float_model, "qat")
    for layer, source in zip(made.layers, trained.layers, strict=True):
        known = {_short(weight, source): weight.numpy() for weight in source.weights}
        known |= {_short(weight, source): value for weight, value in _kernels(source)}
        layer.set_weights([known[_short(weight, layer)] for weight in layer.weights])
    return made


def _kernels(layer: keras.layers.Layer) -> Iterator[tuple[Any, np.ndarray]]:
    """A wrapper's kernels as its forward pass computes them: masked, clustered, rounded."""
    for weight, quantizer, variables in getattr(layer, "_weight_vars", ()):
        yield weight, np.asarray(quantizer(weight, False, weights=variables))


def _short(weight: Any, layer: keras.layers.Layer) -> str:
    """A weight's name without its layer's, which Keras may have numbered."""
    return weight.name.rsplit("/", 1)[-1].removeprefix(layer.name)


def _annotate(layer: keras.layers.Layer) -> keras.layers.Layer:
    made = layer.__class__.from_config(layer.get_config())
    annotate = tfmot.quantization.keras.quantize_annotate_layer
    if type(layer) in _KNOWN and not _stands_alone(layer):
        return annotate(made)
    if type(layer) in _OUTPUT_ONLY:
        return annotate(made, configs.Default8BitOutputQuantizeConfig())
    if type(layer) is Dropout:
        return annotate(made, configs.NoOpQuantizeConfig())
    return made
