"""VGG: nothing but 3×3 convolutions, in five blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import tf_keras as keras

from mobilenn.layers.dropout import Dropout
from mobilenn.networks._blocks import check_range, convolution, image_input, layers, probabilities, scaled

# convolutions in each block, by depth (Simonyan and Zisserman 2015, table 1: columns A, B, D, E)
_BLOCKS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
_FILTERS = (64, 128, 256, 512, 512)


@dataclass(frozen=True, kw_only=True)
class Config:
    """The published network, or a narrower one for smaller images.

    Args:
        depth: number of layers with weights.
        input_size: height and width in pixels; at least 32, since five poolings halve it.
        channels: 1 or 3.
        classes: number of classes.
        width: multiplier of every layer's channels and units.
        batch_norm: batch normalisation after each convolution. The paper has none; small data
            hardly train without.
        dropout: on the two dense layers, in training.
    """

    depth: Literal[11, 13, 16, 19] = 16
    input_size: int = 224
    channels: int = 3
    classes: int = 1000
    width: float = 1.0
    batch_norm: bool = False
    dropout: float = 0.5

    def __post_init__(self) -> None:
        check_range("input_size", self.input_size, 32, 1024)
        check_range("channels", self.channels, 1, 4)
        check_range("classes", self.classes, 2, 65536)
        check_range("width", self.width, 0.03, 4.0)
        check_range("dropout", self.dropout, 0.0, 0.95)


TINY = Config(depth=11, input_size=32, channels=1, classes=3, width=0.07, batch_norm=True)
PUBLISHED = {
    "VGG-11": (Config(depth=11), 132_863_336),
    "VGG-13": (Config(depth=13), 133_047_848),
    "VGG-16": (Config(depth=16), 138_357_544),
    "VGG-19": (Config(depth=19), 143_667_240),
}


def build(config: Config) -> keras.Model:
    """Builds VGG: `image` (1, size, size, channels) of 0..255 in, `probabilities` out.

    Reference:
        Simonyan and Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition
        (ICLR 2015), section 2.1 and table 1.
    """
    image, made = image_input(config.input_size, config.channels)
    for block, (count, filters) in enumerate(zip(_BLOCKS[config.depth], _FILTERS, strict=True), 1):
        for index in range(1, count + 1):
            width = scaled(config.width, filters)
            made = convolution(made, width, 3, f"conv{block}_{index}", batch_norm=config.batch_norm)
        made = layers.MaxPooling2D(2, 2, name=f"pool{block}")(made)
    made = layers.Flatten(name="flatten")(made)
    for name in ("dense6", "dense7"):
        units = scaled(config.width, 4096)
        made = layers.Dense(units, activation="relu", kernel_initializer="he_normal", name=name)(made)
        made = Dropout(config.dropout, name=f"dropout{name[-1]}")(made)
    return keras.Model(image, probabilities(made, config.classes), name="vgg")
