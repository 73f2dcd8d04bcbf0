"""GoogLeNet: nine inception modules, and two auxiliary heads that train and do not ship."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import tf_keras as keras

from mobilenn.layers.dropout import Dropout
from mobilenn.layers.lrn import LocalResponseNormalization
from mobilenn.networks._blocks import check_range, convolution, image_input, layers, probabilities, scaled

AUXILIARY_WEIGHT = 0.3  # of each auxiliary loss (Szegedy 2015, section 5)

# 1×1; 3×3 reduce, 3×3; 5×5 reduce, 5×5; pool projection (Szegedy 2015, table 1)
_INCEPTION = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
_POOLED_AFTER = ("3b", "4e")
_AUXILIARY_AFTER = {"4a": "auxiliary1", "4d": "auxiliary2"}


@dataclass(frozen=True, kw_only=True)
class Config:
    """The published network, or a narrower one for smaller images.

    Args:
        input_size: height and width in pixels; at least 32.
        channels: 1 or 3.
        classes: number of classes.
        width: multiplier of every layer's channels.
        batch_norm: batch normalisation after each convolution, as the authors' next paper has it;
            the local response normalisation of this one then falls away.
        dropout: before the classifier, in training.
    """

    input_size: int = 224
    channels: int = 3
    classes: int = 1000
    width: float = 1.0
    batch_norm: bool = False
    dropout: float = 0.4

    def __post_init__(self) -> None:
        check_range("input_size", self.input_size, 32, 1024)
        check_range("channels", self.channels, 1, 4)
        check_range("classes", self.classes, 2, 65536)
        check_range("width", self.width, 0.03, 4.0)
        check_range("dropout", self.dropout, 0.0, 0.95)


TINY = Config(input_size=32, channels=1, classes=3, width=0.05)
PUBLISHED = {"GoogLeNet": (Config(), 6_998_552)}


def build(config: Config) -> keras.Model:
    """Builds GoogLeNet as it ships: `image` (1, size, size, channels) of 0..255 in, `probabilities` out.

    Reference:
        Szegedy et al., Going Deeper with Convolutions (CVPR 2015), table 1 and section 5.
    """
    image, made, _ = _trunk(config)
    return keras.Model(image, probabilities(_neck(made, config), config.classes), name="googlenet")


def build_for_training(config: Config) -> tuple[keras.Model, dict[str, float]]:
    """Builds GoogLeNet with its two auxiliary heads; returns it and the loss weight of each output."""
    image, made, taps = _trunk(config)
    heads = {name: _auxiliary(taps[after], config, name) for after, name in _AUXILIARY_AFTER.items()}
    outputs = [probabilities(_neck(made, config), config.classes), *heads.values()]
    return keras.Model(image, outputs, name="googlenet"), dict.fromkeys(heads, AUXILIARY_WEIGHT)


def _trunk(config: Config) -> tuple[keras.KerasTensor, keras.KerasTensor, dict[str, keras.KerasTensor]]:
    """Everything up to the last inception module; returns input, output and every module's output."""
    conv = partial(convolution, batch_norm=config.batch_norm)
    image, made = image_input(config.input_size, config.channels)
    made = conv(made, scaled(config.width, 64), 7, "conv1", strides=2)
    made = _normalised(_pooled(made, "pool1"), "lrn1", config)
    made = conv(made, scaled(config.width, 64), 1, "conv2_reduce")
    made = conv(made, scaled(config.width, 192), 3, "conv2")
    made = _pooled(_normalised(made, "lrn2", config), "pool2")
    taps = {}
    for name, filters in _INCEPTION.items():
        made = taps[name] = inception(made, filters, f"inception{name}", config)
        if name in _POOLED_AFTER:
            made = _pooled(made, f"pool{name[0]}")
    return image, made, taps


def inception(inputs: keras.KerasTensor, filters: tuple[int, ...], name: str, config: Config) -> keras.KerasTensor:
    """One inception module: four branches side by side, concatenated over channels.

    Args:
        inputs: (1, H, W, C).
        filters: 1×1; 3×3 reduce, 3×3; 5×5 reduce, 5×5; pool projection; before the width multiplier.
        name: prefix of the layers' names.
        config: gives width and batch normalisation.

    Reference:
        Szegedy et al. (2015), figure 2(b).
    """
    conv = partial(convolution, batch_norm=config.batch_norm)
    one, three_reduce, three, five_reduce, five, pool = (scaled(config.width, count) for count in filters)
    branch1 = conv(inputs, one, 1, f"{name}_1x1")
    branch2 = conv(conv(inputs, three_reduce, 1, f"{name}_3x3_reduce"), three, 3, f"{name}_3x3")
    branch3 = conv(conv(inputs, five_reduce, 1, f"{name}_5x5_reduce"), five, 5, f"{name}_5x5")
    pooled = layers.MaxPooling2D(3, 1, "same", name=f"{name}_pool")(inputs)
    branch4 = conv(pooled, pool, 1, f"{name}_pool_projection")
    return layers.Concatenate(name=name)([branch1, branch2, branch3, branch4])


def _pooled(inputs: keras.KerasTensor, name: str) -> keras.KerasTensor:
    return layers.MaxPooling2D(3, 2, "same", name=name)(inputs)


def _normalised(inputs: keras.KerasTensor, name: str, config: Config) -> keras.KerasTensor:
    return inputs if config.batch_norm else LocalResponseNormalization(name=name)(inputs)


def _neck(features: keras.KerasTensor, config: Config) -> keras.KerasTensor:
    pooled = layers.GlobalAveragePooling2D(name="average")(features)
    return Dropout(config.dropout, name="dropout")(pooled)


def _auxiliary(features: keras.KerasTensor, config: Config, name: str) -> keras.KerasTensor:
    """Average pooling 5×5/3, 1×1 convolution, dense 1024, dropout 0.7, softmax (section 5)."""
    window = min(5, features.shape[1])
    made = layers.AveragePooling2D(window, 3, name=f"{name}_average")(features)
    made = convolution(made, scaled(config.width, 128), 1, f"{name}_reduce", batch_norm=config.batch_norm)
    made = layers.Flatten(name=f"{name}_flatten")(made)
    made = layers.Dense(scaled(config.width, 1024), activation="relu", name=f"{name}_dense")(made)
    made = Dropout(0.7, name=f"{name}_dropout")(made)
    return probabilities(made, config.classes, f"{name}_")
