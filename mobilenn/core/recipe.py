"""A recipe: which network, which data, how it is trained, which variants are shipped."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from mobilenn.core.errors import RecipeError, nearest
from mobilenn.core.precision import Precision
from mobilenn.core.records import from_dict, to_dict

STEPS = ("prune", "cluster", "qat")  # the order in which compression techniques chain
PATHS = ("data.path", "data.environment", "network", "judge.network")  # keys whose values may be paths
PATHS_HINT = "Paths in a recipe are relative to it, those of --set to the working folder."
_NAME = re.compile(r"[a-z][a-z0-9_]{0,47}")
_RESERVED = frozenset({"keras", "logs", "tensorboard", "report", "recipe"})  # other things in a run's folder


@dataclass(frozen=True, kw_only=True)
class Trainable:
    """That a file can be trained where it runs: its last dense layers, by the signatures of runtime.training.

    Args:
        batch_size: samples that one call of the signature `train` takes; a step may take more or fewer.
        layers: dense layers, counted from the output, that can be trained; 0 is all there are.
    """

    batch_size: int = 32
    layers: int = 0

    def __post_init__(self) -> None:
        ranges = (("batch_size", self.batch_size, 1, 4096), ("layers", self.layers, 0, 64))
        for name, value, low, high in ranges:
            if not low <= value <= high:
                raise RecipeError(f"trainable.{name} is {value}.", f"Allowed: {low} to {high}.")


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One .tflite to make: a precision, and what is done to the Keras model first.

    Args:
        precision: how the file stores and computes.
        prune: settings of magnitude pruning; absent means none.
        cluster: settings of weight clustering; absent means none.
        qat: settings of quantization-aware training; absent means none.
        representative: number of calibration samples, drawn from the training split.
        form: of a recurrent network, the one to ship, such as `unrolled`; absent, the fastest on this machine is.
        stream: of a recurrent network, frames, hops of sound, or tokens that the signature `stream` takes at a
            time, beside the one for the whole sequence; 0 leaves it out.
        trainable: of a float32 variant, the signatures with which the file itself can be trained; absent means none.
    """

    precision: Precision
    prune: Mapping[str, Any] | None = None
    cluster: Mapping[str, Any] | None = None
    qat: Mapping[str, Any] | None = None
    representative: int = 200
    form: str | None = None
    stream: int = 0
    trainable: Trainable | None = None

    @property
    def steps(self) -> tuple[tuple[str, Mapping[str, Any]], ...]:
        """The compression steps asked for, in the order in which they chain."""
        asked = {"prune": self.prune, "cluster": self.cluster, "qat": self.qat}
        return tuple((step, asked[step]) for step in STEPS if asked[step] is not None)


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """What a network has to be at least as good as, on the same data; one of the two keys is given.

    Args:
        config: what differs in [config]: the network is trained once more with it.
        method: what the task computes without a network, such as the lead of a text as its summary.
    """

    config: Mapping[str, Any] | None = None
    method: str | None = None


@dataclass(frozen=True, kw_only=True)
class Judge:
    """The classifier that says what generated images show: trained on the recipe's data, run as a float32 file.

    Args:
        network: file under mobilenn/networks, or the user's own; a classifier with a layer called `logits`.
        config: its Config; it has a class more than the data, for images that show none of them.
        train: its training settings.
    """

    network: str
    config: Mapping[str, Any] = field(default_factory=dict)
    train: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A whole run, as its TOML file states it.

    Args:
        name: name of the recipe, also of its folder under models/.
        summary: one line for `mobilenn list`.
        task: file under mobilenn/evaluate that judges the outputs.
        network: file under mobilenn/networks.
        seed: of initialisation, order, dropout and splits.
        max_drop: how much worse than the float model a variant's metric may be (0.005 is half a
            point of accuracy); a variant past it is rejected.
        prefer: `size` recommends the smallest download, `latency` the fastest file, `training` the smallest of those
            that can be trained where they run; with the first two such a file comes last.
        floor: the least that must be reached, or the most where less is better, by name: the metric, or another of
            the task's `FIGURES`.
        config: the network's Config.
        data: `name` of the dataset and its Settings.
        train: the training settings.
        bench: the benchmark settings.
        baselines: what to beat, by name; a variant that is worse than one of them is rejected.
        judge: of a task that generates images, the classifier that judges them.
        variants: what to ship, by name.
    """

    name: str
    summary: str
    task: str
    network: str
    seed: int = 0
    max_drop: float = 0.01
    prefer: Literal["size", "latency", "training"] = "size"
    floor: Mapping[str, float] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any]
    train: Mapping[str, Any] = field(default_factory=dict)
    bench: Mapping[str, Any] = field(default_factory=dict)
    baselines: Mapping[str, Baseline] = field(default_factory=dict)
    judge: Judge | None = None
    variants: Mapping[str, Variant]

    def __post_init__(self) -> None:
        if "name" not in self.data:
            raise RecipeError("[data] lacks the key 'name'.", "Type: mobilenn list --data")
        if not self.variants:
            raise RecipeError("The recipe names no variant.", 'Add [variants.float32] with precision = "float32".')
        for name in self.variants:
            if not _NAME.fullmatch(name) or name in _RESERVED:
                allowed = f"Allowed: lower-case letters, digits and _; not {', '.join(sorted(_RESERVED))}."
                raise RecipeError(f"'{name}' cannot name a variant: it becomes a folder.", allowed)
        for name, variant in self.variants.items():
            _check_variant(name, variant)
        if self.prefer == "training" and not any(variant.trainable for variant in self.variants.values()):
            hint = "Add trainable = { batch_size = 32 } to a float32 variant, or prefer size or latency."
            raise RecipeError('prefer = "training", and no variant can be trained.', hint)
        for name, baseline in self.baselines.items():
            _check_baseline(name, baseline)
        if not self.max_drop >= 0:
            raise RecipeError(f"max_drop is {self.max_drop}.", "Allowed: 0 or more, in units of the metric.")

    def to_dict(self) -> dict[str, Any]:
        """Returns the recipe as plain values, the way `from_dict` takes them."""
        return to_dict(self)


def _check_variant(name: str, variant: Variant) -> None:
    if variant.qat is not None and variant.precision is not Precision.INT8:
        message = f"Variant '{name}' asks for QAT with precision {variant.precision}."
        raise RecipeError(message, 'QAT trains for int8: set precision = "int8".')
    if variant.stream and (variant.stream < 0 or variant.qat is not None or variant.precision is Precision.INT16X8):
        message = f"Variant '{name}' asks for stream = {variant.stream} as {variant.precision}."
        raise RecipeError(message, "Allowed: 0 or more; 1 and more in any precision but int16x8, and without qat.")
    if variant.trainable is not None and variant.precision is not Precision.FLOAT32:
        message = f"Variant '{name}' asks to be trainable as {variant.precision}."
        raise RecipeError(message, 'Gradients are float32: set precision = "float32", or leave `trainable` out.')
    if variant.representative < 1:
        message = f"Variant '{name}' asks for {variant.representative} calibration samples."
        raise RecipeError(message, "Allowed: 1 or more; 100 to 500 is usual.")


def _check_baseline(name: str, baseline: Baseline) -> None:
    if not _NAME.fullmatch(name):
        raise RecipeError(f"'{name}' cannot name a baseline.", "Allowed: lower-case letters, digits and _.")
    if (baseline.config is None) == (baseline.method is None):
        message = f"Baseline '{name}' names neither or both of config and method."
        raise RecipeError(message, 'Allowed: config = { key = value }, or method = "name".')


def recipes_dir() -> Path:
    """Where the recipes stand: inside an installed package, or models/ of a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "recipes"
    return installed if installed.is_dir() else package.parent / "models"


