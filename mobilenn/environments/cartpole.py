"""A pole on a cart: push the cart left or right so that the pole does not fall."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mobilenn.core.errors import RecipeError
from mobilenn.environments import Environment, Step

GRAVITY = 9.8  # m/s²
CART_KG, POLE_KG = 1.0, 0.1
HALF_POLE_M = 0.5
PUSH_N = 10.0
STEP_S = 0.02
EDGE_M = 2.4  # the track reaches from −2.4 to 2.4
FALLEN_RAD = math.radians(12)
START = 0.05  # each of the four values starts at random between −0.05 and 0.05
_WIDTH, _HEIGHT, _SCALE = 120, 64, 24.0  # of a frame, in px, and px a metre
_FINE = 4  # drawn so much larger first, so that a leaning line is smooth


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How long an episode may last.

    Args:
        max_steps: steps; 500 is what Gym calls CartPole-v1.
    """

    max_steps: int = 500

    def __post_init__(self) -> None:
        if not 1 <= self.max_steps <= 100_000:
            raise RecipeError(f"[data.settings] max_steps is {self.max_steps}.", "Allowed: 1 to 100000.")


def build(settings: Settings) -> CartPole:
    """Makes the environment."""
    return CartPole(settings)


class CartPole(Environment):
    """Observations are x (m), ẋ (m/s), θ (rad, 0 is upright), θ̇ (rad/s); each step is worth 1.

    Reference:
        Barto, Sutton and Anderson, Neuronlike adaptive elements that can solve difficult learning control problems
        (1983), appendix, without its friction; constants, limits and Euler's method as in Gym's CartPole-v1.
    """

    observation_shape = (4,)
    actions = ("left", "right")

    def __init__(self, settings: Settings) -> None:
        self.max_steps = settings.max_steps
        self._state = (0.0, 0.0, 0.0, 0.0)
        self._steps = 0

    def reset(self, seed: int) -> np.ndarray:
        """Starts near upright, in the middle."""
        self._state = tuple(np.random.default_rng(seed).uniform(-START, START, 4).tolist())
        self._steps = 0
        return np.array(self._state, np.float32)

    def step(self, action: int) -> Step:
        """Pushes the cart for 20 ms."""
        self._state = moved(self._state, PUSH_N if action == 1 else -PUSH_N)
        self._steps += 1
        fallen = abs(self._state[0]) > EDGE_M or abs(self._state[2]) > FALLEN_RAD
        late = self._steps >= self.max_steps
        observation = np.array(self._state, np.float32)
        return Step(observation=observation, reward=1.0, done=fallen or late, truncated=late and not fallen)

    def score(self) -> float:
        """Steps that the pole stood."""
        return float(self._steps)

    def optimum(self) -> float:
        """A pole can be balanced from every start: all steps."""
        return float(self.max_steps)

    def guide(self) -> int:
        """Pushes to the side where the pole falls."""
        _, _, angle, turning = self._state
        return int(angle + turning > 0)

    def frame(self) -> np.ndarray:
        """Track, cart and pole, (64, 120, 3)."""
        from PIL import Image, ImageDraw

        picture = Image.new("RGB", (_WIDTH * _FINE, _HEIGHT * _FINE), "white")
        draw = ImageDraw.Draw(picture)
        x, top = _WIDTH / 2 + self._state[0] * _SCALE, _HEIGHT - 18
        length = 2 * HALF_POLE_M * _SCALE * 1.6  # longer than to scale, so that it can be seen to lean
        tip = (x + length * math.sin(self._state[2]), top - length * math.cos(self._state[2]))
        for points, color, width in (
            ((0, top + 13, _WIDTH, top + 13), "#9aa3ad", 1),
            ((x - 10, top + 5, x + 10, top + 5), "#2f5d8a", 10),
            ((x, top + 1, *tip), "#c2642d", 4),
        ):
            draw.line([point * _FINE for point in points], fill=color, width=width * _FINE)
        return np.asarray(picture.reduce(_FINE))


def moved(state: tuple[float, ...], force: float) -> tuple[float, float, float, float]:
    """Cart and pole one step later, by Euler's method.

    Args:
        state: x, ẋ, θ, θ̇.
        force: on the cart, N.
    """
    x, speed, angle, turning = state
    sine, cosine = math.sin(angle), math.cos(angle)
    mass, moment = CART_KG + POLE_KG, POLE_KG * HALF_POLE_M
    pushed = (force + moment * turning**2 * sine) / mass
    angular = (GRAVITY * sine - cosine * pushed) / (HALF_POLE_M * (4 / 3 - POLE_KG * cosine**2 / mass))
    linear = pushed - moment * angular * cosine / mass
    return x + STEP_S * speed, speed + STEP_S * linear, angle + STEP_S * turning, turning + STEP_S * angular
