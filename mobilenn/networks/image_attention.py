"""Images by attention: a vision transformer over patches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import tf_keras as keras

from mobilenn.core.errors import RecipeError
from mobilenn.layers.class_token import ClassToken, TokenWeights
from mobilenn.layers.positions import Positions
from mobilenn.networks._attention import Attention, Kind, block, check_heads, pool
from mobilenn.networks._blocks import check_range, convolution, image_input, layers, probabilities


@dataclass(frozen=True, kw_only=True)
class Config:
    """The published network, or a smaller one.

    Args:
        input_size: height and width in pixels, a multiple of `patch`.
        channels: 1 or 3.
        patch: height and width of a patch in pixels.
        stem: `patches` is one linear map of each patch, as in the paper; `convolutions` halves the image
            by 3×3 convolutions until a pixel is a patch (a power of two), which learns faster from few images.
        width: of a patch's vector.
        blocks: how many times patches look at each other.
        attention: kernel of the blocks and of the pooling; `mean` takes plain averages in its place.
        heads: of `multi_head`; they share `width`.
        hidden: width of the dense layers in the blocks.
        activation: of those; `relu` is free in a .tflite, and quantization-aware training knows it.
        pooling: `attention` averages the patches by their weights; `token` reads the class token, and its
            weights over the patches in the last block are the output `attention`.
        dropout: in the blocks, in training.
        classes: number of classes.
    """

    input_size: int = 224
    channels: int = 3
    patch: int = 16
    stem: Literal["patches", "convolutions"] = "patches"
    width: int = 192
    blocks: int = 12
    attention: Kind = "multi_head"
    heads: int = 3
    hidden: int = 768
    activation: Literal["gelu", "relu"] = "gelu"
    pooling: Literal["attention", "token"] = "token"
    dropout: float = 0.0
    classes: int = 1000

    def __post_init__(self) -> None:
        check_range("input_size", self.input_size, 8, 512)
        check_range("channels", self.channels, 1, 4)
        check_range("patch", self.patch, 2, self.input_size)
        check_range("width", self.width, 1, 4096)
        check_range("blocks", self.blocks, 1, 48)
        check_range("heads", self.heads, 1, 64)
        check_range("hidden", self.hidden, 1, 16384)
        check_range("dropout", self.dropout, 0.0, 0.95)
        check_range("classes", self.classes, 2, 65536)
        check_heads(self.width, self.heads)
        if self.input_size % self.patch:
            raise RecipeError(f"[config] patch is {self.patch}.", f"Allowed: a divisor of {self.input_size}.")
        if self.stem == "convolutions" and self.patch & (self.patch - 1):
            raise RecipeError(f"[config] patch is {self.patch}.", "Allowed with convolutions: a power of two.")
        if self.pooling == "token" and self.attention == "mean":
            raise RecipeError("[config] the mean has no class token.", 'Allowed with "mean": pooling = "attention".')

    @property
    def side(self) -> int:
        """Patches in a row, and in a column."""
        return self.input_size // self.patch


TINY = Config(input_size=8, channels=1, patch=4, width=8, blocks=1, heads=2, hidden=12, classes=3, pooling="attention")
PUBLISHED = {
    "ViT-Ti/16": (Config(), 5_717_416),
    "ViT-S/16": (Config(width=384, heads=6, hidden=1536), 22_050_664),
    "ViT-B/16": (Config(width=768, heads=12, hidden=3072), 86_567_656),
}


def build(config: Config) -> keras.Model:
    """Builds the network: `image` (1, size, size, channels) of 0..255 in, `probabilities` and `attention` out.

    `attention` (1, patches) says how much each patch counted, row by row; it sums to 1.

    Reference:
        Dosovitskiy et al., An Image is Worth 16x16 Words (ICLR 2021), section 3.1 and table 1; sizes Ti and S
        of Touvron et al., Training data-efficient image transformers (ICML 2021), table 1; convolutions as
        the stem by Xiao et al., Early Convolutions Help Transformers See Better (NeurIPS 2021).
    """
    image, made = image_input(config.input_size, config.channels)
    made = _stem(made, config)
    rows = layers.Reshape((config.side**2, config.width), name="rows")(made)
    if config.pooling == "token":
        rows = ClassToken(name="class_token")(rows)
    rows = Positions(name="positions")(rows)
    how = Attention(
        kind=config.attention,
        heads=config.heads,
        hidden=config.hidden,
        activation=config.activation,
        dropout=config.dropout,
    )
    for number in range(1, config.blocks + 1):
        rows, weights = block(rows, None, how, f"block{number}")
    rows = layers.LayerNormalization(epsilon=how.epsilon, name="norm")(rows)
    if config.pooling == "token":
        first = layers.Cropping1D((0, config.side**2), name="token")(rows)
        made = layers.Reshape((config.width,), name="pool")(first)
        weights = TokenWeights(dtype="float32", name="attention")(weights)
    else:
        made, weights = pool(rows, None, config.attention, config.width)
    return keras.Model(image, [probabilities(made, config.classes), weights], name="image_attention")


def _stem(image: keras.KerasTensor, config: Config) -> keras.KerasTensor:
    """The patches' vectors as an image of patches, (N, side, side, width)."""
    if config.stem == "patches":
        return layers.Conv2D(config.width, config.patch, config.patch, name="patches")(image)
    halvings = config.patch.bit_length() - 1
    for number in range(1, halvings + 1):
        filters = max(4, config.width >> (halvings - number))
        image = convolution(image, filters, 3, f"stem{number}", batch_norm=True, strides=2)
    return layers.Conv2D(config.width, 1, name="patches")(image)
