"""TF-Agents, imported and used without what it, Gym and AutoGraph print."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator

with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import tensorflow_probability as tfp
    from tf_agents.agents.dqn import dqn_agent
    from tf_agents.agents.ppo import ppo_clip_agent
    from tf_agents.agents.reinforce import reinforce_agent
    from tf_agents.environments import batched_py_environment, py_environment
    from tf_agents.networks import network
    from tf_agents.specs import array_spec, tensor_spec
    from tf_agents.trajectories import time_step, trajectory

__all__ = [
    "array_spec",
    "batched_py_environment",
    "dqn_agent",
    "network",
    "ppo_clip_agent",
    "py_environment",
    "quietly",
    "reinforce_agent",
    "tensor_spec",
    "tfp",
    "time_step",
    "trajectory",
]


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Keeps out of sight what AutoGraph says of TF-Agents' code when it is traced, and TensorFlow of its old calls."""
    logger = logging.getLogger("tensorflow")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        logger.setLevel(level)
