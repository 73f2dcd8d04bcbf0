"""What a recipe's [train] table may say; free of TensorFlow, so that a wrong key is found at once."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, field, fields
from typing import Literal

from mobilenn.core.errors import RecipeError
from mobilenn.train.agent_config import AgentConfig

Optimizer = Literal["sgd", "momentum", "adam", "adamw", "rmsprop"]
Schedule = Literal["constant", "cosine", "step"]
# By task that no labelled data teach by descent, the scheme that learns it.
OWN_SCHEMES = {
    "association": "mining",
    "clustering": "clustering",
    "control": "reinforcement",
    "generation": "adversarial",
}


@dataclass(frozen=True, kw_only=True)
class Augment:
    """Random changes to training images and clips, drawn anew each epoch; every frame of a clip moves alike.

    Args:
        shift_pixels: largest shift in each direction, in pixels; the edge is repeated. Helps digits
            and photos alike.
        horizontal_flip: mirrors half of the samples left to right. For photos; a mirrored digit is
            another sign.
    """

    shift_pixels: int = 0
    horizontal_flip: bool = False

    def __post_init__(self) -> None:
        _check_range("augment.shift_pixels", self.shift_pixels, 0, 1024)

    @property
    def active(self) -> bool:
        """Whether anything is changed at all."""
        return self.shift_pixels > 0 or self.horizontal_flip


@dataclass(frozen=True, kw_only=True)
class FitConfig:
    """How weights are fitted to data: what training, pruning, clustering and QAT share.

    Args:
        epochs: passes over the training split.
        batch_size: samples a step, over all devices together.
        optimizer: `momentum` is SGD with Nesterov momentum 0.9; `adamw` and `adam` differ in
            their default weight decay only (0.004 and 0), which is decoupled for every optimizer.
        learning_rate: the peak; a schedule starts or ends below it.
        schedule: `cosine` falls to 0; `step` divides by 10 after a half and again after three
            quarters of the steps.
        warmup_epochs: epochs over which the rate rises linearly to `learning_rate` first.
        weight_decay: decoupled decay a step, times the rate; biases and normalization scales are
            spared. None takes the optimizer's own.
        label_smoothing: share of a class label spread evenly over all classes; of `adversarial`, what a real image's
            label of 1 lacks. Classification and generation only.
        clip_norm: largest global norm of the gradients; 0 leaves them alone.
        early_stopping: epochs without a lower validation loss after which training stops; 0 never
            stops. The weights of the best epoch are restored either way it ends.
        augment: random changes to training images.
    """

    epochs: int = 10
    batch_size: int = 64
    optimizer: Optimizer = "adam"
    learning_rate: float = 1e-3
    schedule: Schedule = "constant"
    warmup_epochs: int = 0
    weight_decay: float | None = None
    label_smoothing: float = 0.0
    clip_norm: float = 0.0
    early_stopping: int = 0
    augment: Augment = field(default_factory=Augment)

    def __post_init__(self) -> None:
        _check_range("epochs", self.epochs, 1, 100_000)
        _check_range("batch_size", self.batch_size, 1, 1 << 20)
        _check_range("learning_rate", self.learning_rate, 1e-12, 1e3)
        _check_range("warmup_epochs", self.warmup_epochs, 0, self.epochs - 1)
        _check_range("weight_decay", self.decay, 0.0, 1.0)
        _check_range("label_smoothing", self.label_smoothing, 0.0, 0.99)
        _check_range("clip_norm", self.clip_norm, 0.0, 1e6)
        _check_range("early_stopping", self.early_stopping, 0, 100_000)

    @property
    def decay(self) -> float:
        """The weight decay in force."""
        if self.weight_decay is not None:
            return self.weight_decay
        return 0.004 if self.optimizer == "adamw" else 0.0


@dataclass(frozen=True, kw_only=True)
class TrainConfig(FitConfig):
    """A recipe's [train] table.

    Args:
        scheme: `supervised` trains through Keras; `backpropagation` takes the four steps written out
            in numpy, for stacks of dense layers; `clustering` places centroids; `mining` finds rules;
            `adversarial` trains a generator against a discriminator; `reinforcement` learns a policy from episodes.
        precision: what the layers compute in; weights stay float32, and so does the trained model.
            `mixed_float16` is for GPUs with tensor cores, `mixed_bfloat16` for newer ones and TPUs. In float32 a
            GPU keeps all bits, too: no TF32.
        xla: compiles the training step by XLA; the first step then takes longer. On a GPU its maximum pooling does not
            repeat bit for bit, so that networks with one also need `deterministic = false`.
        strategy: `mirrored` uses every local device, `multi_worker` every worker of TF_CONFIG.
        deterministic: lets TensorFlow use only operations that repeat bit for bit. It costs nothing
            measurable on a CPU; on a GPU some operations get slower.
        steps_per_execution: steps taken in the device's own loop before Python is asked again; 8 to 64
            keep a GPU busy where a step takes less than a millisecond. Progress is told as often.
        tensorboard: writes TensorBoard logs beside the weights.
        descent: how many samples a step of `backpropagation` sees: all, `batch_size`, or one.
        starts: of `clustering`, how often it starts anew; the best result is kept.
        discriminator_rate: of `adversarial`, the discriminator's learning rate; `learning_rate` is the generator's.
        certainty: of `adversarial` with classes, how much the generator's loss counts the entropy of the class that the
            discriminator sees in an image: images between two classes get rarer.
        averaging: of `adversarial`, how much of the generator's average stays at each step; 0 ships the last weights.
        agent: of `reinforcement`, how it learns.
    """

    scheme: Literal["supervised", "backpropagation", "clustering", "mining", "adversarial", "reinforcement"] = (
        "supervised"
    )
    precision: Literal["float32", "mixed_float16", "mixed_bfloat16"] = "float32"
    xla: bool = False
    strategy: Literal["none", "mirrored", "multi_worker"] = "none"
    deterministic: bool = True
    steps_per_execution: int = 1
    tensorboard: bool = False
    descent: Literal["batch", "mini_batch", "stochastic"] = "mini_batch"
    starts: int = 10
    discriminator_rate: float = 4e-4
    certainty: float = 0.0
    averaging: float = 0.999
    agent: AgentConfig = field(default_factory=AgentConfig)

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_range("starts", self.starts, 1, 100_000)
        _check_range("discriminator_rate", self.discriminator_rate, 1e-12, 1e3)
        _check_range("certainty", self.certainty, 0.0, 100.0)
        _check_range("averaging", self.averaging, 0.0, 0.999999)
        _check_range("steps_per_execution", self.steps_per_execution, 1, 4096)
        if self.xla and self.strategy != "none":
            message = f"[train] xla cannot be combined with strategy '{self.strategy}'."
            raise RecipeError(message, "Allowed: xla = false, or strategy = 'none'.")


def check_taken(settings: TrainConfig, taken: Collection[str]) -> None:
    """Raises RecipeError where a setting differs from its default and means nothing in the scheme.

    Args:
        settings: the [train] table; its `scheme` is the one that is asked.
        taken: names of the settings that the scheme knows.
    """
    usual = TrainConfig()
    for known in fields(settings):
        value = getattr(settings, known.name)
        if known.name not in taken and value != getattr(usual, known.name):
            message = f"[train] {known.name} = {value} has no place in the scheme {settings.scheme}."
            raise RecipeError(message, f"Leave it out. Taken: {', '.join(sorted(taken))}.")


def _check_range(name: str, value: float, low: float, high: float) -> None:
    if not (low <= value <= high) or not math.isfinite(value):
        raise RecipeError(f"[train] {name} is {value}.", f"Allowed: {low:g} to {high:g}.")
