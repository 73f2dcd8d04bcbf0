"""A network whose file trains itself: forward, loss, backward and update as signatures of builtin operators.

State is explicit. `train` takes the weights and their velocities and gives the next ones, as `stream` does with
a recurrent network's state; nothing is kept inside. So the file runs in every runtime (variable tensors load in
neither CompiledModel nor LiteRT.js), an app can hold several pupils at a time, go back to an earlier one, save
one as plain arrays, and take a step on more samples than one call holds: see mobilenn.runtime.training, the
reference of the loop around these signatures. `get_weights` and `set_weights` have nothing left to do;
`initial_weights` gives those that the file was made with.

What stands before the trained layers is frozen, and computes the same for a sample in every step: `prepare` runs
it once, and `train` takes what it gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras

from mobilenn.convert.flatbuffer import function_to_flatbuffer, to_flatbuffer
from mobilenn.convert.head import LOSSES, Head, find_head
from mobilenn.convert.lowerings import lower
from mobilenn.core.precision import Precision
from mobilenn.core.recipe import Trainable
from mobilenn.runtime.training import INFER, INITIAL_WEIGHTS, NEXT, PREPARE, PREPARED, TRAIN, VELOCITY

Tensors = Mapping[str, tf.Tensor]
_LAYERS = keras.layers


def training_parts(model: keras.Model, settings: Trainable, form: str = "hoisted") -> dict[str, bytes]:
    """Makes the signatures with which a file trains a network's last dense layers.

    Costs the file a copy of no weights, since they are stored once: some kilobytes of graph. Departs from Keras'
    training in that dropout is off, as it is whenever the file runs.

    Args:
        model: a functional network with one output: a softmax, which cross-entropy judges, or linear values, which
            the mean squared error judges.
        settings: samples of a call, and the number of layers.
        form: of recurrent layers, as for `to_flatbuffer`.

    Returns:
        Bare flatbuffers by signature: `prepare`, `train`, `infer`, `initial_weights`.

    Raises:
        ConversionError: the network does not end in layers whose gradient is written out, or the frozen part
            does not convert.
    """
    head = find_head(model, settings.layers)
    frozen = frozen_part(model, head.source)
    return {
        PREPARE: to_flatbuffer(frozen, Precision.FLOAT32, form=form),
        TRAIN: _train(head, settings.batch_size, model.name),
        INFER: _infer(head, lower(frozen, form), model.name),
        INITIAL_WEIGHTS: initial_weights(head.weights, model.name),
    }


def frozen_part(model: keras.Model, source: Any) -> keras.Model:
    """The network up to a tensor, which becomes the output `prepared`."""
    return keras.Model(model.inputs, _LAYERS.Activation("linear", name=PREPARED)(source), name=model.name)


def forward(head: Head, weights: Tensors, inputs: tf.Tensor) -> list[tf.Tensor]:
    """Step 1: a_0 = the inputs and every layer's output a_l = f(a_{l−1} Kᵀ + b); the last one without f.

    Reference:
        Rumelhart, Hinton and Williams, Learning representations by back-propagating errors
        (Nature 323, 1986), equations 1 and 2.
    """
    outputs = [inputs]
    for place, layer in enumerate(head.layers, 1):
        summed = tf.matmul(outputs[-1], weights[f"{layer.name}_kernel"], transpose_b=True)
        if layer.bias is not None:
            summed = summed + weights[f"{layer.name}_bias"]
        outputs.append(summed if place == len(head.layers) else _FUNCTIONS[layer.activation](summed))
    return outputs


def loss(head: Head, made: tf.Tensor, target: tf.Tensor, share: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Step 2: how wrong the outputs are, Σ share·E, and in which direction: its gradient by `made`.

    Args:
        head: its last activation decides: cross-entropy of a softmax, or the mean squared error of values.
        made: (B, outputs) before the last activation.
        target: (B,) int32 class indices, or (B, outputs) float32.
        share: (B,) of each sample in the mean; 0 leaves a row out.

    Returns:
        (1,) and (B, outputs).

    Reference:
        Goodfellow, Bengio and Courville, Deep Learning (2016), sections 6.2.2.3 and 5.1.4.
    """
    column = tf.reshape(share, (-1, 1))
    if LOSSES[head.layers[-1].activation] == "squared_error":
        error = made - target
        each = tf.reduce_mean(error * error, axis=1)
        return tf.reduce_sum(each * share, keepdims=True), error * column * (2.0 / made.shape[1])
    shifted = made - tf.reduce_max(made, axis=1, keepdims=True)
    exponentials = tf.exp(shifted)
    total = tf.reduce_sum(exponentials, axis=1, keepdims=True)
    expected = tf.one_hot(target, made.shape[1])
    each = tf.math.log(total) - tf.reduce_sum(shifted * expected, axis=1, keepdims=True)
    value = tf.reshape(tf.reduce_sum(each * column), (1,))
    return value, (exponentials / total - expected) * column


