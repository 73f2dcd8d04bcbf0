"""Clips by attention: convolutions see each frame, attention compares the frames."""

from __future__ import annotations

from dataclasses import dataclass

import tf_keras as keras

from mobilenn.layers.frames import BatchToFrames, FramesToBatch
from mobilenn.layers.positions import Positions
from mobilenn.networks._attention import Attention, Kind, block, check_heads, pool
from mobilenn.networks._blocks import check_range, convolution, layers, probabilities


@dataclass(frozen=True, kw_only=True)
class Config:
    """The convolutions of a frame, and the attention between frames.

    Args:
        frames: frames of a clip.
        input_size: height and width in pixels.
        channels: 1 or 3.
        filters: of the 3×3 convolutions, each of which halves the frame.
        width: of a frame's vector.
        blocks: how many times frames look at each other.
        attention: kernel of the blocks and of the pooling; `mean` takes plain averages in its place.
        heads: of `multi_head`; they share `width`.
        hidden: width of the dense layers in the blocks.
        dropout: in the blocks, in training.
        classes: number of classes.
    """

    frames: int = 16
    input_size: int = 112
    channels: int = 3
    filters: tuple[int, ...] = (32, 64, 128, 256)
    width: int = 256
    blocks: int = 2
    attention: Kind = "multi_head"
    heads: int = 4
    hidden: int = 512
    dropout: float = 0.1
    classes: int = 101

    def __post_init__(self) -> None:
        check_range("frames", self.frames, 2, 256)
        check_range("input_size", self.input_size, 8, 512)
        check_range("channels", self.channels, 1, 4)
        check_range("filters", len(self.filters), 1, 8)
        for filters in self.filters:
            check_range("filters", filters, 1, 4096)
        check_range("width", self.width, 1, 4096)
        check_range("blocks", self.blocks, 0, 48)
        check_range("heads", self.heads, 1, 64)
        check_range("hidden", self.hidden, 1, 16384)
        check_range("dropout", self.dropout, 0.0, 0.95)
        check_range("classes", self.classes, 2, 65536)
        check_heads(self.width, self.heads)


TINY = Config(frames=4, input_size=8, channels=1, filters=(4, 6), width=8, blocks=1, heads=2, hidden=12, classes=3)
# convolutions 9·c·f + 4f (their normalisation), a frame's vector, places T·d, blocks, norm 2d, score, classifier
PUBLISHED = {"101 actions, 16 frames": (Config(), 4_686_405)}


def build(config: Config) -> keras.Model:
    """Builds the network: `clip` (1, frames, size, size, channels) of 0..255 in, `probabilities` and `attention` out.

    `attention` (1, frames) says how much each frame counted; it sums to 1.

    Reference:
        Neimark et al., Video Transformer Network (ICCVW 2021): a 2-D network sees each frame, a
        transformer's encoder compares them; here with attention pooling in place of a class token.
    """
    shape = (config.frames, config.input_size, config.input_size, config.channels)
    clip = layers.Input(shape, name="clip")
    made = FramesToBatch(name="split")(layers.Rescaling(1 / 255, name="rescale")(clip))
    for number, filters in enumerate(config.filters, 1):
        made = convolution(made, filters, 3, f"conv{number}", batch_norm=True, strides=2)
    made = layers.Dense(config.width, name="frame")(layers.Flatten(name="flatten")(made))
    rows = Positions(name="positions")(BatchToFrames(config.frames, name="frames")(made))
    how = Attention(kind=config.attention, heads=config.heads, hidden=config.hidden, dropout=config.dropout)
    for number in range(1, config.blocks + 1):
        rows, _ = block(rows, None, how, f"block{number}")
    rows = layers.LayerNormalization(epsilon=how.epsilon, name="norm")(rows)
    made, weights = pool(rows, None, config.attention, config.width)
    return keras.Model(clip, [probabilities(made, config.classes), weights], name="video_attention")