def names() -> tuple[str, ...]:
    """The names of the recipes that come with mobilenn, sorted."""
    return tuple(sorted(path.parent.name for path in recipes_dir().glob("*/recipe.toml")))


def find(reference: str) -> Path:
    """Returns the TOML file that a name (`alexnet`) or a path (a file, or its folder) stands for.

    Raises:
        RecipeError: there is no such recipe; names the nearest.
    """
    path = Path(reference)
    for candidate in (path, path / "recipe.toml"):
        if candidate.is_file() and (candidate.suffix == ".toml"):
            return candidate
    known = recipes_dir() / reference / "recipe.toml"
    if _NAME.fullmatch(reference) and known.is_file():
        return known
    if path.suffix == ".toml" or len(path.parts) > 1:
        raise RecipeError(f"There is no recipe file {reference}.", "Type: mobilenn new NAME")
    raise RecipeError(f"There is no recipe '{reference}'.", nearest(reference, names()))


def load(reference: str, settings: Iterable[str] = ()) -> Recipe:
    """Reads a recipe by name or path.

    Args:
        reference: a name or a path, as `find` takes it.
        settings: `key=value` overrides, such as `train.epochs=3`; values are TOML. Paths in them are relative to the
            working folder, those in the recipe to the recipe.

    Returns:
        The recipe, checked for unknown keys and wrong types.

    Raises:
        RecipeError: what is wrong, and where.
    """
    path = find(reference)
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path} is not valid TOML: {error}.") from None
    for setting in settings:
        _override(values, setting)
    values.setdefault("name", path.parent.name if path.name == "recipe.toml" else path.stem)
    recipe = from_dict(Recipe, values, f"{path.parent.name}/{path.name}")
    return _with_absolute_paths(recipe, path.parent)


def _override(values: dict[str, Any], setting: str) -> None:
    key, equals, text = setting.partition("=")
    if not equals or not key.strip():
        raise RecipeError(f"'{setting}' is not a setting.", "Allowed: --set key=value, such as --set train.epochs=3")
    *tables, last = key.strip().split(".")
    for table in tables:
        values = values.setdefault(table, {})
        if not isinstance(values, dict):
            raise RecipeError(f"'{setting}' goes below '{table}', which is a plain value.")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text  # a bare word is a string: --set data.name=wine
    values[last] = _absolute(key.strip(), value, Path())


def _with_absolute_paths(recipe: Recipe, folder: Path) -> Recipe:
    """The user's own data, networks and environment of a recipe are found from any folder."""
    data = {key: _absolute(f"data.{key}", value, folder) for key, value in recipe.data.items()}
    judge = recipe.judge
    if judge is not None:
        judge = replace(judge, network=_absolute("judge.network", judge.network, folder))
    return replace(recipe, data=data, network=_absolute("network", recipe.network, folder), judge=judge)


def _absolute(key: str, value: Any, folder: Path) -> Any:
    """The value of a key, absolute where it is a path."""
    if key not in PATHS or not isinstance(value, str):
        return value
    file, colon, name = value.rpartition(":") if key == "data.environment" else (value, "", "")
    is_path = key == "data.path" or file.endswith(".py")
    return f"{(folder / file).resolve()}{colon}{name}" if is_path else value