def backward(head: Head, weights: Tensors, outputs: list[tf.Tensor], gradient: tf.Tensor) -> dict[str, tf.Tensor]:
    """Step 3: the chain rule, from the last layer to the first.

    With δ_L the loss's gradient and δ_{l−1} = (δ_l K_l) ⊙ f′(a_{l−1}), a kernel's gradient is δ_lᵀ a_{l−1} and
    a bias's the sum of δ_l over the samples.

    Returns:
        Gradients by the weights' names.

    Reference:
        Rumelhart, Hinton and Williams (1986), equations 4 to 7; Goodfellow et al. (2016), algorithm 6.4.
    """
    gradients = {}
    delta = gradient
    for place in range(len(head.layers) - 1, -1, -1):
        layer = head.layers[place]
        gradients[f"{layer.name}_kernel"] = tf.matmul(delta, outputs[place], transpose_a=True)
        if layer.bias is not None:
            gradients[f"{layer.name}_bias"] = tf.reduce_sum(delta, axis=0)
        if place:
            before = head.layers[place - 1].activation
            delta = tf.matmul(delta, weights[f"{layer.name}_kernel"]) * _DERIVATIVES[before](outputs[place])
    return gradients


def update(gradients: Tensors, state: Tensors, rate: tf.Tensor, momentum: tf.Tensor) -> dict[str, tf.Tensor]:
    """Step 4: v ← μ v − η ∂E/∂w and w ← w + v; the next state by the names of outputs.

    Reference:
        Rumelhart, Hinton and Williams (1986), equations 8 and 9.
    """
    after = {}
    for name, gradient in gradients.items():
        velocity = momentum * state[f"{VELOCITY}{name}"] - rate * gradient
        after |= {f"{NEXT}{name}": state[name] + velocity, f"{NEXT}{VELOCITY}{name}": velocity}
    return after


# TensorFlow's own gradients of these are operators such as ReluGrad, which no builtin kernel computes.
_FUNCTIONS = {"relu": tf.nn.relu, "tanh": tf.tanh, "sigmoid": tf.sigmoid, "linear": tf.identity}
_DERIVATIVES = {  # as functions of the function's value
    "relu": lambda a: tf.cast(a > 0, tf.float32),
    "tanh": lambda a: 1.0 - a * a,
    "sigmoid": lambda a: a * (1.0 - a),
    "linear": tf.ones_like,
}


def _train(head: Head, batch: int, name: str) -> bytes:
    classes = head.layers[-1].kernel.shape[0]
    indices = LOSSES[head.layers[-1].activation] == "cross_entropy"
    specs = {
        PREPARED: spec(PREPARED, (batch, head.source.shape[1])),
        "target": spec("target", (batch,) if indices else (batch, classes), tf.int32 if indices else tf.float32),
        "share": spec("share", (batch,)),
        "learning_rate": spec("learning_rate", (1,)),
        "momentum": spec("momentum", (1,)),
        **_weight_specs(head),
        **{f"{VELOCITY}{key}": spec(f"{VELOCITY}{key}", value.shape) for key, value in head.weights.items()},
    }

    @tf.function(input_signature=[specs])
    def train(inputs: Tensors) -> dict[str, tf.Tensor]:
        outputs = forward(head, inputs, inputs[PREPARED])
        value, gradient = loss(head, outputs[-1], inputs["target"], inputs["share"])
        gradients = backward(head, inputs, outputs, gradient)
        return {"loss": value, **update(gradients, inputs, inputs["learning_rate"], inputs["momentum"])}

    names = ["loss", *(f"{NEXT}{key}" for key in head.weights), *(f"{NEXT}{VELOCITY}{key}" for key in head.weights)]
    return function_to_flatbuffer(train, names, tf.Module(), f"the training of {name}")


def _infer(head: Head, frozen: keras.Model, name: str) -> bytes:
    pairs = zip(frozen.input_names, frozen.inputs, strict=True)
    inputs_of = {key: spec(key, (1, *tensor.shape[1:]), tensor.dtype) for key, tensor in pairs}
    owner = tf.Module()
    owner.weights = frozen.weights

    @tf.function(input_signature=[{**inputs_of, **_weight_specs(head)}])
    def infer(inputs: Tensors) -> dict[str, tf.Tensor]:
        prepared = frozen.call([inputs[key] for key in frozen.input_names], training=False)
        made = forward(head, inputs, prepared)[-1]
        return {head.output: tf.nn.softmax(made) if head.layers[-1].activation == "softmax" else made}

    return function_to_flatbuffer(infer, [head.output], owner, f"{name} with given weights")


def initial_weights(weights: Mapping[str, np.ndarray], name: str) -> bytes:
    """A signature that gives weights by name, times its input `gain`, which is 1.

    A runtime can neither fill an output that is a constant nor start a graph that reads nothing.
    """

    @tf.function(input_signature=[{"gain": spec("gain", (1,))}])
    def given(inputs: Tensors) -> dict[str, tf.Tensor]:
        return {key: tf.constant(value) * inputs["gain"] for key, value in weights.items()}

    return function_to_flatbuffer(given, list(weights), tf.Module(), f"the weights of {name}")


def _weight_specs(head: Head) -> dict[str, tf.TensorSpec]:
    return {key: spec(key, value.shape) for key, value in head.weights.items()}


def spec(name: str, shape: Any, dtype: Any = tf.float32) -> tf.TensorSpec:
    """An input of a signature."""
    return tf.TensorSpec(shape, dtype, name=name)
