"""The two kinds of model artifact that stages pass along, what goes in and out of them, where each came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mobilenn.core.precision import Precision


@dataclass(frozen=True, kw_only=True)
class TensorSpec:
    """A named input or output.

    Args:
        name: the name in the signature.
        shape: static shape, batch first.
        dtype: numpy name, such as `float32`.
        scale: quantization scale; real = scale · (stored − zero_point). 0.0 where not quantized.
        zero_point: quantization zero point.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float = 0.0
    zero_point: int = 0


@dataclass(frozen=True, kw_only=True)
class Signature:
    """A named entry point of a .tflite.

    Args:
        key: its name, such as `serving_default`.
        inputs, outputs: what goes in and comes out, by the names that a caller uses.
    """

    key: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


@dataclass(frozen=True, kw_only=True)
class Lineage:
    """What made an artifact; the stage's cache key is the hash of exactly this.

    Args:
        stage: name of the stage, such as `train` or `quantize`.
        parent: sha256 of the artifact that went in; empty for the first.
        settings: the stage's settings, as plain values.
        tools: version of every library that has a say in the bytes.
        seed: the seed of the run.
    """

    stage: str
    parent: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    tools: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class KerasModel:
    """A trained network, stored as name, config and weights and rebuilt by our own code.

    Args:
        path: the .npz of weights, in the order of `model.weights`.
        sha256: of that file.
        network: module name under mobilenn/networks.
        config: the network's Config as plain values.
        transforms: structural changes replayed after building, such as `qat`.
        forms: forms that its recurrent layers can be converted in; empty where it has none.
        inputs, outputs: the signature, batch 1.
        lineage: what made it.
    """

    path: Path
    sha256: str
    network: str
    config: Mapping[str, Any]
    transforms: tuple[str, ...] = ()
    forms: tuple[str, ...] = ()
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    lineage: Lineage


@dataclass(frozen=True, kw_only=True)
class TfliteModel:
    """A .tflite on disk.

    Args:
        path: the file.
        sha256: of that file.
        precision: how it stores and computes.
        inputs, outputs: of its `serving_default` signature.
        lineage: what made it.
    """

    path: Path
    sha256: str
    precision: Precision
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    lineage: Lineage
