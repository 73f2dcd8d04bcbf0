"""DCGAN: a generator of images, and the discriminator that it is trained against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import tf_keras as keras

from mobilenn.core.errors import RecipeError
from mobilenn.layers.dropout import Dropout
from mobilenn.networks._blocks import check_range, image_input, layers, scaled

_LAST = 128  # channels before the last doubling (Radford 2016, figure 1); each doubling before it has twice as many
_FIRST = 64  # channels of the discriminator's first layer; each one after it has twice as many
_LEAK = 0.2


@dataclass(frozen=True, kw_only=True)
class Config:
    """The published generator, or a smaller one for smaller images.

    Args:
        size: height and width of the image in pixels; the doublings must divide it.
        channels: 1 or 3.
        latent: numbers that an image is made of.
        width: multiplier of the generator's channels.
        discriminator_width: multiplier of the discriminator's; it does not ship, and may be the wider one.
        doublings: how often the first small map is doubled.
        kernel: of the convolutions.
        upsampling: `transposed` doubles by a transposed convolution of stride 2, as published; `resized` repeats
            each pixel, and convolves.
        classes: that the discriminator tells apart beside real and generated, where training knows them; 0 for none,
            as published. The generator makes images of no class in particular either way.
        dropout: in the discriminator, which soon learns small data by heart; the paper has none.
    """

    size: int = 64
    channels: int = 3
    latent: int = 100
    width: float = 1.0
    discriminator_width: float = 1.0
    doublings: int = 4
    kernel: int = 5
    upsampling: Literal["transposed", "resized"] = "transposed"
    classes: int = 0
    dropout: float = 0.0

    def __post_init__(self) -> None:
        check_range("channels", self.channels, 1, 4)
        check_range("latent", self.latent, 1, 65536)
        check_range("width", self.width, 0.03, 4.0)
        check_range("discriminator_width", self.discriminator_width, 0.03, 4.0)
        check_range("doublings", self.doublings, 1, 8)
        check_range("kernel", self.kernel, 2, 11)
        check_range("classes", self.classes, 0, 65536)
        check_range("dropout", self.dropout, 0.0, 0.95)
        check_range("size", self.size, 8, 1024)
        if self.size % 2**self.doublings:
            message = f"[config] size {self.size} cannot be halved {self.doublings} times."
            raise RecipeError(message, f"Allowed: a multiple of {2**self.doublings}.")


TINY = Config(size=8, channels=1, latent=6, width=0.05, discriminator_width=0.1, doublings=2, kernel=3)
# Projection 100·16,384; convolutions 5·5·(1024·512 + 512·256 + 256·128 + 128·3) + 3; normalisations of 1024, 512, 256
# and 128 channels, four numbers each. A layer that is normalised needs no bias.
PUBLISHED = {"DCGAN, 64×64": (Config(), 18_858_883)}


def build(config: Config) -> keras.Model:
    """Builds the generator: `latent` (1, latent) of N(0, 1) in, `image` (1, size, size, channels) of 0..255 out.

    The paper draws its latents from a uniform distribution; Gaussian ones can be interpolated (White 2016). Its images
    are −1..1; here the last layer scales them to the raw pixels that every network of this package takes.

    Reference:
        Radford, Metz and Chintala, Unsupervised Representation Learning with Deep Convolutional Generative
        Adversarial Networks (ICLR 2016), section 3 and figure 1.
    """
    latent = layers.Input((config.latent,), name="latent")
    side, first = config.size >> config.doublings, _channels(config, config.doublings)
    made = layers.Dense(side * side * first, use_bias=False, kernel_initializer=_start(), name="project")(latent)
    made = layers.Reshape((side, side, first), name="reshape")(made)
    made = _normalised(made, "project")
    for left in range(config.doublings - 1, 0, -1):
        name = f"double{config.doublings - left}"
        made = _normalised(_doubled(made, _channels(config, left), config, name, use_bias=False), name)
    made = _doubled(made, config.channels, config, f"double{config.doublings}", use_bias=True)
    made = layers.Activation("tanh", name="tanh")(made)
    return keras.Model(latent, layers.Rescaling(127.5, 127.5, dtype="float32", name="image")(made), name="gan")


def discriminator(config: Config) -> keras.Model:
    """Builds the discriminator: `image` of 0..255 in, `logits` (1, 1) out, positive where it takes the image for real.

    With classes it has a logit for each, (1, classes), and the image is real by the logarithm of the sum of their
    exponentials: the logit of a further class, `generated`, is 0, since a softmax does not change when a constant is
    taken off. What tells classes apart then also tells what lies between them from real images. Only training needs
    the discriminator.

    Reference:
        Radford, Metz and Chintala (2016), section 3; Salimans et al., Improved Techniques for Training GANs (NIPS
        2016), section 5, for the classes.
    """
    image, made = image_input(config.size, config.channels)
    made = layers.Rescaling(2.0, -1.0, name="centre")(made)
    for left in range(1, config.doublings + 1):
        filters = scaled(config.discriminator_width, _FIRST << (left - 1))
        options = {"padding": "same", "kernel_initializer": _start(), "use_bias": left == 1}
        made = layers.Conv2D(filters, config.kernel, 2, name=f"halve{left}", **options)(made)
        if left > 1:
            made = layers.BatchNormalization(momentum=0.9, name=f"halve{left}_norm")(made)
        made = layers.LeakyReLU(_LEAK, name=f"halve{left}_relu")(made)
        if config.dropout:
            made = Dropout(config.dropout, name=f"halve{left}_dropout")(made)
    made = layers.Flatten(name="flatten")(made)
    logits = layers.Dense(max(1, config.classes), kernel_initializer=_start(), dtype="float32", name="logits")(made)
    return keras.Model(image, logits, name="discriminator")


def _start() -> keras.initializers.Initializer:
    """Weights to start from, as published."""
    return keras.initializers.RandomNormal(stddev=0.02)


def _channels(config: Config, left: int) -> int:
    """Channels of the map that `left` more doublings make an image of."""
    return scaled(config.width, _LAST << (left - 1))


def _doubled(
    inputs: keras.KerasTensor, filters: int, config: Config, name: str, *, use_bias: bool
) -> keras.KerasTensor:
    """Twice the height and width."""
    options = {"padding": "same", "kernel_initializer": _start(), "use_bias": use_bias, "name": name}
    if config.upsampling == "transposed":
        return layers.Conv2DTranspose(filters, config.kernel, 2, **options)(inputs)
    repeated = layers.UpSampling2D(2, name=f"{name}_repeat")(inputs)
    return layers.Conv2D(filters, config.kernel, **options)(repeated)


def _normalised(inputs: keras.KerasTensor, name: str) -> keras.KerasTensor:
    return layers.ReLU(name=f"{name}_relu")(layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(inputs))
