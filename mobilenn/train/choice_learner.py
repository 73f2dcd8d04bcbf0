"""PPO and REINFORCE by TF-Agents: actions that led to more than was expected become more probable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras

from mobilenn.environments import Environment
from mobilenn.train import agent_networks as nets
from mobilenn.train._agents import ppo_clip_agent, reinforce_agent, tensor_spec, trajectory
from mobilenn.train._agents import time_step as ts
from mobilenn.train.agent_config import AgentConfig
from mobilenn.train.crew import Crew, Moves
from mobilenn.train.py_environment import AsPyEnvironment

Tell = Callable[[int, float], None]


class Ordered:
    """An optimizer that always gets its gradients in the same order.

    TF-Agents sorts variables by name. Actor and critic have layers of the same names, and among equals those of the
    lower address came first: the norm that gradients are clipped by, a sum, was rounded otherwise in every process.

    Args:
        optimizer: a Keras optimizer.
        variables: in the order wanted.
    """

    def __init__(self, optimizer: Any, variables: Iterable[tf.Variable]) -> None:
        self._optimizer = optimizer
        self._places = {variable.ref(): place for place, variable in enumerate(variables)}

    def apply_gradients(self, pairs: Iterable[tuple[tf.Tensor, tf.Variable]]) -> Any:
        """Takes a step."""
        return self._optimizer.apply_gradients(sorted(pairs, key=lambda pair: self._places[pair[1].ref()]))


class ChoiceLearner:
    """Learns in place.

    TF-Agents' PPO and REINFORCE take an episode that was cut off for one that ended: nothing is to come after it.

    Args:
        policy: the network that ships; its `values` become unnormalised log-probabilities.
        environment: one like those that are played in.
        settings: of the agent.
        optimizer: a Keras optimizer, not built yet.

    Reference:
        Williams, Simple statistical gradient-following algorithms (1992), with a learned baseline; Schulman et al.,
        Proximal policy optimization algorithms (2017), equation 7.
    """

    def __init__(self, policy: keras.Model, environment: Environment, settings: AgentConfig, optimizer: Any) -> None:
        self._settings = settings
        specs = AsPyEnvironment(environment, iter(()))
        observed, acted = (tensor_spec.from_spec(spec) for spec in (specs.observation_spec(), specs.action_spec()))
        values = nets.values_model(policy)
        actor = nets.action_choice(values, observed, environment.masked)
        critic = nets.baseline(values, observed)
        trained = list({v.ref(): v for v in (*actor.trainable_weights, *critic.trainable_weights)}.values())
        parts = (actor, critic, Ordered(optimizer, trained))
        self._agent = _agent(settings, ts.time_step_spec(observed), acted, parts)
        self._agent.initialize()
        self._logits = tf.function(self._choice)
        self._train = tf.function(self._descend, reduce_retracing=True)
        optimizer.build(trained)
        known = [*self._agent.variables, *actor.variables, *critic.variables, *optimizer.variables]
        self.variables = list({variable.ref(): variable for variable in known}.values())

    def epoch(self, crew: Crew, epoch: int, generator: np.random.Generator, tell: Tell) -> float:
        """Plays and learns for an epoch; returns the mean loss."""
        losses: list[float] = []
        done = 0
        for length in self._settings.rounds:
            losses.append(float(self._train(self._collected(crew, length, generator))))
            done += length
            tell(done, losses[-1])
        return float(np.mean(losses))

    def state(self) -> dict[str, np.ndarray]:
        """Nothing is remembered between epochs."""
        return {}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Takes over what `state` gave."""

    def _collected(self, crew: Crew, length: int, generator: np.random.Generator) -> dict[str, np.ndarray]:
        """Plays some steps; (N, length + 1, …) by name, the last entry being what is seen then."""
        moves: list[Moves] = []
        logits = []
        for _ in range(length):
            logits.append(self._logits(crew.observations).numpy())
            moves.append(crew.advance(drawn(logits[-1], generator)))
        last = self._logits(crew.observations).numpy()
        over = np.stack([move.done for move in moves], 1)
        return {
            "observation": np.stack([*(move.observations for move in moves), crew.observations], 1),
            "action": _closed([move.actions for move in moves]),
            "reward": _closed([move.rewards * np.float32(self._settings.reward_scale) for move in moves]),
            "discount": _closed([move.discounts for move in moves]),
            "over": np.pad(over, ((0, 0), (0, 1))),
            "logits": np.stack([*logits, last], 1),
        }

    def _choice(self, observations: tf.Tensor) -> tf.Tensor:
        step = ts.restart(observations, batch_size=observations.shape[0])
        return self._agent.collect_policy.distribution(step).action.logits

    def _descend(self, batch: Mapping[str, tf.Tensor]) -> tf.Tensor:
        kinds = tf.where(batch["over"], ts.StepType.LAST, ts.StepType.MID)
        experience = trajectory.Trajectory(
            step_type=tf.fill(tf.shape(kinds), ts.StepType.MID),
            observation=batch["observation"],
            action=batch["action"],
            policy_info={"dist_params": {"logits": batch["logits"]}} if self._settings.algorithm == "ppo" else (),
            next_step_type=kinds,
            reward=batch["reward"],
            discount=batch["discount"],
        )
        return self._agent.train(experience).loss


def _agent(settings: AgentConfig, steps: Any, acted: Any, parts: tuple[Any, Any, Any]) -> Any:
    actor, critic, optimizer = parts
    counter = tf.Variable(0, dtype=tf.int64)
    if settings.algorithm == "reinforce":
        return reinforce_agent.ReinforceAgent(
            steps,
            acted,
            actor_network=actor,
            value_network=critic,
            optimizer=optimizer,
            gamma=settings.discount,
            entropy_regularization=settings.entropy,
            train_step_counter=counter,
        )
    return ppo_clip_agent.PPOClipAgent(
        steps,
        acted,
        optimizer=optimizer,
        actor_net=actor,
        value_net=critic,
        importance_ratio_clipping=settings.ratio,
        lambda_value=settings.trace,
        discount_factor=settings.discount,
        entropy_regularization=settings.entropy,
        num_epochs=settings.passes,
        use_gae=True,
        use_td_lambda_return=True,
        normalize_rewards=False,
        normalize_observations=False,
        train_step_counter=counter,
    )


def drawn(logits: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Draws from categorical distributions, (N, actions) to (N,), by Gumbel's trick: one draw for each action."""
    return (logits + generator.gumbel(size=logits.shape)).argmax(1)


def _closed(columns: list[np.ndarray]) -> np.ndarray:
    """Steps of all environments as rows, (N, length + 1), with a zero at the end."""
    return np.pad(np.stack(columns, 1), ((0, 0), (0, 1)))
