"""A policy of ours as the networks that TF-Agents' agents take; they share its weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf
import tf_keras as keras

from mobilenn.core.errors import RecipeError
from mobilenn.layers.best_action import FORBIDDEN, allowed
from mobilenn.train._agents import network, tfp


class Wrapped(network.Network):
    """A Keras model of one input and one output, over any number of outer dimensions.

    Args:
        model: the model.
        observed: spec of the observations.
        made: from the output (…, units) and the observations to what the agent wants.
        name: of the network.
    """

    def __init__(
        self, model: keras.Model, observed: tf.TensorSpec, made: Callable[[tf.Tensor, tf.Tensor], Any], name: str
    ) -> None:
        super().__init__(input_tensor_spec=observed, state_spec=(), name=name)
        self._model, self._made, self._rank = model, made, len(observed.shape)

    def call(self, observation: tf.Tensor, step_type: Any = None, network_state: Any = (), training: bool = False):
        """Runs the model; returns what was made and the state, which is empty."""
        flat = tf.reshape(observation, (-1, *observation.shape[-self._rank :]))
        found = self._model(flat, training=training)
        outer = tf.shape(observation)[: -self._rank]
        found = tf.ensure_shape(
            tf.reshape(found, tf.concat([outer, found.shape[1:]], 0)),
            (*observation.shape[: -self._rank], *found.shape[1:]),
        )
        return self._made(found, observation), network_state


def values_model(policy: keras.Model) -> keras.Model:
    """The part of a policy from `observation` to `values`."""
    return keras.Model(policy.inputs, policy.outputs[policy.output_names.index("values")], name=policy.name)


def copied(model: keras.Model) -> keras.Model:
    """The same model with weights of its own, equal to begin with."""
    made = keras.models.clone_model(model)
    made.set_weights(model.get_weights())
    return made


def action_values(model: keras.Model, observed: tf.TensorSpec, name: str) -> Wrapped:
    """What each action is worth."""
    return Wrapped(model, observed, lambda values, _: values, name)


def action_choice(model: keras.Model, observed: tf.TensorSpec, masked: bool) -> Wrapped:
    """A distribution over the actions that are allowed."""

    def made(logits: tf.Tensor, observation: tf.Tensor) -> Any:
        if masked:
            logits += FORBIDDEN * (_allowed(observation, len(observed.shape), logits.shape[-1]) - 1.0)
        return tfp.distributions.Categorical(logits=logits, dtype=tf.int32)

    return Wrapped(model, observed, made, "choice")


def baseline(values: keras.Model, observed: tf.TensorSpec) -> Wrapped:
    """What a state is worth, by a copy of the policy's layers and an end of its own; it does not ship.

    Raises:
        RecipeError: a network without a dense layer, before which it could be read off.
    """
    own = copied(values)
    last = next((layer for layer in reversed(own.layers) if isinstance(layer, keras.layers.Dense)), None)
    if last is None:
        raise RecipeError(f"{values.name} has no dense layer.", 'Allowed: train.agent.algorithm = "dqn".')
    seen = last.input
    if len(seen.shape) == 3:  # a row for each action: what the state is worth lies in all of them
        seen = keras.layers.GlobalAveragePooling1D(name="all_rows")(seen)
    worth = keras.layers.Dense(1, name="worth", kernel_initializer=keras.initializers.GlorotUniform(seed=1))
    model = keras.Model(own.inputs, worth(seen))
    return Wrapped(model, observed, lambda found, _: tf.squeeze(found, -1), "baseline")


def _allowed(observation: tf.Tensor, rank: int, actions: int) -> tf.Tensor:
    if rank == 1:
        return observation[..., -actions:]
    outer = tf.shape(observation)[:-rank]
    return tf.reshape(observation[..., -1], tf.concat([outer, [actions]], 0))


def splitter(actions: int) -> Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
    """For DQN: from observations to themselves and which actions they allow."""

    def split(observation: tf.Tensor | tf.TensorSpec) -> tuple[Any, Any]:
        if isinstance(observation, tf.TensorSpec):  # the agent asks once for what the network will see
            return observation, tf.TensorSpec((actions,), tf.float32)
        return observation, allowed(observation, actions)

    return split
