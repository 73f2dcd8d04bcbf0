"""An environment of a user's own: a corridor, and faults that can be asked for."""

from __future__ import annotations

import numpy as np

from mobilenn.environments import Environment, Step


class Corridor(Environment):
    """Five cells; the goal is at the end that the first two numbers name. Walls may be forbidden."""

    actions = ("back", "on")
    metric = "solved"
    masked = False

    def __init__(self, fault: str = "", after: int = 0, length: int = 5) -> None:
        self.max_steps, self._length = 2 * length, length
        self._fault, self._after = fault, after
        self.observation_shape = (2 + length + 2 * self.masked,)
        self._at, self._goal, self._steps, self._solved, self._episodes = 0, 0, 0, False, 0

    def reset(self, seed):
        self._episodes += 1
        generator = np.random.default_rng(seed)
        self._goal = int(generator.integers(2)) * (self._length - 1)
        self._at, self._steps, self._solved = self._length // 2, 0, False
        return self._look()

    def step(self, action):
        self._at = int(np.clip(self._at + (1 if action == 1 else -1), 0, self._length - 1))
        self._steps += 1
        self._solved = self._at == self._goal
        late = self._steps >= self.max_steps
        reward = 1.0 if self._solved else -0.05
        if self._fault == "reward" and self._late():
            reward = float("nan")
        if self._fault == "huge":
            reward = 3e38
        done = (self._solved or late) and self._fault != "endless"
        return Step(observation=self._look(), reward=reward, done=done, truncated=late and not self._solved)

    def score(self):
        return float(self._solved)

    def optimum(self):
        return 1.0

    def legal(self):
        if not self.masked:
            return np.ones(2, bool)
        return np.array([self._at > 0, self._at < self._length - 1])

    def guide(self):
        return int(self._goal > self._at)

    def frame(self):
        picture = np.full((8, 8 * self._length, 3), 230, np.uint8)
        picture[:, 8 * self._goal : 8 * self._goal + 8] = (40, 160, 90)
        picture[2:6, 8 * self._at + 2 : 8 * self._at + 6] = (200, 80, 20)
        return picture

    def _late(self):
        return self._episodes > self._after

    def _look(self):
        seen = np.zeros(self.observation_shape, np.float32)
        seen[int(self._goal > 0)] = 1
        seen[2 + self._at] = 1
        if self.masked and self._fault != "mask":
            seen[-2:] = self.legal()
        if self._fault == "observation" and self._late():
            seen[3] = np.nan
        if self._fault == "chance":
            seen[0] = np.random.default_rng().random()
        return seen[:-1] if self._fault == "shape" and self._steps else seen


class WalledCorridor(Corridor):
    """Says which way is open."""

    masked = True


class Nothing:
    """Neither `reset` nor `step`."""


class Silent:
    """Says nothing of its actions and observations."""

    def reset(self, seed=None):
        return np.zeros(2)

    def step(self, action):
        return np.zeros(2), 0.0, True, {}


class _Box:
    def __init__(self, shape):
        self.shape = shape


class _Discrete:
    def __init__(self, n):
        self.n = n


class GymCorridor:
    """The corridor with Gymnasium's interface."""

    def __init__(self, old=False):
        self._inner, self._old = Corridor(), old
        self.action_space, self.observation_space = _Discrete(2), _Box(self._inner.observation_shape)
        self.max_steps, self.render_mode = 10, "rgb_array"

    def reset(self, *, seed=None):
        first = self._inner.reset(seed)
        return first if self._old else (first, {})

    def step(self, action):
        made = self._inner.step(action)
        ended = made.done and not made.truncated
        if self._old:
            return made.observation, made.reward, made.done, {"TimeLimit.truncated": made.truncated}
        return made.observation, made.reward, ended, made.truncated, {}

    def render(self):
        return self._inner.frame()


class Steering(GymCorridor):
    """Its actions are no choice among several."""

    def __init__(self):
        super().__init__()
        self.action_space = _Box((1,))
