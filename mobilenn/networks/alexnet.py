"""AlexNet: five convolutions and three dense layers, with local response normalisation."""

from __future__ import annotations

from dataclasses import dataclass

import tf_keras as keras

from mobilenn.core.errors import RecipeError
from mobilenn.layers.dropout import Dropout
from mobilenn.layers.lrn import LocalResponseNormalization
from mobilenn.networks._blocks import check_range, convolution, image_input, layers, probabilities, scaled

# name, filters, kernel, split over the towers, normalised, pooled (Krizhevsky 2012, figure 2)
_STAGES = (
    ("conv1", 96, 11, False, True, True),
    ("conv2", 256, 5, True, True, True),
    ("conv3", 384, 3, False, False, False),
    ("conv4", 384, 3, True, False, False),
    ("conv5", 256, 3, True, False, True),
)


@dataclass(frozen=True, kw_only=True)
class Config:
    """The published network, or a narrower one for smaller images.

    Args:
        input_size: height and width in pixels; 227 makes the paper's arithmetic come out.
        channels: 1 or 3.
        classes: number of classes.
        width: multiplier of every layer's channels and units.
        towers: 2 splits conv2, conv4 and conv5 as the paper did for its two GPUs; 1 does not.
        stem_stride: stride of conv1: 4 as published; 2 for images below 100 pixels.
        dropout: on the two dense layers, in training.
    """

    input_size: int = 227
    channels: int = 3
    classes: int = 1000
    width: float = 1.0
    towers: int = 1
    stem_stride: int = 4
    dropout: float = 0.5

    def __post_init__(self) -> None:
        check_range("channels", self.channels, 1, 4)
        check_range("classes", self.classes, 2, 65536)
        check_range("width", self.width, 0.03, 4.0)
        check_range("towers", self.towers, 1, 2)
        check_range("stem_stride", self.stem_stride, 1, 4)
        check_range("dropout", self.dropout, 0.0, 0.95)
        size = (self.input_size - 11) // self.stem_stride + 1
        for _ in range(3):
            size = (size - 3) // 2 + 1
        if size < 1:
            allowed = "Allowed: 63 or more at stem_stride 2, 107 or more at 4."
            raise RecipeError(f"[config] input_size {self.input_size} leaves nothing after three poolings.", allowed)


TINY = Config(input_size=63, channels=1, classes=3, width=0.05, stem_stride=2)
PUBLISHED = {
    "AlexNet, one tower": (Config(), 62_378_344),
    "AlexNet, two towers": (Config(towers=2), 60_965_224),
}


def build(config: Config) -> keras.Model:
    """Builds AlexNet: `image` (1, size, size, channels) of 0..255 in, `probabilities` out.

    Convolutions start from He's initialisation instead of the paper's N(0, 0.01²) and biases of 1,
    which need a million images to leave the plateau. The paper subtracts the mean image; here
    pixels are scaled to 0..1, which conv1's bias absorbs.

    Reference:
        Krizhevsky, Sutskever and Hinton, ImageNet Classification with Deep Convolutional Neural
        Networks (NIPS 2012), section 3.5.
    """
    image, made = image_input(config.input_size, config.channels)
    for name, filters, kernel, split, normalised, pooled in _STAGES:
        stem = {"strides": config.stem_stride, "padding": "valid"} if name == "conv1" else {}
        groups = config.towers if split else 1
        made = convolution(made, scaled(config.width, filters), kernel, name, groups=groups, **stem)
        if normalised:
            made = LocalResponseNormalization(name=f"lrn{name[-1]}")(made)
        if pooled:
            made = layers.MaxPooling2D(3, 2, name=f"pool{name[-1]}")(made)
    made = layers.Flatten(name="flatten")(made)
    for name in ("dense6", "dense7"):
        units = scaled(config.width, 4096)
        made = layers.Dense(units, activation="relu", kernel_initializer="he_normal", name=name)(made)
        made = Dropout(config.dropout, name=f"dropout{name[-1]}")(made)
    return keras.Model(image, probabilities(made, config.classes), name="alexnet")
