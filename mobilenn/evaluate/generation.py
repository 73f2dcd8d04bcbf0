"""How much generated images look like real ones, in the eyes of a classifier of ours."""

from __future__ import annotations

from typing import Any

import numpy as np

from mobilenn.evaluate import Evaluation, Figure, Predict
from mobilenn.evaluate.classification import calibration_error

FIGURES = {
    "named": Figure(),
    "smallest_class_share": Figure(),
    "frechet_distance": Figure(higher_is_better=False),
    "novelty": Figure(),
    "copies": Figure(higher_is_better=False),
}
SURE = 0.9  # confidence above which an image counts as named
_NEAR = 0.01  # of the real images, the share that lies nearer to a training image than what counts as a copy
_ROWS = 256  # whose distances are held at a time


def evaluate(predict: Predict, split: Any, labels: tuple[str, ...]) -> Evaluation:
    """Judges `image` (N, H, W, C) of 0..255, made of a split's latents, by the share that the judge names.

    An image is named where the judge holds one class for more than 0.9 probable; its class more, `neither`, names
    nothing. The details hold `share_by_class`, of all images, in the order of the labels; `smallest_class_share`;
    `frechet_distance`, between the judge's features of these images and of the split's real ones, which is 0 for
    the same distribution; `novelty`, the median distance to the nearest training image against that of real images
    (1 is as far as those, 0 is a copy); and `copies`, the share that lies nearer to one than 99 % of real images do.

    Args:
        split: its `context` holds `judge`, `labels`, `images` (real ones of this part) and `known` (those of training).

    Reference:
        Heusel et al., GANs Trained by a Two Time-Scale Update Rule (NIPS 2017), equation 6.
    """
    known = split.context
    images = np.asarray(predict(split.inputs)["image"], np.float32)
    real = np.asarray(known["images"], np.float32)
    judged = known["judge"]({"image": np.concatenate([images, real])})
    probabilities, features = judged["probabilities"], judged["features"]
    names = named(probabilities[: len(images)], len(known["labels"]))
    shares = np.bincount(names[names >= 0], minlength=len(known["labels"])) / len(images)
    near, usual = (neighbours(part, known["known"])[0] for part in (images, real))
    details = {
        "share_by_class": shares.tolist(),
        "smallest_class_share": float(shares.min()),
        "frechet_distance": frechet(features[: len(images)], features[len(images) :]),
        "novelty": float(np.median(near) / max(np.median(usual), 1e-12)),
        "copies": float((near < np.quantile(usual, _NEAR)).mean()),
    }
    return Evaluation(metric="named", value=float((names >= 0).mean()), higher_is_better=True, details=details)


def judge_of(
    judge: Predict, split: Any, noise: np.ndarray, known: np.ndarray, labels: tuple[str, ...]
) -> dict[str, float]:
    """Says how good a judge is, and what real images and noise get from it: the bounds of what it says of a generator.

    Args:
        judge: takes `image`, and gives `probabilities` and `features`.
        split: of real images and their classes, that the judge was not trained on.
        noise: images without content, (N, H, W, C).
        known: real training images, (N, H, W, C).
        labels: the classes.

    Returns:
        `accuracy` and `calibration_error` on the split; `named` and `named_wrongly`, shares of it; `noise_named`; and
        `frechet_distance` between the known images and the split's: what a perfect generator would have.
    """
    images = np.asarray(split.inputs["image"][np.arange(len(split.targets))], np.float32)
    judged = judge({"image": images})
    names = named(judged["probabilities"], len(labels))
    right = judged["probabilities"].argmax(-1) == split.targets
    features = judge({"image": np.asarray(known, np.float32)})["features"]
    of_noise = named(judge({"image": np.asarray(noise, np.float32)})["probabilities"], len(labels))
    return {
        "accuracy": float(right.mean()),
        "calibration_error": calibration_error(np.asarray(judged["probabilities"], np.float64).max(-1), right),
        "named": float((names >= 0).mean()),
        "named_wrongly": float(((names >= 0) & (names != split.targets)).mean()),
        "noise_named": float((of_noise >= 0).mean()),
        "frechet_distance": frechet(features, judged["features"]),
    }


def named(probabilities: np.ndarray, classes: int) -> np.ndarray:
    """The class of each image that is sure enough, else −1; (N,) int64.

    Args:
        probabilities: (N, classes) or, with a class for what shows none of them, (N, classes + 1).
        classes: how many can be named.
    """
    best = probabilities[:, :classes].argmax(-1)
    return np.where(probabilities[np.arange(len(best)), best] > SURE, best, -1)


def frechet(one: np.ndarray, other: np.ndarray) -> float:
    """Squared Fréchet distance of the Gaussians that fit two sets of features best; (N, F) and (M, F), N and M ≥ 2.

    |μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2·(Σ₁Σ₂)^½). With Σ = RᵀR the eigenvalues of Σ₁Σ₂ are the squared singular values of
    R₁R₂ᵀ, so that no root of a matrix is taken, and none of a number that rounding made negative.

    Reference:
        Dowson and Landau, The Fréchet distance between multivariate normal distributions (1982), equation 16.
    """
    (mean, root), (other_mean, other_root) = (_moments(np.asarray(part, np.float64)) for part in (one, other))
    shared = np.linalg.svd(root @ other_root.T, compute_uv=False).sum()
    apart = ((mean - other_mean) ** 2).sum() + (root**2).sum() + (other_root**2).sum() - 2 * shared
    return float(max(apart, 0.0))


def _moments(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean, and R with RᵀR the covariance: (F,) and (min(N, F), F)."""
    centred = (features - features.mean(0)) / np.sqrt(len(features) - 1)
    return features.mean(0), np.linalg.qr(centred, mode="r")


def neighbours(images: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance of each image to the nearest known one, as the root of the mean square in grey values; and which it is.

    Args:
        images, known: (N, H, W, C) and (M, H, W, C) of 0..255.

    Returns:
        (N,) float64 and (N,) int64.
    """
    rows, others = (np.reshape(part, (len(part), -1)).astype(np.float64) for part in (images, known))
    squares, distances, numbers = (others**2).sum(1), [], []
    for start in range(0, len(rows), _ROWS):
        part = rows[start : start + _ROWS]
        apart = (part**2).sum(1)[:, None] + squares - 2 * part @ others.T
        numbers.append(apart.argmin(1))
        distances.append(apart.min(1))
    return np.sqrt(np.maximum(np.concatenate(distances), 0.0) / rows.shape[1]), np.concatenate(numbers)
