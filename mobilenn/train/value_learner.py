"""Double DQN by TF-Agents: what actions are worth, learned from remembered transitions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras

from mobilenn.environments import Environment
from mobilenn.train import agent_networks as nets
from mobilenn.train._agents import dqn_agent, tensor_spec, trajectory
from mobilenn.train._agents import time_step as ts
from mobilenn.train.agent_config import AgentConfig
from mobilenn.train.crew import Crew
from mobilenn.train.py_environment import AsPyEnvironment
from mobilenn.train.replay import Replay

Tell = Callable[[int, float], None]


class ValueLearner:
    """Learns in place.

    Args:
        policy: the network that ships; its `values` become discounted returns.
        environment: one like those that are played in.
        settings: of the agent.
        optimizer: a Keras optimizer, not built yet.
        batch_size: transitions a step of descent.

    Reference:
        Van Hasselt, Guez and Silver, Deep reinforcement learning with double Q-learning (AAAI 2016).
    """

    def __init__(
        self, policy: keras.Model, environment: Environment, settings: AgentConfig, optimizer: Any, batch_size: int
    ) -> None:
        self._settings, self._batch_size = settings, batch_size
        specs = AsPyEnvironment(environment, iter(()))
        observed, acted = (tensor_spec.from_spec(spec) for spec in (specs.observation_spec(), specs.action_spec()))
        values = nets.values_model(policy)
        count = len(environment.actions)
        self._agent = dqn_agent.DdqnAgent(
            ts.time_step_spec(observed),
            acted,
            q_network=nets.action_values(values, observed, "values"),
            target_q_network=nets.action_values(nets.copied(values), observed, "target"),
            optimizer=optimizer,
            observation_and_action_constraint_splitter=nets.splitter(count) if environment.masked else None,
            td_errors_loss_fn=_huber,
            gamma=settings.discount,
            reward_scale_factor=settings.reward_scale,
            target_update_period=settings.target_period,
            train_step_counter=tf.Variable(0, dtype=tf.int64),
        )
        self._agent.initialize()
        self._replay = Replay(settings.replay, environment.observation_shape, settings.ahead, settings.discount)
        self._best = tf.function(self._greedy)
        self._train = tf.function(self._descend, reduce_retracing=True)
        optimizer.build(values.trainable_variables)
        self.variables = _unique([*self._agent.variables, *optimizer.variables])

    def epoch(self, crew: Crew, epoch: int, generator: np.random.Generator, tell: Tell) -> float | None:
        """Plays and learns for an epoch; returns the mean loss, None where nothing was learned yet."""
        losses: list[float] = []
        self._replay.close_windows()
        done = 0
        for length in self._settings.rounds:
            for _ in range(length):
                share = self._share(epoch + done / self._settings.steps)
                self._replay.add(crew.advance(self._explored(crew, share, generator)))
                done += 1
            if len(self._replay) < min(self._settings.warmup, self._settings.replay):
                continue
            descents = length * self._settings.passes
            losses.append(float(self._train(self._replay.draw((descents, self._batch_size), generator))))
            tell(done, losses[-1])
        return float(np.mean(losses)) if losses else None

    def state(self) -> dict[str, np.ndarray]:
        """What is remembered."""
        return self._replay.state()

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Takes over what `state` gave."""
        self._replay.restore(state)

    def _share(self, epochs: float) -> float:
        """The share of random actions."""
        last, over = self._settings.exploration, self._settings.exploration_epochs
        return last + (1 - last) * max(0.0, 1 - epochs / over) if over else last

    def _explored(self, crew: Crew, share: float, generator: np.random.Generator) -> np.ndarray:
        actions = self._best(crew.observations).numpy()
        legal = crew.legal()
        drawn = np.where(legal, generator.random(legal.shape), -1.0).argmax(1)
        return np.where(generator.random(len(crew)) < share, drawn, actions)

    def _greedy(self, observations: tf.Tensor) -> tf.Tensor:
        return self._agent.policy.action(ts.restart(observations, batch_size=observations.shape[0])).action

    def _descend(self, batches: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """A step for each batch, (steps, batch size, …); returns the mean loss."""
        count, lost = tf.shape(batches["action"])[0], 0.0
        for number in tf.range(count):
            lost += self._step({name: values[number] for name, values in batches.items()})
        return lost / tf.cast(count, tf.float32)

    def _step(self, batch: Mapping[str, tf.Tensor]) -> tf.Tensor:
        count = batch["action"].shape[0]
        step_type = tf.fill((count, 2), ts.StepType.MID)
        pair = {name: tf.stack([batch[name], tf.zeros_like(batch[name])], 1) for name in ("action", "reward")}
        experience = trajectory.Trajectory(
            step_type=step_type,
            observation=tf.stack([batch["observation"], batch["following"]], 1),
            action=pair["action"],
            policy_info=(),
            next_step_type=step_type,
            reward=pair["reward"],
            discount=tf.stack([batch["discount"], tf.ones_like(batch["discount"])], 1),
        )
        return self._agent.train(experience).loss


def _huber(wanted: tf.Tensor, found: tf.Tensor) -> tf.Tensor:
    """Huber's loss, element by element: one surprise does not outweigh a batch."""
    error = tf.abs(wanted - found)
    return tf.where(error < 1.0, 0.5 * error**2, error - 0.5)


def _unique(variables: list[tf.Variable]) -> list[tf.Variable]:
    return list({variable.ref(): variable for variable in variables}.values())
