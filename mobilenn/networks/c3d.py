"""C3D: 3-D convolutions over the frames of a clip."""

from __future__ import annotations

from dataclasses import dataclass

import tf_keras as keras

from mobilenn.layers.dropout import Dropout
from mobilenn.networks._blocks import check_range, layers, probabilities, scaled

# filters of the convolutions of each block, and frames that its pooling joins (Tran 2015, figure 3)
_BLOCKS = (((64,), 1), ((128,), 2), ((256, 256), 2), ((512, 512), 2), ((512, 512), 2))


@dataclass(frozen=True, kw_only=True)
class Config:
    """The published network, or a narrower one for shorter and smaller clips.

    Args:
        frames: frames of a clip.
        input_size: height and width in pixels.
        channels: 1 or 3.
        classes: number of classes; 487 are those of Sports-1M.
        width: multiplier of every layer's channels and units.
        batch_norm: batch normalisation after each convolution. The paper has none; small data
            hardly train without.
        dropout: on the two dense layers, in training.
    """

    frames: int = 16
    input_size: int = 112
    channels: int = 3
    classes: int = 487
    width: float = 1.0
    batch_norm: bool = False
    dropout: float = 0.5

    def __post_init__(self) -> None:
        check_range("frames", self.frames, 2, 256)
        check_range("input_size", self.input_size, 8, 512)
        check_range("channels", self.channels, 1, 4)
        check_range("classes", self.classes, 2, 65536)
        check_range("width", self.width, 0.03, 4.0)
        check_range("dropout", self.dropout, 0.0, 0.95)


TINY = Config(frames=4, input_size=16, channels=1, classes=3, width=0.05, batch_norm=True)
PUBLISHED = {"C3D": (Config(), 79_991_015)}


def build(config: Config) -> keras.Model:
    """Builds C3D: `clip` (1, frames, size, size, channels) of 0..255 in, `probabilities` out.

    In a .tflite the 3-D operators are float-only, and 3-D pooling does not convert at all:
    mobilenn.convert.lowerings replaces both by equal 2-D forms.

    Reference:
        Tran et al., Learning Spatiotemporal Features with 3D Convolutional Networks (ICCV 2015),
        section 3.2 and figure 3: kernels of 3×3×3, the first pooling over space only.
    """
    shape = (config.frames, config.input_size, config.input_size, config.channels)
    clip = layers.Input(shape, name="clip")
    made = layers.Rescaling(1 / 255, name="rescale")(clip)
    for block, (widths, joined) in enumerate(_BLOCKS, 1):
        for letter, filters in zip("ab", widths, strict=False):
            made = _convolution(made, scaled(config.width, filters), f"conv{block}{letter}", config.batch_norm)
        window = (joined, 2, 2)
        made = layers.MaxPooling3D(window, window, "same", name=f"pool{block}")(made)
    made = layers.Flatten(name="flatten")(made)
    for name in ("dense6", "dense7"):
        units = scaled(config.width, 4096)
        made = layers.Dense(units, activation="relu", kernel_initializer="he_normal", name=name)(made)
        made = Dropout(config.dropout, name=f"dropout{name[-1]}")(made)
    return keras.Model(clip, probabilities(made, config.classes), name="c3d")


def _convolution(inputs: keras.KerasTensor, filters: int, name: str, batch_norm: bool) -> keras.KerasTensor:
    options = {"padding": "same", "kernel_initializer": "he_normal", "name": name}
    if not batch_norm:
        return layers.Conv3D(filters, 3, activation="relu", **options)(inputs)
    made = layers.Conv3D(filters, 3, use_bias=False, **options)(inputs)
    made = layers.BatchNormalization(name=f"{name}_norm")(made)
    return layers.ReLU(name=f"{name}_relu")(made)
