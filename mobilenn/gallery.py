"""What a generator makes, as pictures for the report: by class, between latents, beside real images."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mobilenn.data import Dataset
from mobilenn.evaluate.generation import SURE, named, neighbours

COLUMNS = 12
ROWS = 10  # classes that are shown
WALKS = 6  # pairs of latents
PIXELS = 64  # the most of an image's sides: the page stays small whatever the generator makes
_LINE = 1  # between images, in px


def pictures(data: Dataset, outputs: Mapping[str, Mapping[str, np.ndarray]], recommended: str, file: Path) -> list[Any]:
    """Returns the pictures of a run that generates images, in the form of report.schema.Picture.

    None of them is chosen: samples come in the order of the test split's latents.

    Args:
        data: of latents, with the images as context.
        outputs: by model (`float` and each variant), outputs on the test split by name.
        recommended: the variant to ship; empty where there is none: float alone is shown then.
        file: the recommended variant's file, which makes the walk.
    """
    known, shown = data.test.context, recommended or "float"
    made, classes = np.asarray(outputs[shown]["image"]), len(known["labels"])
    rows = by_class(named(known["judge"]({"image": made})["probabilities"], classes), classes)
    said = f"A row a class, as the judge names them: {', '.join(known['labels'][: len(rows) - 1])}."
    last = f"The last row holds images that it gives no name with a confidence above {SURE}."
    sheets = [picture(f"{shown}: samples", f"{said} {last}", [made[row] for row in rows])]
    if recommended:
        same = [outputs["float"]["image"][row] for row in rows]
        sheets.append(picture("float: samples", f"The same latents as {recommended}'s, at the same places.", same))
        sheets.append(_walk(recommended, file, data.test.inputs["latent"]))
    real = [known["images"][known["classes"] == label][:COLUMNS] for label in range(len(rows) - 1)]
    sheets.append(picture("Real test images", "A row a class, for comparison.", real))
    return [*sheets, _neighbours(shown, made, known["known"])]


def by_class(names: np.ndarray, classes: int) -> list[np.ndarray]:
    """Row numbers of the first images of each class, at most ten, and of those without a name; see `named`."""
    return [np.flatnonzero(names == label)[:COLUMNS] for label in [*range(min(classes, ROWS)), -1]]


def _walk(model: str, file: Path, latents: np.ndarray) -> dict[str, Any]:
    from mobilenn.runtime.host import HostSession

    ways = [between(latents[2 * walk], latents[2 * walk + 1], COLUMNS) for walk in range(min(WALKS, len(latents) // 2))]
    with HostSession(file) as session:
        images = session.predict({"latent": np.concatenate(ways)})["image"]
    note = f"Each row leads from one of the first {2 * len(ways)} test latents to the next, on the sphere between them."
    rows = list(images.reshape(len(ways), COLUMNS, *images.shape[1:]))
    return picture(f"{model}: a walk through latent space", note, rows)


def _neighbours(model: str, images: np.ndarray, known: np.ndarray) -> dict[str, Any]:
    first = images[:COLUMNS]
    _, rows = neighbours(first, known)
    note = "Above, the first test latents' images; below each, the training image that is nearest to it pixel by pixel."
    return picture(f"{model}: is it copied?", note, [first, known[rows]])


def picture(title: str, note: str, rows: list[np.ndarray]) -> dict[str, Any]:
    """Rows of images as a report.schema.Picture."""
    return {"title": title, "note": note, "image": png(sheet(rows))}


def between(one: np.ndarray, other: np.ndarray, count: int) -> np.ndarray:
    """Latents on the way from one to another, both ends among them; (count, latent) float32.

    Gaussian latents lie near a sphere. A straight line between two of them leads through its inside, where the
    generator has seen none; this way stays at their distance from its centre.

    Reference:
        White, Sampling Generative Networks (2016), section 2.1.
    """
    lengths = np.linalg.norm(one), np.linalg.norm(other)
    cosine = np.clip(one @ other / max(lengths[0] * lengths[1], 1e-12), -1.0, 1.0)
    angle, share = float(np.arccos(cosine)), np.linspace(0.0, 1.0, count)[:, None]
    if np.sin(angle) < 1e-6:
        return ((1 - share) * one + share * other).astype(np.float32)
    mixed = np.sin((1 - share) * angle) * one + np.sin(share * angle) * other
    return (mixed / np.sin(angle)).astype(np.float32)


def sheet(rows: list[np.ndarray]) -> np.ndarray:
    """Puts rows of images into one, (H, W, C) uint8; short rows are filled up with grey.

    Args:
        rows: (n, h, w, C) of 0..255 each, n from 0 to 12.
    """
    height, width, channels = next(row.shape[1:] for row in rows if len(row))
    step = max(1, -(-max(height, width) // PIXELS))
    made = np.full(
        (len(rows), COLUMNS, *(-(-side // step) + _LINE for side in (height, width)), channels), 127, np.uint8
    )
    for number, row in enumerate(rows):
        small = np.clip(np.rint(row[:, ::step, ::step]), 0, 255).astype(np.uint8)
        made[number, : len(row), : small.shape[1], : small.shape[2]] = small
    down, across = len(rows) * made.shape[2], COLUMNS * made.shape[3]
    return made.transpose(0, 2, 1, 3, 4).reshape(down, across, channels)[:-_LINE, :-_LINE]


def png(image: np.ndarray) -> str:
    """An image (H, W, C) uint8 as a PNG data URI."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
